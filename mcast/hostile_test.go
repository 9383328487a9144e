package mcast

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// hostile is an engine that takes part in a lane of another node, and what can be
// sent to it in that node's name.
type hostile struct {
	t       testing.TB
	now     Time
	engine  *Engine
	station *station
	frames  [][]byte // one of each type, as the other node would send it
}

func newHostile(t testing.TB) *hostile { return newHostileOn(t, LaneGated) }

// newHostileOn is newHostile with messages on the lane given.
func newHostileOn(t testing.TB, lane uint32) *hostile {
	now, a, b, topic := joined(t, func(c *Config) {
		c.Window, c.LiveWindow, c.NoDirected = 64*MTUDefault, 64*MTUDefault, lane != LaneDirected
		c.MTULarge = 4000
	})
	pass(t, &now, a, b, topic, message(1, []byte("one")))
	pass(t, &now, a, b, topic, message(2, []byte("two")))
	h := &hostile{t: t, now: now, engine: b.engine, station: b}
	h.frames = framesOf(a.engine.cfg.Node, a.engine.cfg.Session, b.engine.cfg.Session)
	if lane == LaneDirected {
		direct(h.frames, b.engine.ownLane)
	}
	return h
}

// newAsking is newHostileOn of an engine that reads a history of the other node, and may send it one.
func newAsking(t testing.TB, lane uint32) *hostile {
	h := newHostileOn(t, lane)
	h.engine.historian = &fifty{h.station}
	if err := h.engine.SetHistories(h.now, []HistoryWant{{"orders.*", HistoryAll}}); err != nil {
		t.Fatal(err)
	}
	h.take(h.frames[7], neighbour) // its list has to be known
	if c := h.engine.byNode[1].catchup; c == nil || c.number != 1 {
		t.Fatal("nothing is asked for")
	}
	return h
}

// direct makes of frames such as are of lane 2, to a member who calls it as given.
func direct(frames [][]byte, lane uint32) {
	for _, b := range frames {
		body := b[wire.HeaderSize:]
		switch wire.TypeOf(b) {
		case wire.TypeData:
			b[layout.FrameHeaderFlagsOffset] |= wire.FlagUnicast
			binary.LittleEndian.PutUint32(body[layout.DataHeadLaneOffset:], lane)
		case wire.TypeHeartbeat:
			b[layout.FrameHeaderFlagsOffset] |= wire.FlagUnicast
			binary.LittleEndian.PutUint32(body[layout.HeartbeatHeadLaneOffset:], lane)
		case wire.TypeNak:
			body[layout.NakHeadLaneOffset] = wire.LaneDirected
		case wire.TypeNcf:
			body[layout.NcfHeadLaneOffset] = wire.LaneDirected
		case wire.TypeStatus:
			body[layout.StatusHeadLaneOffset] = wire.LaneDirected
		case wire.TypeHello:
			body[layout.HelloHeadFeaturesOffset] |= wire.FeatureDirected
		case wire.TypeSetup:
			body[wire.SetupHeadSize+layout.LaneRowLaneOffset] = wire.LaneDirected
		}
	}
}

