package mcast

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// Messages that would leave much of a datagram unused begin in its rest, what little is
// left is filled: full datagrams are of one size, and the messages come whole.
func TestMessagesFillDatagrams(t *testing.T) {
	for _, test := range []struct {
		size, messages, datagrams int
	}{
		{256, 467, 101},
		{512, 250, 104},
		{1024, 125, 101},
		{2048, 62, 100}, // a large one begins where 256 bytes of it fit
		{100, 110, 11},  // what stays free would not pay
	} {
		now, a, b, topic := joined(t, func(c *Config) { c.Rate = 1e9 })
		a.hold = true
		want := byte(0)
		b.onDeliver = func(m *Message) {
			want++
			if len(m.Payload) != test.size || !bytes.Equal(m.Payload, bytes.Repeat([]byte{want}, test.size)) {
				t.Errorf("size %d: message %d has %d bytes, of %d", test.size, m.Sequence, len(m.Payload), m.Payload[0])
			}
		}
		for i := range test.messages {
			m := message(uint64(i+1), bytes.Repeat([]byte{byte(i + 1)}, test.size))
			if r := a.engine.Send(now, topic, m); r != Sent {
				t.Fatalf("size %d: message %d: %v", test.size, i+1, r)
			}
		}
		a.engine.Flush(now)
		if n := len(a.kept); n > test.datagrams || n < test.datagrams-1 {
			t.Errorf("%d messages of %d bytes took %d datagrams, want %d", test.messages, test.size, n, test.datagrams)
		}
		for i, d := range a.kept[:len(a.kept)-1] {
			if len(d) != MTUDefault-wire.TagSize {
				t.Errorf("size %d: datagram %d has %d bytes", test.size, i, len(d))
			}
		}
		for _, d := range a.kept {
			b.engine.Receive(now, d, a.address, true)
		}
		if b.delivered != test.messages {
			t.Errorf("size %d: %d of %d messages came", test.size, b.delivered, test.messages)
		}
	}
}

// half is a message that no two of fit into a datagram, and that does not fold.
func half(r *rand.Rand, whole int) []byte {
	b := make([]byte, whole/2)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// What is packed for one datagram and does not fold takes up to splitMost: they run neither over what
// members lack, in any place of the window, nor over what a topic that moves waits for.
func TestWhatDoesNotFoldStaysInTheWindow(t *testing.T) {
	for _, directed := range []bool{false, true} {
		for _, large := range []int{0, 4000, largeTest} {
			most := uint64(0)
			for lacks := 1; lacks < 128; lacks++ {
				most = max(most, splitAt(t, directed, large, lacks))
			}
			if most != splitMost {
				t.Errorf("directed %v, large %d: at most %d datagrams of one, want %d", directed, large, most, splitMost)
			}
		}
	}
}

// splitAt sends what folds well until a member lacks so many datagrams, of which the last two are large if there are such,
// then what was packed for one and does not fold, and has the network lose all of it. It returns how many datagrams that was.
func splitAt(t *testing.T, directed bool, large, lacks int) (took uint64) {
	t.Helper()
	now, a, b, topic := joined(t, func(c *Config) {
		c.Window, c.DirectedWindow, c.Rate, c.Compression = 128*1408, 128*1408, 1e6, CompressAlways
		c.NoDirected, c.Timers.Alone = !directed, Millisecond
		if c.MTULarge = large; large != 0 { // a window of twice as many bytes, which large ones fill sooner
			c.Window, c.DirectedWindow = 256*1408, 256*1408
		}
	})
	r, sent := rand.New(rand.NewPCG(uint64(lacks), 1)), 0
	send := func(payload []byte) bool {
		if a.engine.Send(now, topic, message(uint64(sent+1), payload)) != Sent {
			return false
		}
		sent++
		return true
	}
	var l *lane
	for range lacks % 5 { // so that what it lacks begins in any place
		send(make([]byte, 1000))
		a.engine.Flush(now)
	}
	run(&now, 20*Millisecond, a, b)
	for i := range lacks {
		if i >= lacks-2 && large != 0 {
			a.engine.probe.large = true
		}
		if !send(make([]byte, 1000)) {
			t.Fatalf("directed %v, lacking %d: no room for message %d", directed, lacks, sent+1)
		}
		l = a.engine.opened[0]
		a.engine.Flush(now)
	}
	from, behind := l.head, uint64(0)
	for l.head == from && send(half(r, l.whole)) {
		if l.head == from {
			behind = l.behind()
		}
	}
	took = l.head - from
	a.engine.Flush(now)
	taken := b.engine.byNode[1].receivers[l.id].next
	if l.trail() > taken || took > 0 && behind < from+took {
		t.Errorf("directed %v, large %d, lacking %d: %d datagrams of one, the trail at %d of a member at %d, a topic waits for %d", directed, large, lacks, took, l.trail(), taken, behind)
	}
	b.queue = nil
	if run(&now, Second, a, b); b.lost != 0 || b.delivered != sent {
		t.Errorf("directed %v, large %d, lacking %d: %d delivered, %d lost of %d", directed, large, lacks, b.delivered, b.lost, sent)
	}
	return took
}
