package ring

import "testing"

// TestFewerClaimsThanAskedForIsNoWait: who is lent some of the slots that he asked for
// does not wait for the others while he writes.
func TestFewerClaimsThanAskedForIsNoWait(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 64, Payload: 64, Kind: kind}, 2)
		p, rd := s.producer(0), s.reader(1)
		for range 64 - 4 {
			publishFor(t, p, "x")
		}
		for round := range 200 {
			if rd.out() {
				t.Fatalf("%v, round %d: a reader that held nobody up was put out", kind, round)
			}
			c, err := p.TryClaimBatch(8)
			if err != nil || c.Len() != 4 {
				t.Fatalf("%v: %d claims, %v, want 4", kind, c.Len(), err)
			}
			s.clock.now += maxStep // while he writes
			if n, err := c.Commit([]int{1, 1, 1, 1}, &Meta{}); n != 4 || err != nil {
				t.Fatalf("%v: %d sent, %v", kind, n, err)
			}
			if _, err := p.TryClaimBatch(8); err != ErrFull { // and now he waits, for no time
				t.Fatalf("%v: %v, want %v", kind, err, ErrFull)
			}
			for range 4 {
				if err := rd.Next(&Message{}); err != nil {
					t.Fatal(err)
				}
			}
			rd.store()
		}
	}
}
