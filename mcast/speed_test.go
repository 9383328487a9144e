package mcast

import (
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// takeAll keeps the sender's window open while a benchmark drops its datagrams.
func (s *station) takeAll(now Time) {
	m := &s.engine.peers[0].members[LaneGated]
	m.taken, m.highest = s.engine.lanes[LaneGated].head, s.engine.lanes[LaneGated].head
	s.engine.updateLimit(now, s.engine.lanes[LaneGated])
}

// nowhere is a station whose datagrams are dropped.
type nowhere struct{ *station }

func (nowhere) Multicast([][]byte) {}

func sendLoop(now Time, a *station, topic TopicID, payload []byte, n int) Time {
	e := a.engine
	m := Message{Producer: Address{Node: 1, Index: 3}, Payload: payload}
	seq := uint64(0)
	if s := e.topics[topic-1].last; s != nil {
		seq = s.last
	}
	for i := 0; i < n; i++ {
		m.Sequence = seq + 1
		if e.Send(now, topic, &m) != Sent {
			now += Millisecond
			a.takeAll(now)
			i--
			continue
		}
		seq++
	}
	e.Flush(now)
	return now
}

func BenchmarkSend(b *testing.B) {
	for _, size := range []int{16, 100, 400, 2000} {
		b.Run(byteCount(size), func(b *testing.B) {
			now, a, _, topic := joined(b, func(c *Config) { c.Rate = 1e9 })
			a.engine.sink = nowhere{a}
			payload := make([]byte, size)
			now = sendLoop(now, a, topic, payload, 100)
			b.ReportAllocs()
			b.ResetTimer()
			sendLoop(now, a, topic, payload, b.N)
		})
	}
}

func BenchmarkReceive(b *testing.B) {
	for _, size := range []int{16, 100, 400, 2000} {
		b.Run(byteCount(size), func(b *testing.B) {
			now, a, r, topic := joined(b, func(c *Config) { c.Rate = 1e9; c.Window = 256 << 20 })
			frames, per := record(b, now, a, topic, make([]byte, size), 20000)
			receiver := r.engine.peers[0].receivers[LaneGated]
			r.engine.sink = nowhere{r}
			start := receiver.next
			passes := 0
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; {
				for _, f := range frames {
					r.engine.Receive(now, f, a.address, true)
				}
				done += per
				passes++
				receiver.next, receiver.highest, receiver.trail = start, start, 0
				for _, s := range r.engine.peers[0].streams {
					if s != nil {
						s.place.next, s.near = 1, 1
					}
				}
			}
			if r.delivered != passes*per {
				b.Fatalf("delivered %d of %d", r.delivered, passes*per)
			}
		})
	}
}

// record returns the datagrams of n messages.
func record(t testing.TB, now Time, a *station, topic TopicID, payload []byte, n int) ([][]byte, int) {
	t.Helper()
	a.hold = true
	sendLoop(now, a, topic, payload, n)
	a.hold = false
	frames := a.kept
	a.kept = nil
	return frames, n
}

func byteCount(n int) string {
	const digits = "0123456789"
	s := ""
	for ; n > 0; n /= 10 {
		s = string(digits[n%10]) + s
	}
	return s + "B"
}

// Sending and receiving in order allocate nothing.
func TestHotPathsAllocateNothing(t *testing.T) {
	now, a, _, topic := joined(t, func(c *Config) { c.Rate = 1e9 })
	a.engine.sink = nowhere{a}
	payload := make([]byte, 120)
	now = sendLoop(now, a, topic, payload, 100)
	if n := testing.AllocsPerRun(200, func() { now = sendLoop(now, a, topic, payload, 50) }); n != 0 {
		t.Errorf("Send allocates %v times for 50 messages, want 0", n)
	}
	now, a, r, topic := joined(t, func(c *Config) { c.Rate = 1e9 })
	frames, _ := record(t, now, a, topic, payload, 3000)
	for _, f := range frames[:10] {
		r.engine.Receive(now, f, a.address, true)
	}
	i := 10
	if n := testing.AllocsPerRun(len(frames)-20, func() { r.engine.Receive(now, frames[i], a.address, true); i++ }); n != 0 {
		t.Errorf("Receive allocates %v times a datagram, want 0", n)
	}
	if r.delivered < 2900 {
		t.Errorf("delivered %d of 3000", r.delivered)
	}
}

// Asking for repair and repairing allocate nothing, once the queues have grown.
func TestRepairAllocatesNothing(t *testing.T) {
	now, a, _, topic := joined(t, func(c *Config) { c.Rate = 1e9 })
	sendLoop(now, a, topic, make([]byte, 1200), 200)
	a.engine.sink = nowhere{a}
	l, p := a.engine.lanes[LaneGated], a.engine.peers[0]
	nak := wire.Nak{Session: a.engine.cfg.Session, Base: l.head - 64, HighestDelta: 63}
	body := wire.AppendNakRange(nak.AppendTo(nil), 0, 64)
	repair := func() {
		now += 2 * Millisecond // past the guard
		if r := a.engine.receiveNak(now, p, body, p.from); r != wire.OK {
			t.Fatalf("nak: %v", r)
		}
		for !l.repairs.empty() {
			now += repairApart
			a.engine.pumpRepairs(now, l, repairTurn)
		}
	}
	repair()
	before := a.engine.count.RepairsSent
	if n := testing.AllocsPerRun(100, repair); n != 0 {
		t.Errorf("a NAK of 64 allocates %v times, want 0", n)
	}
	if sent := a.engine.count.RepairsSent - before; sent < 64*100 {
		t.Errorf("%d repairs, want %d", sent, 64*101)
	}
}