// framesOf makes one frame of each type, from a node to a member in its session.
func framesOf(node uint32, session, member uint64) [][]byte {
	begin := func(kind, flags uint8) []byte {
		return wire.Begin(nil, &wire.Header{Type: kind, Flags: flags, Domain: 7, Node: node, Session: session, Number: 1 << 40})
	}
	var raw [64]byte
	m := wire.Message{Topic: 1, Sequence: 3, Producer: 1, Flags: 3, Payload: []byte("twelve bytes")}
	n := m.Put(raw[:])
	data := wire.Data{Count: 1, RawLength: uint16(n), LaneSequence: 3, Body: raw[:n]}
	beat := wire.Heartbeat{Next: 3, Members: 2}
	nak := wire.Nak{Session: member, HighestDelta: 3}
	ncf := wire.Ncf{Session: member, First: 1, Last: 2, Reason: 2}
	status := wire.Status{Session: member, Taken: 0, Highest: 0, HoldMicros: wire.NoEcho, DelayMicros: wire.NoEcho, WantVersion: 1}
	hello := wire.Hello{Epoch: 1, Features: wire.FeatureProbe, VersionMin: 1, VersionMax: 1, Flags: 3, Name: []byte("n"), Host: []byte("h")}
	setup := wire.Setup{TableVersion: 2, Snapshot: 9, Parts: 1}
	want := wire.Want{Version: 9, Parts: 1}
	chunk := wire.UnicastData{Session: member, Stream: 1, Bytes: historyOf(node)}
	ack := wire.UnicastAck{Session: member, Stream: 1, Back: wire.BackAll, WantVersion: 9, Window: chunksMax, Name: []byte("orders.*")}
	bye, stale := wire.Bye{Reason: 1}, wire.SessionStale{Seen: member + 1}
	probe, echo := wire.Probe{Bytes: 400}, wire.Probe{Session: member, Number: 20, Bytes: 4000, Echo: true}
	row := wire.AppendLane(setup.AppendTo(begin(wire.TypeSetup, wire.FlagUnicast)), &wire.LaneRow{Next: 3, Window: 64, Class: 1})
	row = wire.AppendTopic(row, &wire.TopicRow{Topic: 2, Name: []byte("other")})
	row = wire.AppendProducer(row, &wire.ProducerRow{Topic: 2, Producer: 2, Node: node, First: 1})
	all := [][]byte{
		data.AppendTo(begin(wire.TypeData, 0)),
		beat.AppendTo(begin(wire.TypeHeartbeat, wire.FlagStatusWanted)),
		wire.AppendNakRange(nak.AppendTo(begin(wire.TypeNak, wire.FlagUnicast)), 0, 1),
		ncf.AppendTo(begin(wire.TypeNcf, wire.FlagUnicast)),
		wire.AppendFullTopic(status.AppendTo(begin(wire.TypeStatus, wire.FlagUnicast)), 1, 1),
		hello.AppendTo(begin(wire.TypeHello, 0)),
		row,
		wire.AppendName(want.AppendTo(begin(wire.TypeWant, wire.FlagUnicast)), "orders.*"),
		bye.AppendTo(begin(wire.TypeBye, wire.FlagEndOfSession)),
		stale.AppendTo(begin(wire.TypeSessionStale, wire.FlagUnicast)),
		chunk.AppendTo(begin(wire.TypeUnicastData, wire.FlagUnicast)),
		ack.AppendTo(begin(wire.TypeUnicastAck, wire.FlagUnicast)),
		probe.AppendTo(begin(wire.TypeProbe, 0)),
		echo.AppendTo(begin(wire.TypeProbe, wire.FlagUnicast)),
	}
	for _, b := range all {
		wire.Finish(b)
	}
	return all
}

// historyOf is a topic with one message.
func historyOf(node uint32) []byte {
	b := wire.AppendHistoryTopic(nil, &wire.TopicRow{SlotCount: 64, Name: []byte("orders.eu")})
	row := historyRow(Address{Node: node, Index: 9}, 1, layout.HistoryRecordMessage)
	row.Payload = []byte("twelve bytes")
	return row.AppendTo(b)
}

var neighbour = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), 7000)

// take gives a frame to the engine and looks at its tables.
func (h *hostile) take(frame []byte, from netip.AddrPort) {
	h.engine.Receive(h.now, frame, from, true)
	h.engine.Tick(h.now)
	for _, o := range h.station.others {
		o.queue = o.queue[:0]
	}
}

func (h *hostile) check() {
	f, limit := h.engine.Footprint(), h.engine.Bounds()
	f.Each(&limit, func(table string, has, may int) {
		if has > may {
			h.t.Errorf("%d %s, at most %d are allowed", has, table, may)
		}
	})
	if next := h.engine.NextTimer(); next > h.now+2*Second {
		h.t.Errorf("the next timer is in %d ms", (next-h.now)/Millisecond)
	}
}

