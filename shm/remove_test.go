package shm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

func TestRemoveByTheLastUser(t *testing.T) {
	spec := testSpec(t)
	a := mustCreate(t, spec)
	b := mustOpen(t, spec.Path, true)
	mustError(t, a.Remove(), ErrInUse, spec.Path)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if state, _ := b.State(); state != layout.SegmentStateReady {
		t.Errorf("state in use = %d", state)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	if state, _ := b.State(); state != layout.SegmentStateRetired {
		t.Errorf("state after Remove = %d", state)
	}
	_, err := Open(spec.Path, testKind, true)
	mustError(t, err, fs.ErrNotExist)
}

func TestReadersProtectToo(t *testing.T) {
	spec := testSpec(t)
	a := mustCreate(t, spec)
	r := mustOpen(t, spec.Path, false)
	mustError(t, a.Remove(), ErrInUse)
	mustError(t, r.Remove(), ErrReadOnly)
}

// Both leave at once: each gives up its share before it asks for all, so one of
// them removes the file.
func TestTwoLeaveAtOnce(t *testing.T) {
	for range 200 {
		spec := testSpec(t)
		a, b := mustCreate(t, spec), mustOpen(t, spec.Path, true)
		done := make(chan error, 2)
		for _, s := range []*Segment{a, b} {
			go func() { done <- s.Remove() }()
		}
		err1, err2 := <-done, <-done
		for _, err := range []error{err1, err2} {
			if err != nil && !errors.Is(err, ErrInUse) {
				t.Fatal(err)
			}
		}
		if _, err := os.Lstat(spec.Path); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("both left, the file stays: %v, %v", err1, err2)
		}
	}
}

// Somebody else's file under the name is not ours to remove.
func TestRemoveLeavesAnothersName(t *testing.T) {
	spec := testSpec(t)
	old := mustCreate(t, spec)
	if err := os.Remove(spec.Path); err != nil {
		t.Fatal(err)
	}
	fresh := mustCreate(t, spec)
	if err := old.Remove(); err != nil {
		t.Fatal(err)
	}
	if state, _ := old.State(); state != layout.SegmentStateReady {
		t.Errorf("the remover let go, yet the state is %d", state)
	}
	if s := mustOpen(t, spec.Path, true); s.ID() != fresh.ID() {
		t.Error("the name leads elsewhere")
	}
}

// A retired segment without users is removed by the next opener.
func TestOpenerRemovesRetired(t *testing.T) {
	spec := testSpec(t)
	s := mustCreate(t, spec)
	s.Retire(0)
	_ = s.Close()
	_, err := Open(spec.Path, testKind, true)
	mustError(t, err, fs.ErrNotExist)
	if _, err := Create(spec); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
}

func TestRetiredInUse(t *testing.T) {
	spec := testSpec(t)
	s := mustCreate(t, spec)
	s.Retire(99)
	for _, writable := range []bool{true, false} {
		_, err := Open(spec.Path, testKind, writable)
		var retired *RetiredError
		if !errors.As(err, &retired) || retired.Successor != 99 || retired.Path != spec.Path {
			t.Errorf("writable %v: %v", writable, err)
		}
	}
	if _, err := os.Lstat(spec.Path); err != nil {
		t.Errorf("a segment in use lost its name: %v", err)
	}
}

// A remover that is stopped with the lock held costs an opener its patience, no more.
func TestRemoverStuck(t *testing.T) {
	spec := testSpec(t)
	_ = mustCreate(t, spec).Close()
	fd, err := openRetry(spec.Path, unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := lockExclusive(fd, layout.LockByteUsage); !ok || err != nil {
		t.Fatal(ok, err)
	}
	begin := time.Now()
	_, err = Open(spec.Path, testKind, true)
	mustError(t, err, ErrInUse, spec.Path)
	if waited := time.Since(begin); waited < removePatience || waited > generous {
		t.Errorf("waited %v", waited)
	}
	closeFD(fd)
	mustOpen(t, spec.Path, true)
}

func TestRemoveAbandoned(t *testing.T) {
	path := filepath.Join(testBase(t), "fifo")
	if err := removeAbandoned(path); err != nil {
		t.Errorf("not there: %v", err)
	}
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	owner, err := openRetry(path, unix.O_RDWR|unix.O_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := lockShared(owner, layout.LockByteUsage); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := removeAbandoned(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error("the bell of a living owner was taken")
	}
	closeFD(owner)
	if err := removeAbandoned(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an abandoned bell stays")
	}
}

// Processes that make, open and remove one segment, killed anywhere: nobody
// sees half of it, and the name is usable after.
func TestKilledMakersAndRemovers(t *testing.T) {
	path := filepath.Join(testBase(t), "segment")
	for round := range 10 {
		var children []*child
		for range 3 {
			c := startChild(t, "create", path)
			c.joined()
			children = append(children, c)
		}
		time.Sleep(time.Duration(round) * 3 * time.Millisecond)
		for _, c := range children {
			c.kill()
			if status := c.cmd.ProcessState; status.Exited() {
				t.Fatalf("round %d: a child ended by itself: %v %s", round, status, c.line())
			}
		}
		s, err := Open(path, testKind, true)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if b := s.Bytes(); b[len(b)-1] != 0xee {
			t.Fatal("half a segment has the name")
		}
		if err := s.Remove(); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
	}
	if names := filesIn(t, filepath.Dir(path)); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}
