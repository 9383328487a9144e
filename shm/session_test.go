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
	if got := s.RaiseSession(first + 1000); got != first+1001 || s.Session() != got || other.Session() != got {
		t.Errorf("session %d, %d, %d after %d", got, s.Session(), other.Session(), first)
	}
	if got := s.RaiseSession(5); got != first+1002 {
		t.Errorf("session %d: it must grow by every call", got)
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