// attack plays a script against a live engine: each step takes 12 bytes, of which the
// first says which frame, or that time passes, and the others change the frame.
func attack(t testing.TB, script []byte) {
	lane := LaneGated
	if len(script) != 0 && script[0]&1 != 0 {
		lane = LaneDirected
	}
	h := newHostileOn(t, lane)
	if len(script) != 0 && script[0]&2 != 0 {
		h = newAsking(t, lane)
	}
	for steps := 0; len(script) >= 12 && steps < 200; steps++ {
		op, at, v := script[0], int(binary.LittleEndian.Uint16(script[1:])), script[4:12]
		if op%16 >= 14 {
			h.now += Duration(binary.LittleEndian.Uint32(v)) % Second
			h.engine.Tick(h.now)
		} else {
			b := append([]byte(nil), h.frames[int(op%16)%len(h.frames)]...)
			if op&16 == 0 {
				copy(b[16+at%(len(b)-16):], v[:1+int(script[3])%8])
			}
			if op&32 != 0 {
				b = append(b, v...)
			}
			if op&64 != 0 {
				b = b[:at%len(b)]
			}
			if len(b) >= 8 {
				wire.Finish(b)
			}
			h.take(b, netip.AddrPortFrom(neighbour.Addr(), uint16(7000+int(op>>7))))
		}
		script = script[12:]
	}
	h.check()
}

// scripts are where the fuzzing of the engine begins.
func scripts() (list [][]byte) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		s := make([]byte, 12*(10+r.IntN(100)))
		for i := range s {
			s[i] = byte(r.Uint32())
		}
		list = append(list, s)
	}
	plain := []byte{}
	for kind := range byte(len(framesOf(1, 1, 1))) {
		plain = append(plain, 16+kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	return append(list, plain)
}

// FuzzEngine gives sequences of frames to an engine that takes part in a lane: no crash,
// and every table within its bound.
func FuzzEngine(f *testing.F) {
	for _, s := range scripts() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script []byte) { attack(t, script) })
}

// A flood of any type, with whatever in it, costs no memory beyond the bounds, and
// fewer answers than frames.
func TestFloods(t *testing.T) {
	const frames = 20_000
	for kind := range framesOf(1, 1, 1) {
		h := newHostile(t)
		if k := wire.TypeOf(h.frames[kind]); k == wire.TypeUnicastData || k == wire.TypeUnicastAck {
			h = newAsking(t, LaneGated)
		}
		r := rand.New(rand.NewPCG(uint64(kind), 8))
		for i := range frames {
			b := append([]byte(nil), h.frames[kind]...)
			switch i % 4 {
			case 0: // made-up nodes and sessions
				binary.LittleEndian.PutUint32(b[12:], r.Uint32())
				binary.LittleEndian.PutUint64(b[16:], r.Uint64()>>uint(r.IntN(64)))
			case 1: // absurd numbers anywhere in the body
				at := wire.HeaderSize + 4*r.IntN((len(b)-wire.HeaderSize)/4)
				binary.LittleEndian.PutUint32(b[at:], r.Uint32()>>uint(r.IntN(32)))
			case 2:
				b = b[:r.IntN(len(b))]
			}
			h.now += 10 * Microsecond
			h.take(b, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i)}), uint16(r.Uint32())))
		}
		h.check()
		t.Logf("type %d: %d frames, %d answers of %d bytes in all", wire.TypeOf(h.frames[kind]), frames, h.station.unicasts, h.station.octets)
		if h.station.unicasts > frames {
			t.Errorf("type %d: %d answers to %d frames", wire.TypeOf(h.frames[kind]), h.station.unicasts, frames)
		}
		if n := len(h.engine.Refusals()); n == 0 || n > refusalsMax {
			t.Errorf("type %d: %d sources of what was refused", wire.TypeOf(h.frames[kind]), n)
		}
	}
}

