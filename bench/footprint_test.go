package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestWatch sees the memory of a process below this one, and a file that comes into shared memory.
func TestWatch(t *testing.T) {
	w := NewWatch(os.Getpid())
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	one := w.Look()
	if one.Memory == 0 {
		t.Error("a process without memory")
	}
	dir, err := os.MkdirTemp(sharedMemory, "ringcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "shared")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if files := sharedFiles(); files[path] != 1<<20 {
		t.Errorf("file of 1 MiB takes %d", files[path])
	}
	if other := NewWatch(os.Getpid()); other.before[path] == 0 {
		t.Error("what was there before counts")
	}
}

// TestSpanWithoutReady leaves the figure alone: the program never said that it was ready.
func TestSpanWithoutReady(t *testing.T) {
	var s span
	var f Figure
	s.note(&f)
	if f != (Figure{}) {
		t.Errorf("figure %+v", f)
	}
}
