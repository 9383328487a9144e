package ring

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

func bigShape(kind Kind) Shape {
	return Shape{Slots: 64, Payload: 64, Kind: kind, StallBudget: time.Hour}
}

func TestFragmentsOfEverySize(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, bigShape(kind), 2)
		rd, p := s.reader(1), s.producer(0)
		buf := make([]byte, s.rings[0].shape.Limit())
		for n := range len(buf) + 1 {
			if err := p.TryPublish(payloadOf(buf, n, p.Sequence()+1), &Meta{TimestampNs: 5}); err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			var m Message
			if err := rd.Next(&m); err != nil || len(m.Payload) != n || m.Sequence != uint64(n+1) || m.TimestampNs != 5 {
				t.Fatalf("%d bytes: %v, got %d, sequence %d", n, err, len(m.Payload), m.Sequence)
			}
			if err := checkPayload(m.Payload, m.Sequence); err != nil {
				t.Fatal(err)
			}
			const both = layout.MessageFlagBegin | layout.MessageFlagEnd
			if m.Flags&both != both {
				t.Fatalf("%d bytes: flags %#x of a whole message", n, m.Flags)
			}
		}
	}
}

func TestLargerThanAMegabyte(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64 << 10, StallBudget: time.Hour}, 3)
	rd, latest, p := s.reader(1), joinFor(t, s.rings[2], JoinOptions{Latest: true}), s.producer(0)
	buf := make([]byte, 2<<20)
	for _, n := range []int{1<<20 + 1, 2 << 20, 3} {
		if err := p.TryPublish(payloadOf(buf, n, p.Sequence()+1), &Meta{}); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Reader{rd, latest} {
			var m Message
			if err := r.Next(&m); err != nil || len(m.Payload) != n {
				t.Fatalf("%d bytes: %v, got %d", n, err, len(m.Payload))
			}
			if err := checkPayload(m.Payload, m.Sequence); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestTooLargeNamesTheShape(t *testing.T) {
	s := newScene(t, bigShape(Shared), 2)
	rd, p := s.reader(1), s.producer(0)
	var large *TooLargeError
	err := p.TryPublish(make([]byte, 2049), &Meta{})
	if !errors.As(err, &large) || large.Limit != 2048 || large.Slots != 128 || large.Size != 2049 {
		t.Errorf("publish: %v", err)
	}
	if !strings.Contains(fmt.Sprint(err), "128 slots of 64 bytes") {
		t.Errorf("error %q does not name a shape that would do", err)
	}
	err = p.TryPublish(make([]byte, layout.MaxMessage+1), &Meta{})
	if !errors.As(err, &large) || strings.Contains(err.Error(), "ask for") {
		t.Errorf("larger than any message: %v", err)
	}
	err = p.TryPublish(make([]byte, 100), &Meta{Block: make([]byte, layout.AddressBlockSize)})
	if !errors.As(err, &large) || large.Limit != 0 {
		t.Errorf("larger than a slot, with a block: %v", err)
	}
	wantEmpty(t, rd)
	if got := s.rings[0].Tail(); got != 0 {
		t.Errorf("tail %d after refused messages, want 0", got)
	}
}

// TestInterleavedFragments: two large writers claim in turns; both messages come.
func TestInterleavedFragments(t *testing.T) {
	s := newScene(t, bigShape(Shared), 4)
	rd, latest := s.reader(2), joinFor(t, s.rings[3], JoinOptions{Latest: true})
	a, b := s.producer(0), s.producer(1)
	for range 5 {
		for _, p := range []*Producer{a, b} {
			if _, err := claimOne(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	bufA, bufB := make([]byte, 300), make([]byte, 300)
	a.publishClaimed(t, payloadOf(bufA, 300, 1))
	b.publishClaimed(t, payloadOf(bufB, 300, 1))
	for _, r := range []*Reader{rd, latest} {
		for _, p := range []*Producer{a, b} {
			var m Message
			if err := r.Next(&m); err != nil || m.Producer != p.Address() {
				t.Fatalf("next: %v from %v, want %v", err, m.Producer, p.Address())
			}
			if err := checkPayload(m.Payload, 1); err != nil || len(m.Payload) != 300 {
				t.Fatal(err, len(m.Payload))
			}
		}
		wantEmpty(t, r)
	}
}

func claimOne(p *Producer) (uint64, error) {
	t, err := p.claim()
	if err == nil {
		p.positions = append(p.positions, t)
	}
	return t, err
}

// publishClaimed writes and commits a message over the positions claimed before.
func (p *Producer) publishClaimed(t *testing.T, payload []byte) {
	t.Helper()
	for i := range p.positions {
		p.writeFragment(payload, i)
		if err := p.finish(p.positions[i], stateReady); err != nil {
			t.Fatal(err)
		}
	}
	p.positions = p.positions[:0]
	p.sequence++
}

func (p *Producer) writeFragment(payload []byte, i int) {
	room := p.ring.shape.Payload
	var flags uint16
	if i == 0 {
		flags |= layout.MessageFlagBegin
	}
	if (i+1)*room >= len(payload) {
		flags |= layout.MessageFlagEnd
	}
	p.fill(p.positions[i], &Meta{}, len(payload), flags, uint16(i), payload[i*room:min((i+1)*room, len(payload))])
}

// TestFullInMidClaimLeavesNoHalf: the first claims succeed, then the ring is
// full; readers see holes only, and the message comes when there is room.
func TestFullInMidClaimLeavesNoHalf(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, bigShape(kind), 2)
		rd, p := s.reader(1), s.producer(0)
		for range 50 {
			publishFor(t, p, "x")
		}
		big := payloadOf(make([]byte, 64*20), 64*20, 51)
		if err := p.TryPublish(big, &Meta{}); err != ErrFull {
			t.Fatalf("publish: %v, want %v", err, ErrFull)
		}
		if got := s.rings[0].Tail(); got != 50 {
			t.Errorf("%v: tail %d after a try that was vain from the start, want 50", kind, got)
		}
		if err := p.claimAnyway(20); err != ErrFull {
			t.Fatalf("claim: %v, want %v", err, ErrFull)
		}
		for range 50 {
			wantNext(t, rd, "x")
		}
		wantEmpty(t, rd)
		if err := p.TryPublish(big, &Meta{}); err != nil {
			t.Fatal(err)
		}
		wantNext(t, rd, string(big))
	}
}

// claimAnyway claims without looking for room first, as when another producer
// was faster after the look.
func (p *Producer) claimAnyway(n int) error {
	for range n {
		if _, err := claimOne(p); err != nil {
			p.abortFrom(0)
			return err
		}
	}
	return nil
}

// TestFencedFragment: one fragment is taken from a slow writer. The message is
// not sent, no half of it is read, and it can be sent again.
func TestFencedFragment(t *testing.T) {
	for fenced := range 4 {
		s := newScene(t, bigShape(Shared), 2)
		rd, p := s.reader(1), s.producer(0)
		payload := payloadOf(make([]byte, 250), 250, 1)
		if err := p.claimMany(4); err != nil {
			t.Fatal(err)
		}
		w := word(s.rings[1].claim(uint64(fenced)).Load())
		s.rings[1].quarantine(claimSeen{uint64(fenced), w})
		for i := range 4 {
			p.writeFragment(payload, i)
		}
		if err := p.commitFragments(0, 4); err != ErrFenced {
			t.Fatalf("fragment %d taken: commit: %v, want %v", fenced, err, ErrFenced)
		}
		wantEmpty(t, rd)
		if p.Sequence() != 0 {
			t.Errorf("sequence %d after a message that was not sent", p.Sequence())
		}
		publishFor(t, p, "small")
		wantNext(t, rd, "small")
		if err := p.TryPublish(payload, &Meta{}); err != nil {
			t.Fatal(err)
		}
		wantNext(t, rd, string(payload))
		checkNobodyLeft(t, s.rings[0], 1)
	}
}

// TestDeadInALargeMessage: of a message whose writer is gone in the middle nothing is
// read but what others sent, though its first fragments were committed.
func TestDeadInALargeMessage(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: committedTogether}, 3)
	rd, p, other := s.reader(2), s.producer(0), s.producer(1)
	payload := make([]byte, 8*committedTogether)
	if err := p.claimMany(8); err != nil {
		t.Fatal(err)
	}
	p.writeFragments(payload, &Meta{}, 0, 5)
	if err := p.commitFragments(0, 5); err != nil {
		t.Fatal(err)
	}
	publishFor(t, other, "other")
	wantEmpty(t, rd)
	s.node.dead[0].Store(true)
	s.clock.now += 2 * time.Millisecond
	wantEmpty(t, rd)
	wantNext(t, rd, "other")
	wantEmpty(t, rd)
	if n := s.rings[2].ctl.quarantined.Load(); n != 3 {
		t.Errorf("%d claims were taken from the dead, want 3", n)
	}
}

// TestLagDropsThePartial: a reader that missed positions puts no message
// together from what came before and after them.
func TestLagDropsThePartial(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64, Mode: Latest}, 2)
	p := s.producer(0)
	rd := joinFor(t, s.rings[1], JoinOptions{Latest: true})
	if err := p.claimMany(3); err != nil {
		t.Fatal(err)
	}
	payload := payloadOf(make([]byte, 150), 150, 1)
	p.writeFragment(payload, 0)
	if err := p.finish(p.positions[0], stateReady); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, rd)
	p.abortFrom(1)
	for range 200 {
		publishFor(t, p, "x")
	}
	var lag *LaggedError
	if err := rd.Next(&Message{}); !errors.As(err, &lag) {
		t.Fatalf("next: %v, want a lag", err)
	}
	if n := len(rd.asm.partials); n != 0 {
		t.Errorf("%d partial messages after a lag", n)
	}
}

