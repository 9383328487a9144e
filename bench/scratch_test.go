package bench

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestKilledRunIsSwept: a run that is killed leaves its directory, and the next one removes it, but
// not before the last process of the killed one has ended.
func TestKilledRunIsSwept(t *testing.T) {
	base := t.TempDir()
	killed, err := newScratch(base)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command("/bin/cat")
	child.ExtraFiles = []*os.File{killed.held}
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	_ = killed.held.Close() // what the kernel does for who is killed
	for _, one := range []struct {
		when string
		end  func()
		want bool
	}{
		{"while a child lives", func() {}, true},
		{"when nobody does", func() { _ = stdin.Close(); _ = child.Wait() }, false},
	} {
		one.end()
		next, err := newScratch(base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(killed.dir); (err == nil) != one.want {
			t.Errorf("%s: directory of the killed run there: %v, want %v", one.when, err == nil, one.want)
		}
		if err := next.remove(); err != nil {
			t.Error(err)
		}
	}
}

// TestSweepLeavesOthersAlone: what is in use, what is just being made, and what no run made stays.
func TestSweepLeavesOthersAlone(t *testing.T) {
	base := t.TempDir()
	mine, err := newScratch(base)
	if err != nil {
		t.Fatal(err)
	}
	stay := []string{mine.dir, filepath.Join(base, scratchPrefix+"17"), filepath.Join(base, scratchPrefix+"trace-18")}
	for _, dir := range stay[1:] {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(stay[2], heldName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sweep(base)
	for _, dir := range stay {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
	if err := mine.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(mine.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed directory: %v", err)
	}
}
