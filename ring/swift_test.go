package ring

import (
	"math/rand/v2"
	"testing"
)

// TestSwiftStaysWithinTheGate: what may be published the short way is what a look at
// all readers allows: no slot is lent or still to be read, whoever came, was put out,
// or asked for room meanwhile.
func TestSwiftStaysWithinTheGate(t *testing.T) {
	for _, kind := range bothKinds {
		testSwift(t, kind)
	}
}

func testSwift(t *testing.T, kind Kind) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	short, looked := 0, 0
	for range 200 {
		s := newScene(t, small(kind), 5)
		p, r := s.producer(0), s.rings[0]
		readers := []*Reader{s.reader(1), s.reader(2)}
		for range 400 {
			switch rd := readers[rng.IntN(len(readers))]; rng.IntN(8) {
			case 0:
				if w := entryWord(r.entries[rd.index].state.Load()); rng.IntN(4) == 0 && w.state() == entryActive {
					r.evict(rd.index, w)
				}
			case 1:
				_ = p.roomFor(1 + rng.IntN(32))
			case 2:
				if len(readers) < 4 {
					readers = append(readers, s.reader(len(readers)+1))
				}
			case 3:
				if c, err := p.TryClaim(nil); err == nil && rng.IntN(2) == 0 {
					_ = c.Commit(0, 1, &Meta{})
				} else if err == nil {
					_ = c.Abort()
				}
			case 4:
				if !p.MayLend() {
					_ = p.TryPublish([]byte("x"), &Meta{})
					continue
				}
				var c Claim
				p.Lend(&c)
				if rng.IntN(2) == 0 {
					p.CommitLent(1, &Meta{})
				} else if p.KeepLent(); rng.IntN(2) == 0 {
					_ = c.Commit(0, 1, &Meta{})
				} else {
					_ = c.Abort()
				}
			case 5:
				_ = p.TryPublish([]byte("x"), &Meta{})
			default:
				for range rng.IntN(40) {
					_ = rd.Next(&Message{})
				}
			}
			looked++
			if p.next >= p.swift {
				continue
			}
			short++
			var g gate
			if r.refresh(&g); p.next >= g.limit || g.pinned(p.next, r.capacity()) {
				t.Fatalf("%v: position %d goes the short way up to %d; the readers allow %d, lent %v", kind, p.next, p.swift, g.limit, g.pins)
			}
		}
	}
	if short == 0 || short == looked {
		t.Errorf("%v: %d of %d looks found the short way open", kind, short, looked)
	}
}