// TestUnfinished: who goes on for a reader begins where the message begins that it has a
// part of; one whose writer will not come again holds nobody up beyond a lap.
func TestUnfinished(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 2)
	p, rd := s.producer(0), s.reader(1)
	payload := payloadOf(make([]byte, 150), 150, 1)
	want := func(what string, unfinished, cursor uint64) {
		t.Helper()
		if u, c := rd.Unfinished(), rd.Cursor(); u != unfinished || c != cursor {
			t.Errorf("%s: unfinished from %d, cursor %d; want %d, %d", what, u, c, unfinished, cursor)
		}
	}
	begin := func() {
		t.Helper()
		if err := p.claimMany(3); err != nil {
			t.Fatal(err)
		}
		p.writeFragment(payload, 0)
		if err := p.finish(p.positions[0], stateReady); err != nil {
			t.Fatal(err)
		}
		wantEmpty(t, rd)
	}
	publishFor(t, p, "x")
	wantNext(t, rd, "x")
	want("nothing begun", 1, 1)
	begin()
	want("begun", 1, 2)
	p.writeFragments(payload, &Meta{}, 1, 3)
	if err := p.commitFragments(1, 3); err != nil {
		t.Fatal(err)
	}
	wantNext(t, rd, string(payload))
	want("ended", 4, 4)
	begin()
	p.abortFrom(1)
	other := s.producer(1)
	for at := uint64(7); at < 4+64; at++ {
		publishFor(t, other, "y")
		wantNext(t, rd, "y")
		if at+1 < 4+64 {
			want("given up", 4, at+1)
		}
	}
	want("given up a lap ago", 68, 68)
}

