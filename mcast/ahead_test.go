package mcast

import "testing"

// delayed receives frames of which every nth comes late, as a repair would, and
// counts on the receiver to put them in order.
func delayed(now Time, r, a *station, frames [][]byte, nth, late int) {
	for i := range frames {
		if i%nth != nth/2 {
			r.engine.Receive(now, frames[i], a.address, true)
		}
		if j := i - late; j >= 0 && j%nth == nth/2 {
			r.engine.Receive(now, frames[j], a.address, true)
		}
	}
	for j := len(frames) - late; j < len(frames); j++ {
		if j%nth == nth/2 {
			r.engine.Receive(now, frames[j], a.address, true)
		}
	}
}

// streams sends messages of several producers in turn, each in a datagram of its
// own, and returns the datagrams.
func streams(t testing.TB, now Time, a *station, topic TopicID, producers, messages int) [][]byte {
	t.Helper()
	a.hold = true
	for i := range messages {
		m := Message{Producer: Address{Node: 1, Index: uint16(i % producers)}, Sequence: uint64(i/producers + 1), Payload: make([]byte, 500)}
		if a.engine.Send(now, topic, &m) != Sent {
			t.Fatal("not sent")
		}
		a.engine.Flush(now)
		a.takeAll(now)
	}
	a.hold = false
	frames := a.kept
	a.kept = nil
	return frames
}

// Past holes everything comes once and in order, and what is kept for it is used again.
func TestPastHolesAllocatesNothing(t *testing.T) {
	now, a, r, topic := joined(t, func(c *Config) { c.Rate = 1e9 })
	const producers, messages = 7, 8000
	frames := streams(t, now, a, topic, producers, messages)
	next := map[uint16]uint64{}
	r.onDeliver = func(m *Message) {
		if next[m.Producer.Index]++; m.Sequence != next[m.Producer.Index] {
			t.Fatalf("producer %d: message %d, want %d", m.Producer.Index, m.Sequence, next[m.Producer.Index])
		}
	}
	delayed(now, r, a, frames[:4000], 40, 90)
	batch := frames[4000:]
	if n := testing.AllocsPerRun(1, func() {
		delayed(now, r, a, batch[:2000], 40, 90)
		batch = batch[2000:]
	}); n > 2 {
		t.Errorf("2000 datagrams past holes allocate %v times", n)
	}
	if r.delivered != messages || r.lost != 0 {
		t.Errorf("delivered %d of %d, lost %d", r.delivered, messages, r.lost)
	}
}

// part is a message that a test sends: of a topic, with so many bytes.
type part struct {
	topic    TopicID
	sequence uint64
	size     int
}

// frames sends messages together and returns their datagrams.
func (s *station) frames(now Time, parts ...part) [][]byte {
	s.t.Helper()
	s.hold = true
	for _, x := range parts {
		m := Message{Producer: Address{Node: 1}, Sequence: x.sequence, Payload: make([]byte, x.size)}
		if r := s.engine.Send(now, x.topic, &m); r != Sent {
			s.t.Fatalf("not sent: %d", r)
		}
	}
	s.engine.Flush(now)
	s.takeAll(now)
	s.hold = false
	frames := s.kept
	s.kept = nil
	return frames
}

// Two streams catch up at once; the datagrams where a large message of one begins and
// ends have messages of the other, which brings them up before those between.
func TestFragmentsAmongAnothersMessages(t *testing.T) {
	for name, x := range map[string]struct{ begun, unwanted bool }{
		"known":        {begun: true},
		"rows missing": {},
		"unwanted":     {begun: true, unwanted: true},
	} {
		t.Run(name, func(t *testing.T) { amongAnothers(t, x.begun, x.unwanted) })
	}
}

func amongAnothers(t *testing.T, begun, unwanted bool) {
	now, a, r, other := joined(t, nil)
	topic, err := a.engine.Topic("orders.us", TopicShape{SlotCount: 64})
	if err != nil {
		t.Fatal(err)
	}
	third, err := a.engine.Topic("orders.uk", TopicShape{SlotCount: 64})
	if err != nil {
		t.Fatal(err)
	}
	first, seq := []part{{other, 1, 10}, {third, 1, 10}}, uint64(1)
	if begun {
		first, seq = append(first, part{topic, 1, 10}), 2
	}
	early := a.frames(now, first...)
	late := a.frames(now, part{other, 2, 10}, part{topic, seq, 10})
	hole := a.frames(now, part{third, 2, 10})
	mixed := a.frames(now, part{other, 3, 10}, part{topic, seq + 1, 5000}, part{other, 4, 10})
	if len(late) != 1 || len(mixed) < 4 {
		t.Fatalf("%d and %d datagrams: not what is tested", len(late), len(mixed))
	}
	receive := func(frames [][]byte) {
		for _, f := range frames {
			r.engine.Receive(now, f, a.address, true)
		}
	}
	wants := func(pattern string) {
		if err := r.engine.SetWants(now, []string{pattern}); err != nil {
			t.Fatal(err)
		}
	}
	receive(early)
	if unwanted {
		wants("orders.eu")
	}
	receive(mixed)
	wants("orders.*")
	receive(late)
	want := 4 + int(seq) + 1 + 2
	if r.delivered != want-1 || r.lost != 0 {
		t.Errorf("before the hole closes: delivered %d of %d, lost %d", r.delivered, want-1, r.lost)
	}
	receive(hole)
	if r.delivered != want || r.lost != 0 {
		t.Errorf("delivered %d of %d, lost %d", r.delivered, want, r.lost)
	}
}

// A late datagram in 40, of one producer and of many.
func BenchmarkReceivePastHoles(b *testing.B) {
	for _, producers := range []int{1, 20} {
		b.Run(byteCount(producers)[:len(byteCount(producers))-1]+"producers", func(b *testing.B) {
			now, a, r, topic := joined(b, func(c *Config) { c.Rate = 1e9; c.Window = 256 << 20 })
			frames := streams(b, now, a, topic, producers, 20000)
			receiver := r.engine.peers[0].receivers[LaneGated]
			r.engine.sink = nowhere{r}
			start, passes := receiver.next, 0
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += len(frames) {
				delayed(now, r, a, frames, 40, 90)
				passes++
				receiver.next, receiver.highest, receiver.trail = start, start, 0
				for _, s := range r.engine.peers[0].streams {
					if s != nil {
						s.place.next, s.near, s.at = 1, 1, 0
					}
				}
			}
			if r.delivered != passes*len(frames) {
				b.Fatalf("delivered %d of %d", r.delivered, passes*len(frames))
			}
		})
	}
}
