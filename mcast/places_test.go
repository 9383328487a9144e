package mcast

import (
	"bytes"
	"testing"
)

// bytes is how much memory was taken.
func (p *places) bytes() (n int) {
	for _, piece := range p.pieces {
		n += len(piece)
	}
	return n
}

// Every place is its own, whatever the sizes, and together they take what they are for.
func TestPlacesLieApart(t *testing.T) {
	for _, mtu := range []int{MTUMin, MTUDefault, 8972, MTUMax} {
		for _, count := range []int{1, 2, windowMin, directedPlaces, 300} {
			p := newPlaces(count, mtu, 1)
			for i := range count {
				b := p.at(i, mtu)
				if len(b) != mtu || cap(b) != mtu {
					t.Fatalf("place %d of %d bytes has %d, may grow to %d", i, mtu, len(b), cap(b))
				}
				copy(b, bytes.Repeat([]byte{byte(i + 1)}, mtu))
			}
			for i := range count {
				if !bytes.Equal(p.at(i, mtu), bytes.Repeat([]byte{byte(i + 1)}, mtu)) {
					t.Fatalf("%d places of %d bytes: place %d was written over", count, mtu, i)
				}
			}
			if n := p.bytes(); n != count*mtu {
				t.Errorf("%d places of %d bytes take %d", count, mtu, n)
			}
			for i, piece := range p.pieces {
				if len(piece) > max(mtu, pieceBytes) {
					t.Errorf("%d places of %d bytes: piece %d has %d", count, mtu, i, len(piece))
				}
			}
		}
	}
}

// An idle lane has no memory for datagrams, one that sent has as much as they take, to the piece,
// and one that went round has its window and takes no more, ever.
func TestWindowTakesWhatWasSent(t *testing.T) {
	now, a, _, topic := joined(t, func(c *Config) { c.Rate = 1e9 })
	a.engine.sink = nowhere{a}
	l, payload := a.engine.lanes[LaneGated], make([]byte, 1200) // a datagram each
	if n := l.places.bytes(); n != 0 {
		t.Fatalf("%d bytes before the first datagram", n)
	}
	for _, sent := range []uint64{1, 2, 63, 64, 65, 200, 1000, 10_000, l.window} {
		now = sendLoop(now, a, topic, payload, int(sent-l.head))
		if want, n := int(sent)*l.mtu, l.places.bytes(); l.head != sent || n < want || n >= want+pieceBytes {
			t.Errorf("%d datagrams of %d sent take %d bytes, want %d and less than a piece more", l.head, sent, n, want)
		}
	}
	round := func() { now = sendLoop(now, a, topic, payload, l.places.count) }
	if n := testing.AllocsPerRun(2, round); n != 0 { // it goes round once before
		t.Errorf("%v allocations a round, want 0", n)
	}
	if n, want := l.places.bytes(), (int(l.window)+1)*l.mtu; n != want {
		t.Errorf("%d bytes after %d datagrams, want %d", n, l.head, want)
	}
}
