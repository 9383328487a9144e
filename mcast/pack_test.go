package mcast

import (
	"bytes"
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
