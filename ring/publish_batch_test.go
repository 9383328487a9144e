package ring

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// texts are n payloads from first on.
func texts(first, n int) (list [][]byte) {
	for i := range n {
		list = append(list, fmt.Append(nil, first+i))
	}
	return list
}

// wantTexts takes the next n messages, which count from first on.
func wantTexts(t testing.TB, rd *Reader, first, n int) {
	t.Helper()
	for _, text := range texts(first, n) {
		wantNext(t, rd, string(text))
	}
}

// TestBatchIsAsManyMessages of any size, with anything that a message may say of
// itself, in turn with single ones: order, sequences and bytes are those of single ones.
func TestBatchIsAsManyMessages(t *testing.T) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 256, Payload: 128, Kind: kind, StallBudget: time.Hour}, 2)
		p, rd := s.producer(0), s.reader(1)
		other := shm.Address{Node: 9, Epoch: 8, Generation: 7, Index: 6, Handle: 5}
		theirs := uint64(1)
		for range 400 {
			payloads := make([][]byte, rng.IntN(20))
			for i := range payloads {
				payloads[i] = make([]byte, rng.IntN(128))
				if rng.IntN(10) == 0 {
					payloads[i] = make([]byte, rng.IntN(300))
				}
				for k := range payloads[i] {
					payloads[i][k] = byte(rng.Uint32())
				}
			}
			m, first := Meta{Kind: uint8(rng.IntN(3)), Schema: rng.Uint32()}, p.Sequence()+1
			if rng.IntN(3) == 0 {
				m.TimestampNs = rng.Uint64()
			}
			from := p.Address()
			if rng.IntN(4) == 0 {
				m.Source, m.Sequence, from, first = other, theirs, other, theirs
				theirs += uint64(len(payloads))
			}
			if n, err := p.TryPublishBatch(payloads, &m); err != nil || n != len(payloads) {
				t.Fatalf("%v: %d of %d sent: %v", kind, n, len(payloads), err)
			}
			for i, want := range payloads {
				var got Message
				if err := rd.Next(&got); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Payload, want) || got.Sequence != first+uint64(i) || got.Producer != from ||
					got.Kind != m.Kind || got.Schema != m.Schema || got.TimestampNs != m.TimestampNs {
					t.Fatalf("%v: message %d of %d is %+v, want sequence %d of %v and %x", kind, i, len(payloads), got, first+uint64(i), from, want)
				}
			}
			wantEmpty(t, rd)
		}
	}
}

// TestBatchStopsWhereThereIsNoRoom, and goes on there.
func TestBatchStopsWhereThereIsNoRoom(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		s.pass(p, rd, 10)
		wantEmpty(t, rd) // lets go of all
		n, err := p.TryPublishBatch(texts(0, 100), &Meta{})
		if n != 64 || err != ErrFull {
			t.Fatalf("%v: %d sent, %v; want a ring's 64, %v", kind, n, err, ErrFull)
		}
		if n, err := p.TryPublishBatch(texts(64, 36), &Meta{}); n != 0 || err != ErrFull {
			t.Fatalf("%v: %d more sent into a full ring, %v", kind, n, err)
		}
		wantTexts(t, rd, 0, 64)
		wantEmpty(t, rd)
		if n, err := p.TryPublishBatch(texts(64, 36), &Meta{}); n != 36 || err != nil {
			t.Fatalf("%v: %d of the rest sent, %v", kind, n, err)
		}
		wantTexts(t, rd, 64, 36)
	}
}

// TestBatchStopsAtWhatCannotBeSent: those before it are sent, those behind it not.
func TestBatchStopsAtWhatCannotBeSent(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		s.pass(p, rd, 10)
		list := texts(0, 9)
		list[5] = make([]byte, 64*64)
		n, err := p.TryPublishBatch(list, &Meta{})
		var large *TooLargeError
		if n != 5 || !errors.As(err, &large) {
			t.Fatalf("%v: %d sent, %v", kind, n, err)
		}
		wantTexts(t, rd, 0, 5)
		wantEmpty(t, rd)
		s.rings[1].state.Store(layout.SegmentStateRetired)
		if n, err := p.TryPublishBatch(texts(0, 3), &Meta{}); n != 0 || err != ErrRetired {
			t.Errorf("%v: a retired ring took %d, %v", kind, n, err)
		}
	}
}

