package ring

import "testing"

// TestBlockedProducerWakesItsReader: a waker died after it had taken the reader's
// bit and before it rang. The reader sleeps; the producer that finds no room wakes
// it long before that costs the reader its budget.
func TestBlockedProducerWakesItsReader(t *testing.T) {
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) {
			s := newScene(t, Shape{Slots: 64, Payload: 64, Kind: kind}, 2)
			rd, p := s.reader(1), s.producer(0)
			rd.Arm()
			s.rings[0].ctl.readerSummary.Store(0) // what the dead waker took
			s.rings[0].ctl.readerMask[0].Store(0)
			bell := &s.node.bells[1]
			seen := bell.Load()
			s.fill(p)
			if bell.Load() != seen {
				t.Fatal("the bell rang: nobody's bit was there")
			}
			s.blockedFor(p, 2*maxStep)
			if bell.Load() == seen {
				t.Error("the reader sleeps on while its producer waits for it")
			}
			if rd.out() {
				t.Error("the reader was put out")
			}
		})
	}
}
