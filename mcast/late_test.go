package mcast

import (
	"slices"
	"testing"
)

// ringStation is a node whose ring holds the last messages that it sent.
type ringStation struct {
	*station
	sent, holds uint64
	marks       []uint64 // how many had been sent
}

func (s *ringStation) Mark(mark uint64) {
	for uint64(len(s.marks)) <= mark {
		s.marks = append(s.marks, s.sent)
	}
}

func (s *ringStation) History(_ *Peer, _ string, back uint32, since HistoryMarks) HistoryReader {
	end := s.marks[since.Gated] + 1
	return &ringReader{s: s, next: end - min(end-1, uint64(back)), end: end}
}

type ringReader struct {
	s         *ringStation
	next, end uint64
	begun     bool
}

func (r *ringReader) Close() {}

func (r *ringReader) Next(it *HistoryItem) HistoryResult {
	r.next = max(r.next, r.s.sent+1-min(r.s.sent, r.s.holds))
	switch {
	case !r.begun:
		r.begun = true
		it.Topic, it.Shape = "orders.eu", TopicShape{SlotCount: 64}
		return HistoryTopic
	case r.next < r.end:
		it.Message = *message(r.next, []byte("x"))
		r.next++
		return HistoryMessage
	}
	return HistoryEnd
}

// A node that asks for a history of k gets the k messages before its list was counted, and everything since,
// however much is sent before its ask comes, and whatever of that the ring still holds.
func TestLateAskLosesNothing(t *testing.T) {
	for _, holds := range []uint64{1000, 120, 20} {
		for _, back := range []uint32{1, 10, 1000} {
			first, got, lost := lateAsk(t, holds, back)
			oldest := 151 - min(holds, 150)
			if want := max(101-min(uint64(back), 100), oldest); first != min(want, 101) || got != 156-first || lost != 0 {
				t.Errorf("a ring of %d, back %d: began at %d, %d delivered, %d told as lost; want %d, %d and 0", holds, back, first, got, lost, min(want, 101), 156-min(want, 101))
			}
		}
	}
}

// lateAsk sends 100 messages, then 50 between the coming of the list and that of the ask, then 5.
func lateAsk(t *testing.T, holds uint64, back uint32) (first, delivered, lost uint64) {
	now, a, b, topic := joined(t, nil)
	rs := &ringStation{station: a, holds: holds, marks: []uint64{0}}
	a.engine.historian = rs
	b.engine.SetWants(now, nil)
	run(&now, 20*Millisecond, a, b)
	send := func(n int) {
		for range n {
			rs.sent++
			a.engine.Send(now, topic, message(rs.sent, []byte("x")))
		}
		a.engine.Flush(now)
	}
	send(100) // nobody wants it
	b.engine.SetHistories(now, []HistoryWant{{"orders.eu", back}})
	b.engine.SetWants(now, []string{"orders.eu"})
	var got []uint64
	b.onDeliver = func(m *Message) { got = append(got, m.Sequence) }
	for i := range 100 {
		b.engine.Tick(now)
		queue := a.queue
		a.queue = nil
		for _, p := range queue {
			if p.data[4] != 15 { // the asks are lost meanwhile
				a.engine.Receive(now, p.data, p.from, p.multi)
			}
		}
		a.engine.Tick(now)
		now += 100 * Microsecond
		queue = b.queue
		b.queue = nil
		for _, p := range queue {
			b.engine.Receive(now, p.data, p.from, p.multi)
		}
		if i == 30 {
			send(50)
		}
		if i == 60 { // another list does not move what was asked for
			b.engine.SetWants(now, []string{"orders.eu", "else"})
		}
	}
	run(&now, Second, a, b)
	send(5)
	run(&now, Second, a, b)
	if !slices.IsSorted(got) || len(got) == 0 || got[len(got)-1] != 155 {
		t.Fatalf("a ring of %d, back %d: %d delivered, %v", holds, back, len(got), got)
	}
	return got[0], uint64(len(got)), uint64(b.lost)
}
