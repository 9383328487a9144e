package mcast

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// mirror is a sink that keeps what was sent, by lane sequence.
type mirror struct {
	*station
	seen [][]byte
}

func (m *mirror) Multicast(datagrams [][]byte) {
	for _, d := range datagrams {
		m.seen = append(m.seen, bytes.Clone(d))
	}
}

func (m *mirror) Unicast(_ netip.AddrPort, d []byte) {
	if wire.TypeOf(d) == wire.TypeData {
		m.seen = append(m.seen, bytes.Clone(d))
	}
}

// Whatever the sizes and however often they change: what a lane says that it can repair is there, byte by byte,
// a member that takes nothing loses nothing, and the window is never larger than it says.
func TestWindowOfTwoSizes(t *testing.T) {
	noise := make([]byte, 64<<10)
	rand.NewChaCha8([32]byte{}).Read(noise)
	for seed := range uint64(40) {
		r, id := rand.New(rand.NewPCG(seed, 3)), []uint32{LaneGated, LaneDirected}[seed%2]
		large := []int{1472, 2815, 4000, largeTest, 30_000}[r.IntN(5)]
		now, a, _, topic := joined(t, func(c *Config) {
			c.MTULarge, c.Window, c.Rate, c.NoDirected = large, MTUDefault*(64+r.IntN(1000)), 1e9, id != LaneDirected
			c.Compression = []Compression{CompressNever, CompressAlways}[r.IntN(2)]
		})
		sink := &mirror{station: a}
		a.engine.sink = sink
		p := a.engine.byNode[2]
		l, m := a.engine.laneOf(p, id), &p.members[id]
		if l.head != 0 {
			t.Fatal("data before the test")
		}
		dense := false
		for step, sequence := 0, uint64(1); step < 2000; step++ {
			dense = dense != (r.IntN(8) == 0)
			now += Millisecond / 10
			switch r.IntN(60) {
			case 0, 1:
				a.engine.probe.large = true
			case 2:
				a.engine.shrink(now)
			case 3, 4, 5:
				m.taken = min(l.head, m.taken+r.Uint64N(1+l.head-m.taken))
				m.highest, m.credit = l.head, 1<<30
				a.engine.updateLimit(now, l)
			}
			payload := make([]byte, int(sequence*7919)%(3*large))
			if dense { // half of it: what is packed to be folded may fold, or not
				payload = noise[sequence%1000:][:int(sequence*7919)%(large+large/2)]
			}
			if a.engine.Send(now, topic, message(sequence, payload)) == Sent {
				sequence++
			}
			if r.IntN(3) == 0 {
				a.engine.Flush(now)
			}
			a.engine.flushOut()
			checkWindow(t, seed, l, sink, m)
		}
		if l.head < 100 {
			t.Errorf("seed %d: %d datagrams", seed, l.head)
		}
	}
}

func checkWindow(t *testing.T, seed uint64, l *lane, sink *mirror, m *member) {
	t.Helper()
	switch {
	case l.trail() > m.taken:
		t.Fatalf("seed %d: the trail is %d, a member has taken %d", seed, l.trail(), m.taken)
	case l.head-l.trail() > l.window:
		t.Fatalf("seed %d: %d datagrams in a window of %d", seed, l.head-l.trail(), l.window)
	case uint64(len(sink.seen)) != l.head:
		t.Fatalf("seed %d: %d were sent, the head is %d", seed, len(sink.seen), l.head)
	}
	for _, seq := range []uint64{l.trail(), (l.trail() + l.head) / 2, l.head - min(l.head, 1)} {
		if seq < l.head && !bytes.Equal(l.datagram(seq), sink.seen[seq]) {
			t.Fatalf("seed %d: %d of %d..%d has other bytes than were sent", seed, seq, l.trail(), l.head)
		}
	}
}

// With small datagrams the window reaches as far as where there are no large ones; with large ones as far as the
// same memory goes.
func TestWindowReach(t *testing.T) {
	var alone int // without large ones
	for _, large := range []int{0, 1472, largeTest} {
		now, a, _, topic := joined(t, func(c *Config) { c.MTULarge, c.Rate = large, 1e9 })
		a.engine.sink = nowhere{a}
		l := a.engine.lanes[LaneGated]
		m := &a.engine.byNode[2].members[LaneGated]
		m.credit = 1 << 30
		a.engine.updateLimit(now, l)
		full := func() (n int) {
			for sequence := l.head + 1; a.engine.Send(now, topic, message(sequence, make([]byte, l.whole-100))) == Sent; sequence++ {
				a.engine.Flush(now)
				now += Millisecond
				m.heard, m.quiet, m.progress = now, now, now
				n++
			}
			return n
		}
		if n := full(); large == 0 {
			alone = n
		} else if n != alone || n < 32<<20/MTUDefault-1 {
			t.Errorf("large %d: %d small datagrams", large, n)
		}
		if large == 0 {
			continue
		}
		m.taken = l.head
		a.engine.updateLimit(now, l)
		a.engine.probe.large = true
		if n := full(); n*large < 31<<20 || n*large > 36<<20 {
			t.Errorf("%d datagrams of %d bytes", n, large)
		}
		if n := l.places.bytes(); n > 36<<20 {
			t.Errorf("%d bytes for a window of 32 MiB", n)
		}
	}
}
