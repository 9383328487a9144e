package peers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// TestPeers: each says what it cannot do, and where it is not built.
func TestPeers(t *testing.T) {
	for _, p := range All {
		if found, err := Find(p.Name); err != nil || found.Title != p.Title {
			t.Errorf("Find(%q) = %v, %v", p.Name, found.Title, err)
		}
		if !p.OnNode() {
			if why := p.Cannot(bench.Spec{Scenario: bench.PingPong, Size: 64}); why != p.elsewhere || p.Contends(1) == "" {
				t.Errorf("%s on one node: %q", p.Title, why)
			}
			continue
		}
		if why := p.Missing(t.TempDir()); !strings.Contains(why, "make peer-"+p.Name) {
			t.Errorf("%s is missing: %q", p.Name, why)
		}
		if why := p.Cannot(bench.Spec{Scenario: bench.Survey, Size: 64}); why == "" {
			t.Errorf("%s has surveys", p.Name)
		}
		if why := p.Cannot(bench.Spec{Scenario: bench.PingPong, Size: 64}); why != "" {
			t.Errorf("%s: %s", p.Name, why)
		}
	}
	if _, err := Find("pigeons"); err == nil || !strings.Contains(err.Error(), "aeron") {
		t.Errorf("Find of none: %v", err)
	}
}

// TestContender runs a program that answers as a peer's does, and is told the work.
func TestContender(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho ready\necho \"$*\" >" + dir + "/told\necho '{\"rate\":7,\"missing\":2}'\n"
	if err := os.WriteFile(filepath.Join(dir, "aeron-node"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p, _ := Find("aeron")
	spec := bench.Spec{Scenario: bench.Stream, Rate: 1000, Producers: 3, Warmup: time.Millisecond, Duration: 100 * time.Millisecond}
	f, err := p.Contender(spec, dir, true).Measure(context.Background())
	if err != nil || f.Rate != 7 || f.Missing != 2 {
		t.Errorf("figure %+v, %v", f, err)
	}
	told, _ := os.ReadFile(filepath.Join(dir, "told"))
	for _, want := range []string{"--rate 1000", "--producers 3", "--size 256"} {
		if !strings.Contains(string(told), want) {
			t.Errorf("told %q, want %q in it", told, want)
		}
	}
	if !strings.HasSuffix(strings.TrimSpace(string(told)), "--exclusive 1") {
		t.Errorf("told %q: its own flags are not the last", told)
	}
}

// TestTouching: the program is told, behind the peer's own flags.
func TestTouching(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$*\" >" + dir + "/told\necho '{\"rate\":7}'\n"
	if err := os.WriteFile(filepath.Join(dir, "aeron-node"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p, _ := Find("aeron")
	spec := bench.Spec{Scenario: bench.Stream, Size: 256, Warmup: time.Millisecond, Duration: time.Millisecond}
	if _, err := p.Touching(16, spec, dir).Measure(context.Background()); err != nil {
		t.Fatal(err)
	}
	if told, _ := os.ReadFile(filepath.Join(dir, "told")); !strings.HasSuffix(strings.TrimSpace(string(told)), "--touched 16") {
		t.Errorf("told %q", told)
	}
}

// TestFewer: iceoryx2 has deep buffers where one program publishes, and the standard number where several do.
func TestFewer(t *testing.T) {
	if s := fewer(bench.Spec{Producers: 1, Size: 256, Slots: 1 << 16}); s.Slots != bench.DeepSlots(256) {
		t.Errorf("%d slots of 256 bytes", s.Slots)
	}
	for producers, want := range map[int]int{1: 8192, 3: 1024} {
		if s := fewer(bench.Spec{Producers: producers, Slots: 8192}); s.Slots != want {
			t.Errorf("%d producers: %d slots, want %d", producers, s.Slots, want)
		}
	}
	if s := fewer(bench.Spec{Producers: 3, Slots: 128}); s.Slots != 128 {
		t.Errorf("128 slots have become %d", s.Slots)
	}
}
