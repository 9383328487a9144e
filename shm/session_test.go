package shm

import (
	"context"
	"testing"
	"time"
)

func TestRaiseSession(t *testing.T) {
	base := testBase(t)
	d, other := openTestDomain(t, base), openTestDomain(t, base)
	s := claimTest(t, d)
	first := s.Session()
	got := s.RaiseSession(first + 5000)
	if got <= first+5000 || got > first+5000+sessionStep || s.Session() != got || other.Session() != got {
		t.Errorf("session %d, %d, %d after %d", got, s.Session(), other.Session(), first)
	}
	steps := map[uint64]bool{}
	for range 40 { // a single step in all of them is one case in 1000^39
		last := got
		if got = s.RaiseSession(5); got <= last || got > last+sessionStep {
			t.Errorf("session %d after %d: it must grow by every call, by %d at most", got, last, sessionStep)
		}
		steps[got-last] = true
	}
	if len(steps) < 2 {
		t.Error("two machines that are told of the same session begin the same one")
	}
}

// A participant waits until the forwarder has seen its change; without a living
// forwarder there is nothing to wait for.
func TestAwaitForwarder(t *testing.T) {
	base := testBase(t)
	d, other := openTestDomain(t, base), openTestDomain(t, base)
	ctx := context.Background()
	p := joinTest(t, other, "publisher")
	if !other.AwaitForwarder(ctx, time.Hour) {
		t.Error("waited for nobody")
	}
	s := claimTest(t, d)
	if err := p.SetInfo(Info{Interests: []Interest{{Name: "orders", Publisher: true}}}); err != nil {
		t.Fatal(err)
	}
	if other.AwaitForwarder(ctx, time.Millisecond) {
		t.Error("the forwarder has seen nothing yet")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if other.AwaitForwarder(ended, time.Hour) {
		t.Error("a wait outlives its context")
	}
	done := make(chan bool)
	go func() { done <- other.AwaitForwarder(ctx, generous) }()
	s.SetScanned(d.Changes())
	if !<-done {
		t.Error("the forwarder has seen it all")
	}
}
