package shm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParseMemory(t *testing.T) {
	for text, want := range map[string]Memory{
		"": {}, "prefault": {Prefault: true}, "huge,prefault": {Huge: true, Prefault: true},
		"numa=local": {NUMA: "local"}, "numa=0,huge": {NUMA: "0", Huge: true},
	} {
		if got, err := ParseMemory(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{"fast": "want prefault, huge", "numa=": "want prefault", "numa=63": `no node "63" here`, "numa=x+0": `no node "x"`} {
		if _, err := ParseMemory(text); !errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	t.Setenv(MemoryVariable, "prefault")
	if m, err := MemoryFromEnvironment(Memory{}); err != nil || !m.Prefault {
		t.Errorf("%+v, %v", m, err)
	}
	if m, _ := MemoryFromEnvironment(Memory{NUMA: "local"}); m.Prefault {
		t.Error("the environment is asked though the configuration says something")
	}
	t.Setenv(MemoryVariable, "slow")
	if _, err := MemoryFromEnvironment(Memory{}); err == nil || !strings.Contains(err.Error(), MemoryVariable) {
		t.Errorf("%v", err)
	}
}

func TestParseNodes(t *testing.T) {
	if got, err := parseNodes("0-2,5,62-99"); err != nil || !slices.Equal(got, []int{0, 1, 2, 5, 62, 63}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseNodes("0-x"); err == nil {
		t.Error("a list that is none was read")
	}
}

// mapped reads a number of kB about a mapping from smaps.
func mapped(t *testing.T, b []byte, field string) (kb int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), fmt.Sprintf("\n%x-", addressOf(b)))
	if !found {
		t.Fatal("the segment is not mapped")
	}
	_, rest, _ = strings.Cut(rest, "\n"+field+":")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}

// TestSettle looks at what the kernel has mapped: little without settings, all with
// prefault, whole huge pages with huge, for who writes and who only reads.
func TestSettle(t *testing.T) {
	const size = 5 << 20
	for _, c := range []struct {
		name       string
		memory     Memory
		resident   int // kB at least
		huge       int // kB at least
		mostWithin int // kB at most
	}{
		{"as the system does", Memory{}, 0, 0, 1024},
		{"prefault", Memory{Prefault: true}, size >> 10, 0, size >> 10},
		{"huge", Memory{Huge: true}, 4096, 4096, size >> 10},
		{"huge, prefault, all nodes", Memory{Huge: true, Prefault: true, NUMA: "interleave"}, size >> 10, 4096, size >> 10},
	} {
		s := mustCreate(t, Spec{Path: filepath.Join(testBase(t), "s"), Kind: testKind, Size: size, Memory: c.memory})
		for _, writable := range []bool{true, false} {
			o := mustOpen(t, s.Path(), testKind == s.Kind() && writable)
			if err := o.Settle(c.memory); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			resident, huge := mapped(t, o.Bytes(), "Rss"), mapped(t, o.Bytes(), "ShmemPmdMapped")
			if resident < c.resident || resident > c.mostWithin || huge < c.huge {
				t.Errorf("%s, writable %v: %d kB resident, %d huge; want %d to %d, and %d", c.name, writable, resident, huge, c.resident, c.mostWithin, c.huge)
			}
		}
	}
	heap, err := NewHeapSegment(Spec{Kind: testKind, Size: 4096})
	if err != nil || heap.Settle(Memory{Prefault: true, Huge: true}) != nil {
		t.Errorf("heap: %v", err)
	}
}
