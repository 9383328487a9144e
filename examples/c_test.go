package examples

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// makeC runs a target of the C library's Makefile in the build folder of these tests, and returns
// it. Others build elsewhere, maybe at this moment.
func makeC(t *testing.T, args ...string) string {
	t.Helper()
	output(t, command(t, "", "make", append([]string{"-s", "-C", "cbindings", "BUILD=build-examples"}, args...)...))
	return filepath.Join("cbindings", "build-examples")
}

// TestPublishAndSubscribeInC runs the two C programs against each other.
func TestPublishAndSubscribeInC(t *testing.T) {
	dir, build := t.TempDir(), makeC(t, "examples")
	subscribe := command(t, dir, filepath.Join(build, "ringcast-sub"), "greetings", "2")
	var out, errs bytes.Buffer
	subscribe.Stdout, subscribe.Stderr = &out, &errs
	if err := subscribe.Start(); err != nil {
		t.Fatal(err)
	}
	waitForTopic(t, dir, "greetings", "ringcast-sub")
	publish := command(t, dir, filepath.Join(build, "ringcast-pub"), "greetings")
	publish.Stdin = strings.NewReader("hello\nworld\n")
	output(t, publish)
	if err := subscribe.Wait(); err != nil || out.String() != "hello\nworld\n" {
		t.Errorf("ringcast-sub: %v, printed %q and %q", err, out.String(), errs.String())
	}
}

// waitForTopic waits until the tool lists the topic, and a program that reads.
func waitForTopic(t *testing.T, dir, topic, program string) {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "ringcast")
	output(t, command(t, "", "go", "build", "-o", tool, "./cmd/ringcast"))
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		out, err := command(t, dir, tool, "ls").Output()
		if err == nil && strings.Contains(string(out), topic) && strings.Contains(string(out), program) {
			return
		}
	}
	t.Fatalf("nobody subscribed to %s", topic)
}

// TestInstalledLibrary installs the C library and builds a program with what
// pkg-config says, shared and static.
func TestInstalledLibrary(t *testing.T) {
	prefix := t.TempDir()
	makeC(t, "install", "PREFIX="+prefix)
	flags := command(t, "", "pkg-config", "--cflags", "--libs", "ringcast")
	flags.Env = append(flags.Env, "PKG_CONFIG_PATH="+filepath.Join(prefix, "lib", "pkgconfig"))
	said := strings.Fields(output(t, flags))
	static := []string{"-I" + filepath.Join(prefix, "include"), filepath.Join(prefix, "lib", "libringcast.a"), "-pthread"}
	for name, args := range map[string][]string{"shared": said, "static": static} {
		bin := filepath.Join(t.TempDir(), name)
		output(t, command(t, "", "cc", append([]string{"-std=c11", "-o", bin, "examples/c/pub.c"}, args...)...))
		publish := command(t, t.TempDir(), bin, "greetings")
		publish.Env = append(publish.Env, "LD_LIBRARY_PATH="+filepath.Join(prefix, "lib"))
		publish.Stdin = strings.NewReader("hello\n")
		output(t, publish)
	}
	checkSymbols(t, filepath.Join(prefix, "lib", "libringcast.so"))
}

// checkSymbols: the shared library shows rc_ names and nothing else.
func checkSymbols(t *testing.T, library string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(output(t, exec.Command("nm", "-D", "--defined-only", library))), "\n") {
		fields := strings.Fields(line)
		if name := fields[len(fields)-1]; !strings.HasPrefix(name, "rc_") {
			t.Errorf("%s is visible", name)
		}
	}
}
