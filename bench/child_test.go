package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// TestMain lets the test's own program be the processes of a run.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "bench-child" {
		if err := Child(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// options lead back to this program.
func options(t *testing.T) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Child: []string{self, "bench-child"}}
}

// TestChildrenEndWithTheirParent: a parent that is killed closes its ends of the pipes and says
// nothing else.
func TestChildrenEndWithTheirParent(t *testing.T) {
	spec, err := Spec{Scenario: Stream}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRun(spec, options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.scratch.remove()
	if err := r.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.until(t.Context(), "processes open", func() bool { return r.board.ready.Load() == 2 }); err != nil {
		t.Fatal(err)
	}
	r.board.phase.Store(phaseWarm)
	if err := r.until(t.Context(), "messages come", func() bool { return r.board.counts[1].messages.Load() > 0 }); err != nil {
		t.Fatal(err)
	}
	for _, c := range r.children {
		_ = c.stdin.Close()
	}
	for _, c := range r.children {
		select {
		case <-c.ended:
		case <-time.After(time.Minute):
			t.Fatalf("the %s works on", c.role)
		}
	}
}
