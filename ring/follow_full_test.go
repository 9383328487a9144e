package ring

import (
	"errors"
	"testing"
)

// TestFollowIntoFullRing lets a reader follow to a ring whose entries are all in
// use: it says so, then and ever after, and touches that ring no more.
func TestFollowIntoFullRing(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, Shape{Slots: 64, Payload: 64})
	rd, err := attach(t, node, 1, ctl, dat).Join(JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctl, dat = testRing(t, Shape{Slots: 64, Payload: 64})
	full := attach(t, node, 2, ctl, dat)
	for err == nil {
		_, err = full.Join(JoinOptions{})
	}
	next := attach(t, node, 1, ctl, dat)
	if err := rd.Follow(next); !errors.Is(err, ErrTooManyReaders) {
		t.Fatalf("follow into a full ring: %v, want %v", err, ErrTooManyReaders)
	}
	next.claims, next.entries, next.data = nil, nil, nil // as if it were unmapped
	var m Message
	for range 2 {
		if err := rd.Next(&m); !errors.Is(err, ErrTooManyReaders) {
			t.Errorf("next: %v, want %v", err, ErrTooManyReaders)
		}
	}
	rd.Close()
}
