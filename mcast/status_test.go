package mcast

import "testing"

// The lanes that share the socket's credit are counted once in an instant, and anew where one more sends or a
// peer goes.
func TestActiveLanesAreCountedAnew(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	sequence := uint64(0)
	send := func() {
		sequence++
		if r := a.engine.Send(now, topic, &Message{Producer: Address{Node: 1, Index: 1, Generation: 1}, Sequence: sequence, Payload: []byte("x")}); r != Sent {
			t.Fatalf("Send: %v", r)
		}
		a.engine.Flush(now)
		drain(now, a, b)
	}
	want := func(n int, when string) {
		t.Helper()
		if got := b.engine.activeLanes(now); got != n {
			t.Errorf("%s: %d lanes, want %d", when, got, n)
		}
	}
	want(0, "before data")
	send()
	want(1, "in the instant of the first data")
	now += activeSpan - 1
	want(1, "just before it counts as silent")
	now++
	want(0, "after it")
	send()
	want(1, "in the instant in which it goes on")
	a.engine.Close(now)
	drain(now, a, b)
	want(0, "with its peer gone")
}
