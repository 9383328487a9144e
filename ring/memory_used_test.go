package ring

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMemory says in what memory the rings of these tests are, and asks the kernel
// whether they are there: on the heap one private span for all, mapped a shared one
// for each, which a reader may not write.
func TestMemory(t *testing.T) {
	memory := testMemory(t)
	t.Logf("rings in %s memory (%s)", memory, memoryVariable)
	ctl, dat := testRing(t, small(Shared))
	node := &testNode{}
	w, rd := attach(t, node, 0, ctl, dat), attachReader(t, node, 1, ctl, dat)
	want := []string{"rw-p", "rw-p", "rw-p", "rw-p"}
	if memory == mappedMemory {
		want = []string{"rw-s", "rw-s", "rw-s", "r--s"}
	}
	for i, at := range []any{w.ctl, &w.data[0], rd.ctl, &rd.data[0]} {
		if got := rightsAt(t, at); got != want[i] {
			t.Errorf("span %d of %s memory has rights %q, want %q", i, memory, got, want[i])
		}
	}
	if apart := &w.data[0] != &rd.data[0]; apart != (memory == mappedMemory) {
		t.Errorf("participants have mappings of their own: %v", apart)
	}
	r := joinFor(t, rd, JoinOptions{})
	publishFor(t, produceFor(t, w), "x")
	wantNext(t, r, "x")
}

// rightsAt is what /proc/self/maps says of the mapping that a pointer leads into.
func rightsAt(t *testing.T, pointer any) string {
	t.Helper()
	at, err := strconv.ParseUint(fmt.Sprintf("%p", pointer), 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		var from, to uint64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if from <= at && at < to {
			return rights
		}
	}
	return "none"
}

// TestUnknownMemoryFails runs a test of rings with a memory that there is not.
func TestUnknownMemoryFails(t *testing.T) {
	for _, name := range []string{"TestMemory", "TestFollowTakesNoStrangersEntry"} {
		cmd := exec.Command(os.Args[0], "-test.run", "^"+name+"$")
		cmd.Env = append(os.Environ(), memoryVariable+"=stack")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), memoryVariable+`="stack": set it to "heap" or "mapped"`) {
			t.Errorf("%s in the memory %q: %v\n%s", name, "stack", err, out)
		}
	}
}

// TestMappedSpansEnd: what a test maps is unmapped with it, or earlier where it says so.
func TestMappedSpansEnd(t *testing.T) {
	var inner testing.TB
	var early, late []byte
	t.Run("maps", func(t *testing.T) {
		inner = t
		late = mapImage(t, make([]byte, 5000))
		early = mapImage(t, make([]byte, 5000))
		_ = viewOf(t, early, unix.PROT_READ)
		unmapFrom(t, 1)
		if got := rightsAt(t, &early[0]); got == "rw-s" {
			t.Error("the second span is mapped")
		}
		if got := rightsAt(t, &late[0]); got != "rw-s" {
			t.Errorf("the first span has rights %q", got)
		}
	})
	if got := rightsAt(t, &late[0]); got == "rw-s" {
		t.Error("a span outlives its test")
	}
	if n := mappedBy(inner); n != 0 {
		t.Errorf("%d spans outlive their test", n)
	}
}
