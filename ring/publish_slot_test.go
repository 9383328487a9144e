package ring

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

// TestPublishWritesTheSlotAndNothingElse: header, payload and lap of each length, at the
// slot's beginning, and no byte behind them.
func TestPublishWritesTheSlotAndNothingElse(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 8192, Kind: Exclusive}, 2)
	r, p := s.rings[0], s.producer(0)
	var lengths []int
	for n := range 200 {
		lengths = append(lengths, n)
	}
	payload := make([]byte, 8192)
	for i := range payload {
		payload[i] = byte(i*7 + i>>8 + 1)
	}
	const old = 0xa5
	for _, n := range append(lengths, 255, 256, 300, 1000, 4095, 4096, 4097, 8191, 8192) {
		position := p.next
		slot := r.slot(position)
		for i := range slot {
			slot[i] = old
		}
		m := Meta{Schema: 0xfedcba98, Kind: 0x12, Content: 0x34, TimestampNs: 0x0102030405060708, Flags: 1 << 15}
		if err := p.TryPublish(payload[:n], &m); err != nil {
			t.Fatal(err)
		}
		want := binary.LittleEndian.AppendUint64(nil, r.lap(position))
		for _, w := range []uint64{64 | uint64(n)<<32, p.source[0], p.source[1], p.Sequence(), m.TimestampNs,
			uint64(n) | (1<<15|wholeMessage|layout.MessageFlagTimestamped)<<48, 0x3412fedcba98} {
			want = binary.LittleEndian.AppendUint64(want, w)
		}
		want = append(want, payload[:n]...)
		if got := slot[:len(want)]; !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: slot %x, want %x", n, got, want)
		}
		for i, b := range slot[len(want):] {
			if b != old {
				t.Fatalf("%d bytes: byte %d behind the payload was written", n, i)
			}
		}
		if got := r.Tail(); got != position+1 {
			t.Errorf("%d bytes: tail %d, want %d", n, got, position+1)
		}
	}
}

// TestClaimsAndPublishesTakeTurns on an exclusive ring: whatever way a message goes,
// header, order and sequence are the same, and a claim that is open bars the short way.
func TestClaimsAndPublishesTakeTurns(t *testing.T) {
	s := newScene(t, small(Exclusive), 2)
	p, rd := s.producer(0), s.reader(1)
	publishFor(t, p, "0") // looks at the readers, so that the short way is open
	if p.swift == 0 {
		t.Fatal("the short way is closed where nobody is in the way")
	}
	a := s.claim(p)
	if p.swift != 0 {
		t.Error("the short way is open beside an open claim")
	}
	publishFor(t, p, "2")
	b := s.claim(p)
	copy(b.Bytes(), "-b")
	copy(a.Bytes(), "a")
	for _, commit := range []error{b.Commit(1, 1, &Meta{Schema: 5}), a.Commit(0, 1, &Meta{Kind: 3, TimestampNs: 9})} {
		if commit != nil {
			t.Fatal(commit)
		}
	}
	if p.swift == 0 {
		t.Error("the short way stays closed behind the last claim")
	}
	if err := a.Commit(0, 1, &Meta{}); err != ErrClaimEnded {
		t.Errorf("second commit: %v", err)
	}
	aborted := s.claim(p)
	if err := aborted.Abort(); err != nil {
		t.Fatal(err)
	}
	publishFor(t, p, "5")
	for i, want := range []Message{
		{Position: 0, Sequence: 1, Payload: []byte("0")},
		{Position: 1, Sequence: 4, Payload: []byte("a"), Kind: 3, TimestampNs: 9},
		{Position: 2, Sequence: 2, Payload: []byte("2")},
		{Position: 3, Sequence: 3, Payload: []byte("b"), Schema: 5},
		{Position: 5, Sequence: 5, Payload: []byte("5")},
	} {
		var m Message
		if err := rd.Next(&m); err != nil {
			t.Fatal(err)
		}
		if m.Position != want.Position || m.Sequence != want.Sequence || !bytes.Equal(m.Payload, want.Payload) ||
			m.Kind != want.Kind || m.Schema != want.Schema || m.TimestampNs != want.TimestampNs || m.Producer != p.Address() {
			t.Errorf("message %d is %+v, want %+v", i, m, want)
		}
	}
	wantEmpty(t, rd)
}
