package mcast

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// outlet is a station that counts what goes by unicast to addresses from which it knows nobody.
type outlet struct {
	*station
	known netip.AddrPort
	bytes int
}

func (o *outlet) Unicast(to netip.AddrPort, d []byte) {
	if to != o.known {
		o.bytes += len(d)
		return
	}
	o.station.Unicast(to, d)
}

// newOutlet makes a node that has one other node for a peer, and tells it of so many topics.
func newOutlet(t testing.TB, topics int) (now Time, o *outlet) {
	t.Helper()
	now, a, b, _ := joined(t, nil)
	for i := range topics {
		id, err := a.engine.Topic(fmt.Sprintf("orders.topic-%d", i), TopicShape{SlotCount: 64})
		if err != nil {
			t.Fatal(err)
		}
		pass(t, &now, a, b, id, message(1, []byte("one")))
	}
	o = &outlet{station: a, known: b.address}
	a.engine.sink = o
	return now, o
}

// silent passes time until nothing can come any more.
func (o *outlet) silent(now *Time) {
	for end := *now + 12*Second; *now < end; *now += Millisecond {
		o.engine.Tick(*now)
		o.others[0].queue = nil
	}
}

// helloFrom is the first word of a node.
func helloFrom(node uint32) []byte {
	h := wire.Hello{Epoch: 1, VersionMin: 1, VersionMax: 1, Flags: 3, Name: []byte("n"), Host: []byte("h")}
	return forged(node, 99, wire.TypeHello, h.AppendTo)
}

// Guarantee test 25, amplification: what one frame from an address that said nothing before brings there,
// in bytes by unicast for each byte of it. It is at most one Hello, but for a Hello: that makes a peer, who
// is told what it takes to join, again and again until it is dead.
func TestAmplification(t *testing.T) {
	for _, topics := range []int{0, 10, 100} {
		for kind, frame := range framesOf(9, 99, 11) {
			now, o := newOutlet(t, topics)
			o.engine.Receive(now, frame, stranger, true)
			o.silent(&now)
			most := len(helloFrom(9)) + 32 // the hear-vector's head, and names
			if wire.TypeOf(frame) == wire.TypeHello {
				table := 0
				for _, b := range o.engine.setupFrames(&Peer{}) {
					table += len(b)
				}
				most = table + 60*most // 30 Hellos and as many Wants in the 2 s until it is dead, and once the table
			}
			if o.bytes > most {
				t.Errorf("%d topics, frame %d: %d bytes in, %d out, want %d at most", topics, kind, len(frame), o.bytes, most)
			}
			if o.bytes > 0 {
				t.Logf("%d topics, type %d: %d bytes in, %d out: %.1f", topics, wire.TypeOf(frame), len(frame), o.bytes, float64(o.bytes)/float64(len(frame)))
			}
		}
	}
}

// However many say Hello under made-up names and from made-up addresses: no more peers are told at a time than there may be.
func TestAmplificationOfAFlood(t *testing.T) {
	const each, span = 200 * Microsecond, 4 * Second // 5,000 a second
	now, o := newOutlet(t, 10)
	one := 30 * (o.engine.cfg.MTU + 200) // for each peer: Hellos, which name all who are not heard, and Wants
	for _, b := range o.engine.setupFrames(&Peer{}) {
		one += len(b)
	}
	in := 0
	for i := uint32(0); i < uint32(span/each); i++ {
		b := helloFrom(1000 + i)
		in += len(b)
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)}), 7000)
		o.engine.Receive(now, b, from, false)
		o.engine.Tick(now)
		o.others[0].queue = nil
		now += each
	}
	o.silent(&now)
	lives := int(span/o.engine.cfg.Timers.PeerTimeout) + 2
	most := one * o.engine.cfg.Limits.Peers * lives
	t.Logf("%d bytes in, %d out: %.2f", in, o.bytes, float64(o.bytes)/float64(in))
	if o.bytes > most {
		t.Errorf("%d bytes out, want %d at most", o.bytes, most)
	}
}
