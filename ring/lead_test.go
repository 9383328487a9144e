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

// TestLeadIsNotWaitedForInVain: a stream that ends before the lead is there is read to its end, whoever
// reads it: by one, by batches, with history before it.
func TestLeadIsNotWaitedForInVain(t *testing.T) {
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