// TestBrokenFragmentsAreDropped feeds the assembler what no correct writer writes.
func TestBrokenFragmentsAreDropped(t *testing.T) {
	const begin, end = layout.MessageFlagBegin, layout.MessageFlagEnd
	frag := func(sequence uint64, fragment uint16, flags uint16, total uint32, n int) *view {
		return &view{body: slotBody{sequence: sequence, fragment: fragment, flags: flags, total: total}, payload: make([]byte, n)}
	}
	for name, views := range map[string][]*view{
		"middle first":     {frag(1, 1, 0, 30, 10), frag(1, 2, end, 30, 10)},
		"number left out":  {frag(1, 0, begin, 30, 10), frag(1, 2, end, 30, 20)},
		"another sequence": {frag(1, 0, begin, 20, 10), frag(2, 1, end, 20, 10)},
		"another total":    {frag(1, 0, begin, 20, 10), frag(1, 1, end, 30, 20)},
		"too many bytes":   {frag(1, 0, begin, 20, 10), frag(1, 1, end, 20, 11)},
		"too few bytes":    {frag(1, 0, begin, 20, 10), frag(1, 1, end, 20, 9)},
		"after the end":    {frag(1, 0, begin, 20, 10), frag(1, 1, end, 20, 9), frag(1, 2, end, 20, 1)},
	} {
		var a assembler
		for i, v := range views {
			if whole, _ := a.add(v, uint64(i), 64); whole != nil {
				t.Errorf("%s: a message of %d bytes", name, len(whole))
			}
		}
		if name != "after the end" && (len(a.partials) != 0 || a.held != 0) {
			t.Errorf("%s: %d partials of %d bytes are held", name, len(a.partials), a.held)
		}
	}
	var a assembler
	for i, v := range []*view{frag(1, 3, begin, 20, 10), frag(1, 0, begin, layout.MaxMessage+1, 10), frag(1, 0, begin, 5, 10)} {
		if _, fits := a.add(v, uint64(i), 64); fits || len(a.partials) != 0 {
			t.Errorf("impossible beginning %d was kept", i)
		}
	}
	for i := range 6 { // the bytes promised are bounded, not only their number
		v := frag(1, 0, begin, layout.MaxMessage, 1)
		v.body.handle = uint16(i)
		if _, fits := a.add(v, uint64(i), 64); fits != (i < 4) {
			t.Errorf("message %d of 16 MiB: room %v", i, fits)
		}
	}
}
