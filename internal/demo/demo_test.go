package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// binaries builds the tools once for all tests.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(withBinaries(m))
}

func withBinaries(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ringcast-demo-bin-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-o", dir, "../../cmd/ringcast", "../../cmd/ringcastd")
	if out, err := cmd.CombinedOutput(); err != nil {
		panic("build the tools: " + err.Error() + "\n" + string(out))
	}
	binaries = dir
	return m.Run()
}

// small is the demo with less of everything.
func small(t *testing.T) settings {
	return settings{
		bin: binaries, work: t.TempDir(), fault: "loss=0.02", seed: 7,
		bytes: 1 << 20, lines: 30_000, rate: 5_000, seconds: 1, size: 2000, patience: 3 * time.Second, pause: 1500 * time.Millisecond,
	}
}

func demoContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestDemo runs all parts, on loopback.
func TestDemo(t *testing.T) {
	s := small(t)
	s.part = "all"
	if err := run(demoContext(t), s); err != nil {
		t.Fatal(err)
	}
}

// TestDemoFailsWithoutNAKs shows that the demo's verdict depends on repair.
func TestDemoFailsWithoutNAKs(t *testing.T) {
	s := small(t)
	s.part, s.noNAK = "stream", true
	err := run(demoContext(t), s)
	if err == nil || !strings.Contains(err.Error(), "sub-B") {
		t.Fatalf("without NAKs: %v; want the subscriber on B to miss messages", err)
	}
	assertOutput(t, s, "out.A", true)
}

// TestDemoFailsWithoutForwarderB shows that nothing reaches B but by its forwarder.
func TestDemoFailsWithoutForwarderB(t *testing.T) {
	s := small(t)
	s.part, s.stopB = "stream", true
	err := run(demoContext(t), s)
	if err == nil || !strings.Contains(err.Error(), "0 messages") {
		t.Fatalf("without B's forwarder: %v; want B's subscriber to get 0 messages", err)
	}
	assertOutput(t, s, "out.A", true)
	if _, size, err := fileSHA(filepath.Join(s.work, "out.B")); err == nil && size != 0 {
		t.Errorf("without its forwarder B wrote %d bytes", size)
	}
}

// assertOutput compares an output with the input.
func assertOutput(t *testing.T, s settings, name string, same bool) {
	t.Helper()
	want, _, err := fileSHA(filepath.Join(s.work, "input"))
	if err != nil {
		t.Fatal(err)
	}
	have, _, err := fileSHA(filepath.Join(s.work, name))
	if err != nil {
		t.Fatal(err)
	}
	if (have == want) != same {
		t.Errorf("%s: sha256 %s, input %s", name, have, want)
	}
}