// TestBatchWakesBehindItsLast: who sleeps is rung once.
func TestBatchWakesBehindItsLast(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		s.pass(p, rd, 10)
		bell := s.rings[1].host.(testHost).bell()
		for i := range 2 {
			wantEmpty(t, rd)
			if rd.Arm() {
				t.Fatal("there is something")
			}
			before := bell.Load()
			if i == 0 {
				if _, err := p.TryPublishBatch(texts(0, 6), &Meta{}); err != nil {
					t.Fatal(err)
				}
			} else {
				commitFor(t, claimsFor(t, p, 6), 0, 6)
			}
			if rung := bell.Load() - before; rung != 1 {
				t.Errorf("%v: rung %d times, want once", kind, rung)
			}
			wantTexts(t, rd, 0, 6)
		}
	}
}

// claimsFor lends n slots, which must be there.
func claimsFor(t testing.TB, p *Producer, n int) *Claims {
	t.Helper()
	c, err := p.TryClaimBatch(n)
	if err != nil || c.Len() != n {
		t.Fatalf("claim of %d: %v, %v", n, c, err)
	}
	return c
}

// commitFor writes n texts from first on and commits them.
func commitFor(t testing.TB, c *Claims, first, n int) {
	t.Helper()
	var lengths []int
	for i, text := range texts(first, n) {
		lengths = append(lengths, copy(c.Bytes(i), text))
	}
	if sent, err := c.Commit(lengths, &Meta{}); sent != n || err != nil {
		t.Fatalf("%d of %d sent: %v", sent, n, err)
	}
}

// TestClaimsAreLentAndEnd in each way, round the ring, in turn with single messages.
func TestClaimsAreLentAndEnd(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		for range 40 {
			publishFor(t, p, "x")
			wantNext(t, rd, "x")
			commitFor(t, claimsFor(t, p, 8), 0, 8)
			wantTexts(t, rd, 0, 8)
			commitFor(t, claimsFor(t, p, 5), 0, 3) // two are given back
			wantTexts(t, rd, 0, 3)
			c := claimsFor(t, p, 4)
			if _, err := p.TryClaimBatch(4); err != ErrClaimsOpen {
				t.Fatalf("second claims: %v, want %v", err, ErrClaimsOpen)
			}
			if err := c.Abort(); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Commit(nil, &Meta{}); err != ErrClaimEnded || c.Abort() != ErrClaimEnded {
				t.Fatalf("second end: %v", err)
			}
			wantEmpty(t, rd)
		}
		if want := uint64(40 * 12); p.Sequence() != want {
			t.Errorf("%v: sequence %d, want %d", kind, p.Sequence(), want)
		}
	}
}

// TestClaimsTakeWhatThereIs: fewer slots where there is room for fewer, none where
// there is none, and not more than an eighth of the ring.
func TestClaimsTakeWhatThereIs(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		commitFor(t, claimsFor(t, p, 3), 0, 3)
		c, err := p.TryClaimBatch(1000)
		if err != nil || c.Len() != 8 {
			t.Fatalf("%v: %v slots of 64, %v; want 8", kind, c.Len(), err)
		}
		commitFor(t, c, 3, 8)
		for range 6 {
			commitFor(t, claimsFor(t, p, 8), 0, 8)
		}
		c, err = p.TryClaimBatch(8)
		if err != nil || c.Len() != 5 {
			t.Fatalf("%v: %v slots where there is room for 5, %v", kind, c.Len(), err)
		}
		commitFor(t, c, 0, 5)
		if _, err := p.TryClaimBatch(1); err != ErrFull {
			t.Errorf("%v: claims in a full ring: %v", kind, err)
		}
		wantTexts(t, rd, 0, 11)
		wantTexts(t, rd, 0, 5)
		commitFor(t, claimsFor(t, p, 2), 0, 2)
	}
}

