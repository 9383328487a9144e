package mcast

import (
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
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

// A node that comes up asks for two names. While the first stream is under way its list changes elsewhere: the second
// ask still names the list that had its name from the beginning, or what was published between the two is left out.
func TestSecondAskOfWhoComesUp(t *testing.T) {
	a, b := newStation(t, 1, 11, nil), newStation(t, 2, 22, nil)
	connect(a, b)
	rs := &ringStation{station: a, holds: 1000, marks: []uint64{0}}
	a.engine.historian = rs
	now := Second
	topic, err := a.engine.Topic("orders.eu", TopicShape{SlotCount: 64})
	if err != nil {
		t.Fatal(err)
	}
	b.engine.SetHistories(now, []HistoryWant{{"first", HistoryAll}, {"orders.eu", 1}})
	b.engine.SetWants(now, []string{"first", "orders.eu"})
	a.engine.Start(now)
	b.engine.Start(now)
	var got []uint64
	b.onDeliver = func(m *Message) { got = append(got, m.Sequence) }
	send := func(n int) {
		for range n {
			rs.sent++
			a.engine.Send(now, topic, message(rs.sent, []byte("x")))
		}
		a.engine.Flush(now)
	}
	for i := range 600 {
		for _, s := range []*station{a, b} {
			queue := s.queue
			s.queue = nil
			for _, p := range queue {
				if i < 400 && wire.TypeOf(p.data) == wire.TypeUnicastData {
					continue // the first stream does not come for 40 ms
				}
				s.engine.Receive(now, p.data, p.from, p.multi)
			}
			s.engine.Tick(now)
		}
		now += 100 * Microsecond
		switch i {
		case 100:
			if a.engine.WantedBy("orders.eu") != 1 {
				t.Fatal("not joined")
			}
			send(50)
		case 200:
			b.engine.SetWants(now, []string{"first", "orders.eu", "else"})
		case 300:
			send(5)
		}
	}
	run(&now, Second, a, b)
	send(5)
	run(&now, Second, a, b)
	if len(got) == 0 || got[0] != 1 || len(got) != 60 || !slices.IsSorted(got) || b.lost != 0 {
		t.Errorf("%d delivered, %v, %d told as lost: want 1 to 60", len(got), got, b.lost)
	}
}