// What is refused is counted by reason and source, and takes no memory before.
func TestRefusals(t *testing.T) {
	h := newHostile(t)
	change := func(kind, at int, v ...byte) []byte {
		b := append([]byte(nil), h.frames[kind]...)
		copy(b[at:], v)
		return b
	}
	absurd := []byte{255, 255, 255, 255, 255, 255, 255, 255}
	for i, c := range []struct {
		frame  []byte
		reason wire.Reason
	}{
		{h.frames[0][:31], wire.BadTruncated}, {change(0, 0, 1), wire.BadMagic}, {change(0, 2, 9), wire.BadVersion}, {change(0, 6, 9, 9), wire.BadLength},
		{change(0, 8, 9), wire.BadDomain}, {change(0, 12, 0, 0, 0, 0), wire.BadNode}, {change(0, 16, absurd...), wire.BadSession},
		{change(0, 3, 128), wire.BadFlags}, {change(0, 5, 1), wire.BadKey}, {change(0, 4, 200), wire.BadIgnorable}, {change(0, 4, 99), wire.BadType},
		{change(0, 32+8, absurd...), wire.BadRange}, {change(0, 32, 9), wire.BadLane}, {change(0, 32+4, 0, 0), wire.BadCount},
		{change(2, 32+8, absurd...), wire.BadRange}, {change(2, 32+16, 255, 255, 255), wire.BadRange}, {change(4, 32+16, absurd...), wire.BadRange},
		{change(6, 32+8, 9, 0, 8, 0), wire.BadRange}, {change(7, 32+8, 200), wire.BadText},
		{change(10, 32+layout.UnicastDataHeadLengthOffset, 1, 0), wire.BadCount}, {change(10, 32+layout.UnicastDataHeadPurposeOffset, 9), wire.BadRange},
		{change(10, 32+layout.UnicastDataHeadReserved0Offset, 1), wire.BadReserved}, {change(11, 32+layout.UnicastAckHeadPurposeOffset, 9), wire.BadRange},
		{change(11, 32+layout.UnicastAckHeadNameLengthOffset, 1), wire.BadCount}, {change(11, 32+wire.UnicastAckHeadSize, '.'), wire.BadText},
		{change(12, 32+layout.ProbeHeadSizeOffset, 1), wire.BadSize}, {change(12, 399, 1), wire.BadReserved}, {change(12, 32+layout.ProbeHeadFlagsOffset, 8), wire.BadFlags},
		{change(13, 32+layout.ProbeHeadNumberOffset, 0), wire.BadRange},
	} {
		from := netip.AddrPortFrom(neighbour.Addr(), uint16(9000+i))
		before := h.engine.Counters().Refused[c.reason]
		h.take(c.frame, from)
		row := h.engine.Refusals()
		last := row[len(row)-1]
		if h.engine.Counters().Refused[c.reason] != before+1 || last.From != from || last.By[c.reason] != 1 || last.Total != 1 {
			t.Errorf("frame %d is not refused as %q: %+v", i, c.reason, last)
			continue
		}
		if n := testing.AllocsPerRun(100, func() { h.engine.Receive(h.now, c.frame, from, true) }); n != 0 {
			t.Errorf("frame %d, refused as %q, allocates %v times", i, c.reason, n)
		}
	}
}

// A snapshot whose lane is further from its trail than its window is was sent by no owner. A node that
// stood in that lane would take all between for missing: more than a NAK can name.
func TestSetupBeyondTheWindow(t *testing.T) {
	h := newHostile(t)
	for range 60 {
		h.now += 50 * Millisecond
		h.engine.Tick(h.now)
	}
	h.take(h.frames[5], neighbour) // it was taken for dead, and is back in its session
	if h.station.ups != 2 || len(h.station.downs) != 1 {
		t.Fatalf("%d times up, down %v", h.station.ups, h.station.downs)
	}
	setup := wire.Setup{TableVersion: 2, Snapshot: 9, Parts: 1}
	b := setup.AppendTo(wire.Begin(nil, &wire.Header{Type: wire.TypeSetup, Flags: wire.FlagUnicast, Domain: 7, Node: 1, Session: 11, Number: 1 << 40}))
	b = wire.AppendLane(b, &wire.LaneRow{Next: 1 << 33, Window: 64, Class: 1})
	wire.Finish(b)
	h.take(b, neighbour)
	naks := h.engine.Counters().NakSent
	for end, ticks := h.now+Second, 0; h.now < end; ticks++ {
		if h.now = max(h.now, h.engine.NextTimer()); ticks > 1000 {
			t.Fatalf("%d timers within %d ms, %d NAKs", ticks, (h.now-end+Second)/Millisecond, h.engine.Counters().NakSent-naks)
		}
		h.engine.Tick(h.now)
	}
	if _, _, ok := h.engine.Position(1, LaneGated); ok || h.engine.Counters().Refused[wire.BadRange] != 1 {
		t.Errorf("joined %v, %d refused", ok, h.engine.Counters().Refused[wire.BadRange])
	}
	h.take(h.frames[6], neighbour)
	if _, next, ok := h.engine.Position(1, LaneGated); !ok || next != 2 && next != 3 {
		t.Errorf("the true snapshot: joined %v, at %d", ok, next)
	}
}
