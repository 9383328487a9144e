package mcast

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// prober is a station that counts large Probes, and keeps the last short one.
type prober struct {
	*station
	now    *Time
	group  []Time // when they went to all
	victim netip.AddrPort
	there  int // large ones sent there
	short  int // and short ones
	number uint64
}

func (o *prober) Multicast(datagrams [][]byte) {
	for _, d := range datagrams {
		if wire.TypeOf(d) == wire.TypeProbe {
			o.group = append(o.group, *o.now)
		}
	}
	o.station.Multicast(datagrams)
}

func (o *prober) Unicast(to netip.AddrPort, d []byte) {
	if wire.TypeOf(d) == wire.TypeProbe && to == o.victim {
		if o.short++; len(d) > proofBytes {
			o.short, o.there = o.short-1, o.there+1
		}
		var h wire.Header
		wire.ParseHeader(d, 7, &h)
		o.number = h.Number
	}
	o.station.Unicast(to, d)
}

func (x *sized) probing(victim netip.AddrPort) *prober {
	o := &prober{station: x.a, now: &x.now, victim: victim}
	x.a.engine.sink = o
	return o
}

// helloOf is the Hello of a node that echoes Probes, as it says.
func helloOf(node uint32, session uint64) []byte {
	h := wire.Hello{Epoch: 1, VersionMin: 1, VersionMax: 1, Flags: layout.HelloFlagAnswer, Features: wire.FeatureProbe, Name: []byte("n")}
	return forged(node, session, wire.TypeHello, h.AppendTo)
}

// shortEcho says that a short Probe of a packet number came.
func shortEcho(node uint32, session, to, number uint64) []byte {
	w := wire.Probe{Session: to, Number: number, Bytes: proofBytes, Echo: true}
	return forged(node, session, wire.TypeProbe, w.AppendTo)
}

// Where somebody writes another's address into a Hello, of a new node or of one that is there, no large Probe goes there: not
// either if he says what he can know without being there.
func TestProbesOfASpoofedAddress(t *testing.T) {
	for _, node := range []uint32{9, 2} {
		x := newSized(t, 3, nil)
		x.run(600 * Millisecond)
		x.size("before", largeTest)
		o, session := x.probing(stranger), uint64(99)
		if node == 2 {
			session = 22
			x.leave(1)
		}
		for range 100 {
			w := wire.Want{Version: 1, Parts: 1}
			s := wire.Status{Session: 11, Credit: 1000, HoldMicros: wire.NoEcho, DelayMicros: wire.NoEcho, WantVersion: 2}
			x.a.engine.Receive(x.now, helloOf(node, session), stranger, true)
			x.a.engine.Receive(x.now, forged(node, session, wire.TypeWant, w.AppendTo), stranger, false)
			x.a.engine.Receive(x.now, forged(node, session, wire.TypeStatus, s.AppendTo), stranger, false)
			x.a.engine.Receive(x.now, shortEcho(node, session, 11, x.a.engine.number), stranger, false)
			x.size("a spoofed Hello", MTUDefault)
			x.run(50 * Millisecond)
		}
		if o.there != 0 || o.short == 0 || o.short > 20 {
			t.Errorf("node %d: %d large Probes went there, %d short ones", node, o.there, o.short)
		}
	}
}

// Who echoes the short Probe is asked with large ones; one wrong echo, and that Probe says nothing any more.
func TestProofOfAnAddress(t *testing.T) {
	x := newSized(t, 2, nil)
	x.run(600 * Millisecond)
	o := x.probing(stranger)
	x.a.engine.Receive(x.now, helloOf(9, 99), stranger, true)
	p := x.a.engine.byNode[9]
	before := x.a.engine.number
	for range 3000 {
		if x.a.engine.Receive(x.now, helloOf(9, 99), stranger, true); o.short == 0 {
			before = x.a.engine.number
			x.run(Millisecond)
		}
	}
	if n := x.a.engine.number; o.number-before < 1000 || n-o.number < 1000 {
		t.Errorf("the number %d can be guessed between %d and %d", o.number, before, n)
	}
	if o.short != 1 || p.proof != o.number {
		t.Fatalf("%d short Probes", o.short)
	}
	x.a.engine.Receive(x.now, shortEcho(9, 99, 11, o.number-1), stranger, false)
	x.a.engine.Receive(x.now, shortEcho(9, 99, 11, o.number), stranger, false)
	if p.proved {
		t.Error("a second guess counts")
	}
	for proofs := 1; !p.proved && proofs < 20; proofs++ {
		x.a.engine.Receive(x.now, helloOf(9, 99), stranger, true)
		x.run(200 * Millisecond)
		if o.short > 1 {
			x.a.engine.Receive(x.now, shortEcho(9, 99, 11, o.number), stranger, false)
		}
	}
	if !p.proved || o.there != 0 {
		t.Errorf("proved: %v, %d large Probes before", p.proved, o.there)
	}
	x.run(Second)
	if o.there == 0 {
		t.Error("no large Probe after")
	}
}

