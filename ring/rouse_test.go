package ring

import (
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

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

// charged is what a reader has used up of its stall budget.
func charged(rd *Reader) time.Duration {
	return time.Duration(rd.ring.entries[rd.index].blocked.Load() & (1<<layout.BlockedBits - 1))
}

// TestReaderIsNotChargedForAWriter: a reader that stands before an open claim has an
// excuse, and for no longer than the commit deadline: whoever does not step over the
// claim then is to blame himself.
func TestReaderIsNotChargedForAWriter(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 4)
	rd, behind, w, p := s.reader(1), s.reader(2), s.producer(0), s.producer(3)
	publishFor(t, p, "x")
	wantNext(t, rd, "x")
	wantEmpty(t, rd) // its cursor is told: before the claim
	s.claim(w)
	for p.TryPublish([]byte("x"), &Meta{}) == nil {
	}
	deadline := s.rings[0].shape.CommitDeadline
	wantNext(t, behind, "x")
	wantEmpty(t, behind)
	behind.Close() // it held the gate lower than the claim; now the claim is at the gate
	for p.TryPublish([]byte("x"), &Meta{}) == nil {
	}
	s.blockedFor(p, deadline-maxStep)
	if got := charged(rd); got != 0 {
		t.Errorf("charged %v while it waits for a writer", got)
	}
	s.blockedFor(p, 3*maxStep)
	if got := charged(rd); got == 0 {
		t.Error("charged nothing after the writer's deadline, which nobody else looks at")
	}
}

// TestOnlyTheHindmostHasAnExcuse: a reader that is slow is charged, though another
// waits for a writer.
func TestOnlyTheHindmostHasAnExcuse(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 4)
	slow, p := s.reader(1), s.producer(3)
	publishFor(t, p, "x")
	waits := s.reader(2)
	s.claim(s.producer(0))
	for p.TryPublish([]byte("x"), &Meta{}) == nil {
	}
	s.blockedFor(p, 3*maxStep)
	if charged(slow) == 0 || charged(waits) != 0 {
		t.Errorf("charged: slow %v, before a writer %v", charged(slow), charged(waits))
	}
}
