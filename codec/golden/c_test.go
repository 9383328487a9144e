package golden

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// warnings are the options under which every C and C++ file of ours is clean.
var warnings = []string{"-Wall", "-Wextra", "-Werror", "-pedantic"}

// TestC compiles layout.h with its assertions as C11 and reads every image
// through its structs.
func TestC(t *testing.T) {
	reader := compileReader(t, envOr("CC", "cc"), "image_reader_c_generated.c", "-std=c11")
	readImages(t, reader)
}

// TestHeaderAsCpp compiles the same header and program as C++17.
func TestHeaderAsCpp(t *testing.T) {
	reader := compileReader(t, envOr("CXX", "c++"), "image_reader_c_generated.c", "-std=c++17", "-x", "c++")
	readImages(t, reader)
}

// TestCpp compares flatc's structs and enums with layout.h at compile time and
// reads every image through flatc's accessors.
func TestCpp(t *testing.T) {
	reader := compileReader(t, envOr("CXX", "c++"), "image_reader_cpp_generated.cc", "-std=c++17", "-isystem", flatbuffersInclude(t))
	readImages(t, reader)
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// flatbuffersInclude finds the C++ headers that come with the Go module: they
// are of the version that go.mod asks for.
func flatbuffersInclude(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/flatbuffers").Output()
	if err != nil {
		t.Fatalf("flatbuffers module: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "include")
}

// compileReader builds one of the image readers and returns its path.
func compileReader(t *testing.T, compiler, source string, options ...string) string {
	t.Helper()
	folder := filepath.Join("..", "..", "cbindings")
	out := filepath.Join(t.TempDir(), "reader")
	args := append(append([]string{}, warnings...), "-I", filepath.Join(folder, "include"), "-o", out)
	args = append(append(args, options...), filepath.Join(folder, "test", source))
	if text, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", compiler, strings.Join(args, " "), err, text)
	}
	return out
}

// readImages runs the reader over every image.
func readImages(t *testing.T, reader string) {
	for _, name := range structNames() {
		g := readGolden(t, name)
		out, err := exec.Command(reader, name, imagePath(name, ".bin")).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		} else if string(out) != g.text() {
			t.Errorf("%s prints:\n%swant:\n%s", name, out, g.text())
		}
	}
}
