package examples

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// listen starts a program and waits until it says that it has subscribed.
func listen(t *testing.T, cmd *exec.Cmd) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout = &out
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("subscribed"))
	if _, err := said.Read(line); err != nil || string(line) != "subscribed" {
		t.Fatalf("%v says %q: %v", cmd.Args, line, err)
	}
	return &out
}

// TestPublishAndSubscribeInCpp runs the two C++ programs against each other.
func TestPublishAndSubscribeInCpp(t *testing.T) {
	dir, build := t.TempDir(), makeC(t, "examples-cpp")
	subscribe := command(t, dir, filepath.Join(build, "ringcast-cpp-sub"), "greetings", "2")
	out := listen(t, subscribe)
	publish := command(t, dir, filepath.Join(build, "ringcast-cpp-pub"), "greetings")
	publish.Stdin = strings.NewReader("hello\nworld\n")
	output(t, publish)
	if err := subscribe.Wait(); err != nil || out.String() != "hello\nworld\n" {
		t.Errorf("ringcast-cpp-sub: %v, printed %q", err, out.String())
	}
	refused(t, command(t, dir, filepath.Join(build, "ringcast-cpp-pub"), "not a name"), 1, "not a name")
	refused(t, command(t, dir, filepath.Join(build, "ringcast-cpp-sub"), "not a name"), 1, "not a name")
}

// TestLoopInCpp: what is published in two topics, and what is typed, in one loop.
func TestLoopInCpp(t *testing.T) {
	dir, build := t.TempDir(), makeC(t, "examples-cpp")
	loop := command(t, dir, filepath.Join(build, "ringcast-cpp-loop"), "one", "two")
	typed, err := loop.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	printed, err := loop.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := loop.Start(); err != nil {
		t.Fatal(err)
	}
	expect := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		if _, err := printed.Read(got); err != nil || string(got) != want {
			t.Fatalf("ringcast-cpp-loop prints %q, want %q: %v", got, want, err)
		}
	}
	waitForTopic(t, dir, "two", "ringcast-cpp-lo")
	for _, topic := range []string{"one", "two", "one"} {
		publish := command(t, dir, filepath.Join(build, "ringcast-cpp-pub"), topic)
		publish.Stdin = strings.NewReader("hello\n")
		output(t, publish)
		expect(topic + ": hello\n")
	}
	if _, err := typed.Write([]byte("abc\n")); err != nil {
		t.Fatal(err)
	}
	expect("typed: abc\n")
	if err := typed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := loop.Wait(); err != nil {
		t.Error(err)
	}
}

func TestOrdersInCpp(t *testing.T) {
	build := makeC(t, "examples-cpp-flatbuffers")
	if out := output(t, command(t, t.TempDir(), filepath.Join(build, "ringcast-cpp-orders"))); out != "order 7 of ada: 2 of tea\n" {
		t.Errorf("ringcast-cpp-orders printed %q", out)
	}
}

// TestInstalledHeaders builds a C++ program with what was installed: with pkg-config, and with CMake.
func TestInstalledHeaders(t *testing.T) {
	prefix := t.TempDir()
	makeC(t, "install", "PREFIX="+prefix)
	flags := command(t, "", "pkg-config", "--cflags", "--libs", "ringcast")
	flags.Env = append(flags.Env, "PKG_CONFIG_PATH="+filepath.Join(prefix, "lib", "pkgconfig"))
	bin := filepath.Join(t.TempDir(), "pub")
	output(t, command(t, "", "c++", append([]string{"-std=c++17", "-o", bin, "examples/cpp/pub.cc"}, strings.Fields(output(t, flags))...)...))
	publish := command(t, t.TempDir(), bin, "greetings")
	publish.Env = append(publish.Env, "LD_LIBRARY_PATH="+filepath.Join(prefix, "lib"))
	publish.Stdin = strings.NewReader("hello\n")
	output(t, publish)

	project := t.TempDir()
	output(t, command(t, "", "cmake", "-S", "examples/cpp", "-B", project, "-DCMAKE_PREFIX_PATH="+prefix))
	output(t, command(t, "", "cmake", "--build", project))
	publish = command(t, t.TempDir(), filepath.Join(project, "pub"), "greetings")
	publish.Stdin = strings.NewReader("hello\n")
	output(t, publish)
}
