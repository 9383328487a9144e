package mcast

import (
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// A judging station notes who speaks another version.
type judging struct {
	*station
	told [][3]uint32
}

func (j *judging) Incompatible(_ netip.AddrPort, node uint32, least, most uint8) {
	j.told = append(j.told, [3]uint32{node, uint32(least), uint32(most)})
}

// A node of another version is refused and told of once, with its versions; nothing else of it counts.
func TestOtherVersion(t *testing.T) {
	h := newHostile(t)
	j := &judging{station: h.station}
	h.engine.sink = j
	const hello = 5
	change := func(at int, v byte) []byte {
		b := append([]byte(nil), h.frames[hello]...)
		b[layout.FrameHeaderNodeOffset], b[at] = 77, v
		return b
	}
	for i, c := range []struct {
		frame       []byte
		least, most uint32
	}{
		{change(layout.FrameHeaderVersionOffset, 2), 2, 2},
		{change(layout.FrameHeaderVersionOffset, 0), 0, 0},
		{append(change(layout.FrameHeaderVersionOffset, 9)[:16:16], make([]byte, 200)...), 9, 9}, // of which only the first 16 bytes are known
	} {
		from := netip.AddrPortFrom(neighbour.Addr(), uint16(9000+i))
		j.told = nil
		for range 5000 {
			h.take(c.frame, from)
		}
		if len(j.told) != 1 || j.told[0] != [3]uint32{77, c.least, c.most} {
			t.Errorf("%d: told %v", i, j.told)
		}
	}
	later := change(wire.HeaderSize+layout.HelloHeadVersionMinOffset, 2)
	later[wire.HeaderSize+layout.HelloHeadVersionMaxOffset] = 3
	j.told = nil
	h.take(later, netip.AddrPortFrom(neighbour.Addr(), 9100))
	if len(j.told) != 1 || j.told[0] != [3]uint32{77, 2, 3} {
		t.Errorf("a Hello of versions 2 to 3: told %v", j.told)
	}
	if h.engine.byNode[77] != nil || h.engine.Counters().Quarantines != 0 {
		t.Error("a node of another version is a peer, or set apart for what a later release may send")
	}
}

// What a later release may add is passed over: features, a version range that has this one in it, bytes behind the
// rows of a Hello, types that may be ignored. The node is a peer.
func TestLaterRelease(t *testing.T) {
	h := newHostile(t)
	from := netip.AddrPortFrom(neighbour.Addr(), 9000)
	w := wire.Hello{Epoch: 1, VersionMin: 1, VersionMax: 4, Features: 1<<32 - 1, Name: []byte("later"), Host: []byte("h"), HasHears: true}
	b := wire.Begin(nil, &wire.Header{Type: wire.TypeHello, Domain: 7, Node: 77, Session: 5, Number: 1})
	b = append(w.AppendTo(b), 1, 2, 3, 4, 5, 6, 7, 8)
	wire.Finish(b)
	h.take(b, from)
	p := h.engine.byNode[77]
	if p == nil || p.Name() != "later" {
		t.Fatalf("a later release is no peer: %v", h.engine.Refusals())
	}
	for kind := 128; kind < 256; kind++ {
		b[layout.FrameHeaderTypeOffset] = byte(kind)
		for range 20 {
			h.take(b, from)
		}
	}
	if c := h.engine.Counters(); c.Refused[wire.BadIgnorable] != 128*20 || c.Quarantines != 0 || h.engine.byNode[77] != p {
		t.Errorf("types of a later release: %d ignored, %d set apart, peer %v", c.Refused[wire.BadIgnorable], c.Quarantines, h.engine.byNode[77])
	}
}
