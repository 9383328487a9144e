package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sampleRoot copies the sample schema into a repository of its own and returns
// its root and the stand-in for flatc. The root has a blank in its name, as a
// checkout may.
func sampleRoot(t *testing.T) (root, flatc string) {
	t.Helper()
	root = filepath.Join(t.TempDir(), "a root")
	text, err := os.ReadFile(filepath.Join("testdata", "codec", "schema", "sample.fbs"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, "codec/schema/sample.fbs", string(text))
	put(t, root, "codec/layout/constants.go", "package layout\n\n// Twice is two records.\nconst Twice = 2 * RecordSize\n")
	flatc, err = filepath.Abs(filepath.Join("testdata", "flatc.sh"))
	if err != nil {
		t.Fatal(err)
	}
	bfbs, err := filepath.Abs(filepath.Join("testdata", "sample.bfbs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("FAKE_BFBS", bfbs)
	return root, flatc
}

func gen(args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestRunWritesThenChecks(t *testing.T) {
	root, flatc := sampleRoot(t)
	if code, _, errs := gen("-root", root, "-flatc", flatc, "-check"); code != 1 || !strings.Contains(errs, "missing") {
		t.Errorf("check of an empty tree: %d %q", code, errs)
	}
	if code, out, errs := gen("-root", root, "-flatc", flatc); code != 0 || !strings.Contains(out, "files up to date") {
		t.Fatalf("generate: %d %q %q", code, out, errs)
	}
	if code, _, errs := gen("-root", root, "-flatc", flatc, "-check"); code != 0 {
		t.Errorf("check after generate: %d %q", code, errs)
	}
	for name, want := range map[string]string{
		"cbindings/java/src/main/java/io/github/ringcast/fb/Record.java": "FLATBUFFERS_25_2_10();\n  public void mutateClass(int value) { bb.put(p + 24, (byte) value); }\n",
		"cbindings/include/ringcast/fb/sample_generated.h":               "// header\n",
		"codec/fb/Record.go": "package fb\n\nvar A = 1\n",
	} {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || string(got) != want {
			t.Errorf("%s = %q, %v, want %q", name, got, err, want)
		}
	}
	header, err := os.ReadFile(filepath.Join(root, "cbindings/include/ringcast/layout.h"))
	if err != nil || !strings.Contains(string(header), "#define RC_TWICE 80\n") {
		t.Errorf("layout.h lacks the constant that is written by hand: %v", err)
	}
}

func TestRunTellsWhatIsWrong(t *testing.T) {
	root, flatc := sampleRoot(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"flag", []string{"-nonsense"}, 2, "nonsense"},
		{"no compiler", []string{"-root", root, "-flatc", "/nowhere/flatc"}, 1, "/nowhere/flatc"},
		{"compiler fails", []string{"-root", root, "-flatc", "false"}, 1, "flatc -b"},
		{"no schemas", []string{"-root", t.TempDir(), "-flatc", flatc}, 1, "schemas:"},
	} {
		if code, _, errs := gen(c.args...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%s: %d %q, want %d and %q", c.name, code, errs, c.code, c.want)
		}
	}
}

func TestConstantsThatDoNotCompile(t *testing.T) {
	root, flatc := sampleRoot(t)
	put(t, root, "codec/layout/constants.go", "package layout\n\nconst A = Missing\n")
	if code, _, errs := gen("-root", root, "-flatc", flatc); code != 1 || !strings.Contains(errs, "constants:") {
		t.Errorf("%d %q, want an error that names the constants", code, errs)
	}
}
