//go:build invariants && !race

// The race detector does not see mapped memory, and makes the children slow.

package main

import (
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

func TestMain(m *testing.M) {
	if code, isChild := childMain(); isChild {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// logWriter gives what a run says to the test.
type logWriter struct{ t *testing.T }

func (w logWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimRight(string(b), "\n"))
	return len(b), nil
}

// testRun is a run whose seed is given by the environment, or by the caller.
func testRun(t *testing.T, seed uint64) *run {
	t.Helper()
	if text := os.Getenv("RINGCAST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("repeat with RINGCAST_SEED=%d go test -tags invariants -count=1 -v -run '^%s$' ./internal/torture", seed, t.Name())
	r, err := newRun(seed, logWriter{t})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// small is how long the small form of all scenes takes, per seed.
func small() time.Duration {
	if testing.Short() {
		return 5 * time.Second
	}
	return 9 * time.Second
}

// TestSmall plays all scenes, briefly, with a seed that is always the same and one
// that is new. The long form is make torture.
func TestSmall(t *testing.T) {
	for _, seed := range []uint64{7, rand.Uint64() >> 1} {
		t.Run(map[bool]string{true: "fixed", false: "fresh"}[seed == 7], func(t *testing.T) {
			r := testRun(t, seed)
			shares := 0
			for _, s := range scenes {
				shares += s.share
			}
			// A machine that is busy with other things strikes fewer points in a turn.
			for turn := 0; turn == 0 || turn < 4 && len(r.missing()) > len(r.points) && !t.Failed(); turn++ {
				for _, s := range scenes {
					if err := s.play(r, small()*time.Duration(s.share)/time.Duration(shares)); err != nil {
						t.Errorf("%s (%s): %v", s.name, s.promise, err)
					}
				}
			}
			r.report()
			if missing := len(r.missing()); missing > len(r.points) {
				t.Errorf("of %d named points only %d were struck by kills and stops together", len(r.points), 2*len(r.points)-missing)
			}
		})
	}
}

// TestLiars: producers that lose a message, send one twice, tear one or send one
// under another's number are found out.
func TestLiars(t *testing.T) {
	want := map[string]string{
		"drop":   "missing without word",
		"double": "came twice",
		"tear":   "torn: checksum",
		"alter":  "foreign bytes",
	}
	for fault, words := range want {
		t.Run(fault, func(t *testing.T) {
			r := testRun(t, 7)
			r.fault = fault
			err := r.contest("liars", smallShape(0).Default(), true, 600*time.Millisecond, "produce", "produce")
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("got %v, want %q", err, words)
			}
		})
	}
}

// TestKilledJoiner: who dies between the hanging up of his bell and his record's being LIVE leaves the
// bell to whoever takes his index next, and nothing else.
func TestKilledJoiner(t *testing.T) {
	r := testRun(t, 7)
	point := slices.IndexFunc(r.points, func(p point) bool { return p.name == "shm:live" })
	if point < 0 {
		t.Fatal("there is no point shm:live")
	}
	a, err := r.newArena("joiner", ring.Shape{}.Default())
	if err != nil {
		t.Fatal(err)
	}
	a.arm([]int{point})
	p := a.start(task{Role: "sweep", Slot: 0})
	victim, at := a.await(30 * time.Second)
	if victim != p || at != point {
		t.Fatalf("%v stands at %d, want the joiner at %d", victim, at, point)
	}
	a.slay(p)
	for _, f := range a.close() {
		t.Error(f)
	}
	if n := r.counts["bells of joiners that were killed, which wait for their index"]; n != 1 {
		t.Errorf("%d bells are left, want one", n)
	}
}