// TestClaimsOfNoFittingLengths send nothing, and end.
func TestClaimsOfNoFittingLengths(t *testing.T) {
	for _, kind := range bothKinds {
		for _, lengths := range [][]int{{1, 65}, {-1}, {1, 1, 1}} {
			s := newScene(t, small(kind), 2)
			p, rd := s.producer(0), s.reader(1)
			if sent, err := claimsFor(t, p, 2).Commit(lengths, &Meta{}); sent != 0 || err == nil {
				t.Errorf("%v: lengths %v: %d sent, %v", kind, lengths, sent, err)
			}
			wantEmpty(t, rd)
			commitFor(t, claimsFor(t, p, 2), 0, 2)
			wantTexts(t, rd, 0, 2)
		}
	}
}

// TestClaimsFencedInTheMiddle: those before the taken slot are sent, none behind it, and
// all slots are free again.
func TestClaimsFencedInTheMiddle(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	p, rd := s.producer(0), s.reader(1)
	c := claimsFor(t, p, 6)
	s.rings[1].quarantine(claimSeen{3, word(s.rings[1].claim(3).Load())})
	s.rings[1].quarantine(claimSeen{5, word(s.rings[1].claim(5).Load())})
	var lengths []int
	for i, text := range texts(0, 6) {
		lengths = append(lengths, copy(c.Bytes(i), text))
	}
	if sent, err := c.Commit(lengths, &Meta{}); sent != 3 || err != ErrFenced {
		t.Fatalf("%d sent, %v; want 3, %v", sent, err, ErrFenced)
	}
	wantTexts(t, rd, 0, 3)
	wantEmpty(t, rd)
	for i := range 6 {
		if w := word(s.rings[0].claim(uint64(i)).Load()); w.state() == stateWriting || w.state() == stateQuarantined {
			t.Errorf("slot %d is still %v", i, w.state())
		}
	}
	commitFor(t, claimsFor(t, p, 3), 3, 3)
	wantTexts(t, rd, 3, 3)
	if p.Sequence() != 6 {
		t.Errorf("sequence %d, want 6", p.Sequence())
	}
}

// TestClaimsOfARingThatIsTaken: an exclusive producer that was closed cannot commit.
func TestClaimsOfARingThatIsTaken(t *testing.T) {
	s := newScene(t, small(Exclusive), 3)
	p, rd := s.producer(0), s.reader(2)
	publishFor(t, p, "x")
	c := claimsFor(t, p, 3)
	p.Close()
	publishFor(t, s.producer(1), "y")
	if sent, err := c.Commit([]int{1, 1, 1}, &Meta{}); sent != 0 || err != ErrNotExclusive {
		t.Errorf("%d sent, %v; want %v", sent, err, ErrNotExclusive)
	}
	wantNext(t, rd, "x")
	wantNext(t, rd, "y")
	wantEmpty(t, rd)
}

// TestPublishBatchesAllocateNothing but the Claims, once.
func TestPublishBatchesAllocateNothing(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 256, Payload: 64, Kind: kind}, 2)
		p, rd := s.producer(0), s.reader(1)
		list, lengths := texts(0, 20), []int{1, 2, 3}
		var m Message
		both := func() {
			if _, err := p.TryPublishBatch(list, &Meta{}); err != nil {
				t.Fatal(err)
			}
			c, err := p.TryClaimBatch(3)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Commit(lengths, &Meta{}); err != nil {
				t.Fatal(err)
			}
			for rd.Next(&m) == nil {
			}
		}
		both()
		if n := testing.AllocsPerRun(200, both); n != 0 {
			t.Errorf("%v: batches allocate %v times", kind, n)
		}
	}
}