// What was asked at one address proves no other one: who gets the short Probe himself and then writes another's address into his Hellos
// and echoes has nothing large sent there.
func TestProofOfAnotherAddress(t *testing.T) {
	x := newSized(t, 2, nil)
	x.run(600 * Millisecond)
	own := netip.MustParseAddrPort("10.9.9.8:8")
	o := x.probing(own)
	for range 3000 {
		if x.a.engine.Receive(x.now, helloOf(9, 99), own, true); o.short == 0 {
			x.run(Millisecond)
		}
	}
	if o.short == 0 {
		t.Fatal("nothing was asked")
	}
	number := o.number
	o.victim, o.short = stranger, 0
	x.a.engine.Receive(x.now, helloOf(9, 99), stranger, true)
	x.a.engine.Receive(x.now, shortEcho(9, 99, 11, number), stranger, false)
	if p := x.a.engine.byNode[9]; p == nil || p.proved {
		t.Error("the number of a Probe that went elsewhere proves an address")
	}
	for range 40 {
		x.a.engine.Receive(x.now, helloOf(9, 99), stranger, true)
		x.run(50 * Millisecond)
	}
	if o.there != 0 || o.short == 0 {
		t.Errorf("%d large Probes went there, %d short ones", o.there, o.short)
	}
}

// prove echoes the short Probes that go to the stranger.
func (x *sized) prove(proves bool) {
	e := x.a.engine
	for _, p := range slices.Clone(e.peers) {
		if proves && p.from == stranger && p.proof != 0 {
			e.Receive(x.now, shortEcho(p.node, p.session, 11, p.proof), stranger, false)
		}
	}
}

// However often somebody comes, rounds begin 2 s apart at least: also where each proves its address.
func TestRoundsUnderForgedHellos(t *testing.T) {
	for every, proves := range map[Duration]bool{305 * Millisecond: false, 450 * Millisecond: true} {
		x := newSized(t, 3, nil)
		x.run(600 * Millisecond)
		o := x.probing(stranger)
		const span = 20 * Second
		node, before := uint32(100), uint64(0)
		began := []Time{}
		for end := x.now + span; x.now < end; node++ {
			x.a.engine.Receive(x.now, helloOf(node, 99), stranger, true)
			for till := x.now + every; x.now < till; {
				x.run(5 * Millisecond)
				x.prove(proves)
				if e := x.a.engine; e.probe.first != before {
					before, began = e.probe.first, append(began, x.now)
				}
			}
		}
		for i := range began {
			if i > 1 && began[i]-began[i-1] < roundsApart-5*Millisecond {
				t.Errorf("proves %v: a round %d ms after the one before", proves, (began[i]-began[i-1])/Millisecond)
			}
		}
		if n := len(o.group); !proves && n > 0 || n > 3*int(span/roundsApart) {
			t.Errorf("proves %v: %d Probes to the group in 20 s", proves, n)
		}
		t.Logf("proves %v: %d rounds, %d Probes to the group, %d large and %d short ones there", proves, len(began), len(o.group), o.there, o.short)
	}
}

// An echo is no longer than what asked for it, and however many ask, few are sent.
func TestEchoesAreFew(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	h := wire.Header{Type: wire.TypeProbe, Domain: 7, Node: 1, Session: 11, Number: 1 << 30}
	w := wire.Probe{Bytes: wire.HeaderSize + wire.ProbeSize}
	f := w.AppendTo(wire.Begin(nil, &h))
	wire.Finish(f)
	a.queue = nil
	unicasts, octets := b.unicasts, b.octets
	for i := range 1000 {
		b.engine.Receive(now, f, a.address, i%2 == 0)
	}
	if n, o := b.unicasts-unicasts, b.octets-octets; n != 2 || o > 2*len(f) {
		t.Errorf("%d answers of %d bytes to 1000 of %d", n, o, len(f))
	}
	b.engine.Receive(now, f, netip.AddrPortFrom(a.address.Addr(), 9), false)
	if b.unicasts != unicasts+2 {
		t.Error("an answer to somewhere else")
	}
}

// Who is alone has nobody to ask, and does nothing.
func TestAloneAfterLarge(t *testing.T) {
	x := newSized(t, 2, nil)
	x.run(500 * Millisecond)
	x.send(5)
	b := x.all[1]
	x.all, x.a.others = x.all[:1], nil
	b.engine.Close(x.now)
	drain(x.now, x.a)
	for end, ticks := x.now+10*Second, 0; x.now < end; ticks++ {
		if x.now = max(x.now, x.a.engine.NextTimer()); ticks > 200 {
			t.Fatalf("%d timers within %d ms", ticks, (x.now-end+10*Second)/Millisecond)
		}
		x.a.engine.Tick(x.now)
	}
}
