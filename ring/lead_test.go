package ring

import "testing"

// TestLeadIsWithinTheRing: a lead that producers can't have, because the ring is full before, would cost its whole wait
// at every lease of a stream.
func TestLeadIsWithinTheRing(t *testing.T) {
	for _, c := range []struct {
		slots, payload int
		least, most    uint64
	}{
		{4, 64, 1, 1},
		{64, 64, 16, 16},
		{1024, 64, 256, 256},
		{16384, 64, 1024, 4096},
		{4096, 1024, 128, 512},
		{1024, 2048, 128, 256},
		{64, 64 << 10, 1, 8},
		{4, 1 << 20, 0, 0},
	} {
		for _, kind := range bothKinds {
			s := newScene(t, Shape{Slots: c.slots, Payload: c.payload, Kind: kind}, 2)
			if lead := leadOf(s.rings[0]); lead < c.least || lead > c.most || lead > uint64(c.slots)/4 {
				t.Errorf("%v, %d slots of %d: a lead of %d, want %d to %d", kind, c.slots, c.payload, lead, c.least, c.most)
			}
		}
	}
}

// TestLeadInAStreamOnly: a lead is waited for by who waits, in a stream, and not behind single messages and short bursts,
// nor by who polls. A wait that brought nothing shows in vain.
func TestLeadInAStreamOnly(t *testing.T) {
	for _, c := range []struct {
		name        string
		burst       int
		waits, want bool
	}{
		{"single messages", 1, true, false},
		{"short bursts", longStream - 1, true, false},
		{"long bursts", 2*maxLease + 1, true, true},
		{"long bursts, polled", 2*maxLease + 1, false, false},
	} {
		for _, kind := range bothKinds {
			s := newScene(t, Shape{Slots: 1024, Payload: 64, Kind: kind}, 2)
			p, rd, waited := s.producer(0), s.reader(1), false
			for range 5*maxLease/c.burst + 1 {
				for range c.burst {
					publishFor(t, p, "x")
				}
				rd.waits = c.waits // as Await has it
				for range c.burst {
					wantNext(t, rd, "x")
				}
				waited = waited || rd.vain > 0
				if wantEmpty(t, rd); rd.waits {
					t.Errorf("%v, %s: who has found nothing, and did not wait, counts as who waits", kind, c.name)
				}
			}
			if waited != c.want {
				t.Errorf("%v, %s: waited in vain: %v, want %v", kind, c.name, waited, c.want)
			}
		}
	}
}

// TestLeadIsSoFar: nobody waits while the message that ends the lead is there, and who waits in vain again and again rests.
func TestLeadIsSoFar(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 1024, Payload: 64, Kind: kind}, 2)
		p, rd := s.producer(0), s.reader(1)
		rd.waits = true
		for range maxLease + rd.lead {
			publishFor(t, p, "x")
		}
		for range maxLease + 1 {
			wantNext(t, rd, "x")
		}
		if rd.vain != 0 {
			t.Errorf("%v: waited with the lead of %d there", kind, rd.lead)
		}
		for range maxLease {
			wantNext(t, rd, "x")
		}
		if rd.vain != 1 || rd.rests != 1 {
			t.Errorf("%v: vain %d and rests %d with the end of the lead missing, want 1 and 1", kind, rd.vain, rd.rests)
		}
		for range 2*leadRests + 20 {
			rd.giveLead()
		}
		if rd.vain != leadRests {
			t.Errorf("%v: rests for %d leases behind many waits in vain, want %d", kind, rd.vain, leadRests)
		}
	}
}

// TestStreamThatEnds: a stream that ends before the lead is there is read to its end, whoever
// reads it: by one, by batches, with history before it.
func TestStreamThatEnds(t *testing.T) {
	for _, kind := range bothKinds {
		for _, history := range []uint64{0, 8} {
			for _, size := range []int{1, 5, maxLease} {
				s := newScene(t, Shape{Slots: 1024, Payload: 64, Kind: kind}, 2)
				p, ms := s.producer(0), make([]Message, size)
				for range history {
					publishFor(t, p, "before")
				}
				rd, err := s.rings[1].Join(JoinOptions{History: history})
				if err != nil {
					t.Fatal(err)
				}
				rd.waits = true
				if rd.emptyAt != rd.cursor {
					t.Errorf("%v, history %d: begins in a stream, of %d messages", kind, history, rd.cursor-rd.emptyAt)
				}
				want := 0
				for end := rd.lead + 2*maxLease + 7; uint64(want) < end; want++ {
					publishFor(t, p, "x")
				}
				for want += int(history); want > 0; {
					n, err := rd.NextBatch(ms)
					if err != nil {
						t.Fatalf("%v, history %d, batches of %d: %v, and %d to come", kind, history, size, err, want)
					}
					want -= n
				}
				if _, err := rd.NextBatch(ms); err != ErrEmpty {
					t.Errorf("%v: %v behind the last message", kind, err)
				}
			}
		}
	}
}
