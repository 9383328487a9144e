package ring

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// wantBatch takes the next batch, which must be of these payloads.
func wantBatch(t testing.TB, rd *Reader, ms []Message, payloads ...string) {
	t.Helper()
	n, err := rd.NextBatch(ms)
	if err != nil {
		t.Fatalf("batch: %v, want %q", err, payloads)
	}
	var got []string
	for i := range ms[:n] {
		got = append(got, string(ms[i].Payload))
	}
	if !slices.Equal(got, payloads) {
		t.Fatalf("batch %q, want %q", got, payloads)
	}
}

func wantNoBatch(t testing.TB, rd *Reader, ms []Message) {
	t.Helper()
	if n, err := rd.NextBatch(ms); n != 0 || err != ErrEmpty {
		t.Fatalf("batch of %d, %v, want none and %v", n, err, ErrEmpty)
	}
}

// TestBatchTakesWhatLiesThere: up to the room, the lease and the end of the lap.
func TestBatchTakesWhatLiesThere(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd, ms := s.producer(0), s.reader(1), make([]Message, 64)
		wantNoBatch(t, rd, ms)
		if n, err := rd.NextBatch(nil); n != 0 || err != nil {
			t.Errorf("%v: no room: %d, %v", kind, n, err)
		}
		for i := range 60 {
			publishFor(t, p, fmt.Sprint(i))
		}
		wantBatch(t, rd, ms[:3], "0", "1", "2")
		wantNext(t, rd, "3")
		next := 4
		for next < 60 {
			n, err := rd.NextBatch(ms)
			if err != nil {
				t.Fatal(err)
			}
			for i := range ms[:n] {
				if string(ms[i].Payload) != fmt.Sprint(next) || ms[i].Position != uint64(next) || ms[i].Sequence != uint64(next+1) {
					t.Fatalf("%v: %+v, want %d", kind, ms[i], next)
				}
				next++
			}
		}
		wantNoBatch(t, rd, ms)
		for i := range 8 { // four positions are left of the lap
			publishFor(t, p, fmt.Sprint(i))
		}
		wantBatch(t, rd, ms, "0", "1", "2", "3")
		wantBatch(t, rd, ms, "4", "5", "6", "7")
	}
}

// TestBatchIsValidUntilTheNextCall: its slots are not released before.
func TestBatchIsValidUntilTheNextCall(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 1024, Payload: 64, Kind: kind, StallBudget: time.Hour}, 2)
		p, rd, ms := s.producer(0), s.reader(1), make([]Message, 1000)
		s.fill(p)
		n, err := rd.NextBatch(ms)
		if err != nil || n != maxLease {
			t.Fatalf("%v: %d, %v, want a lease", kind, n, err)
		}
		if err := p.TryPublish([]byte("y"), &Meta{}); err != ErrFull {
			t.Errorf("%v: publish while the batch is in hand: %v, want %v", kind, err, ErrFull)
		}
		if _, err := rd.NextBatch(ms); err != nil {
			t.Fatal(err)
		}
		if n := s.fill(p); n != maxLease {
			t.Errorf("%v: %d slots are free, want %d", kind, n, maxLease)
		}
	}
}

// TestBatchStopsAtWhatIsSpecial: holes, blocks, Ringcast's own kinds, messages in
// pieces and damaged slots each end a batch, and nothing is lost or told twice.
func TestBatchStopsAtWhatIsSpecial(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 1024, Payload: 128, Kind: kind, StallBudget: time.Hour}, 2)
		p, rd, ms := s.producer(0), s.reader(1), make([]Message, 64)
		publish := func(payload string, m Meta) {
			if err := p.TryPublish([]byte(payload), &m); err != nil {
				t.Fatal(err)
			}
		}
		large := string(bytes.Repeat([]byte("z"), 300))
		publish("a", Meta{})
		publish("b", Meta{})
		if err := s.claim(p).Abort(); err != nil {
			t.Fatal(err)
		}
		publish("c", Meta{})
		publish("d", Meta{})
		publish("block", Meta{Block: make([]byte, layout.AddressBlockSize)})
		publish("e", Meta{})
		publish(large, Meta{})
		publish("event", Meta{Kind: layout.MessageKindEvent})
		damaged := p.next
		if kind == Shared {
			damaged = s.rings[0].Tail()
		}
		publish("bad", Meta{})
		publish("f", Meta{})
		bodyAt(s.rings[0].slot(damaged)).length = 129
		wantBatch(t, rd, ms, "a", "b")
		wantBatch(t, rd, ms, "c")
		wantBatch(t, rd, ms, "d")
		wantBatch(t, rd, ms, "block")
		if len(ms[0].Block) != layout.AddressBlockSize {
			t.Errorf("%v: block of %d bytes", kind, len(ms[0].Block))
		}
		wantBatch(t, rd, ms, "e")
		wantBatch(t, rd, ms, large)
		wantBatch(t, rd, ms, "event")
		var bad *DamagedError
		if n, err := rd.NextBatch(ms); n != 0 || !errors.As(err, &bad) || bad.Position != damaged {
			t.Fatalf("%v: %d, %v, want damage at %d", kind, n, err, damaged)
		}
		wantBatch(t, rd, ms, "f")
		if ms[0].Block != nil {
			t.Errorf("%v: the block of another message", kind)
		}
		wantNoBatch(t, rd, ms)
	}
}

// TestBatchOutlivesEviction: the reader is put out with a batch in hand; its bytes stay,
// and what it missed is told to the position.
func TestBatchOutlivesEviction(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 1024, Payload: 64, Kind: kind, StallBudget: time.Hour}, 2)
		p, rd, ms := s.producer(0), s.reader(1), make([]Message, 40)
		for i := range 1024 {
			publishFor(t, p, fmt.Sprint(i))
		}
		n, err := rd.NextBatch(ms)
		if err != nil || n != len(ms) {
			t.Fatal(n, err)
		}
		s.rings[0].evict(rd.index, rd.mine)
		for range 5 * 1024 {
			publishFor(t, p, "##########")
		}
		for i := range ms {
			if string(ms[i].Payload) != fmt.Sprint(i) {
				t.Fatalf("%v: message %d in hand is %q now", kind, i, ms[i].Payload)
			}
		}
		next := uint64(n)
		for {
			n, err := rd.NextBatch(ms)
			var lag *LaggedError
			if errors.As(err, &lag) {
				if lag.First != next || lag.Missed != s.rings[0].Tail()-next {
					t.Errorf("%v: %v, want from %d to the tail", kind, lag, next)
				}
				break
			}
			if err != nil || string(ms[0].Payload) != fmt.Sprint(next) || next+uint64(n) > maxLease {
				t.Fatalf("%v: %q at %d, %v", kind, ms[0].Payload, next, err)
			}
			next += uint64(n)
		}
		s.pass(p, rd, 2048)
	}
}

// TestBatchLooksWhetherItWasPutOut, now and then, where it finds nothing within its
// lease, as Next does.
func TestBatchLooksWhetherItWasPutOut(t *testing.T) {
	for _, kind := range bothKinds {
		for _, size := range []int{1, 64} {
			s := newScene(t, small(kind), 2)
			p, rd, ms := s.producer(0), s.reader(1), make([]Message, size)
			s.pass(p, rd, 1)
			wantNoBatch(t, rd, ms)
			s.rings[0].evict(rd.index, rd.mine)
			for range 130 {
				wantNoBatch(t, rd, ms)
			}
			if rd.out() {
				t.Errorf("%v: 130 looks for %d messages did not notice", kind, size)
			}
		}
	}
}

// TestBatchIsNext: whatever happens, two readers, one with batches of every size,
// see the same messages and errors.
func TestBatchIsNext(t *testing.T) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	for _, kind := range bothKinds {
		for _, o := range []JoinOptions{{}, {Latest: true}, {History: 20}} {
			s := newScene(t, small(kind), 4)
			p := s.producer(0)
			for range rng.IntN(200) {
				publishFor(t, p, "before")
			}
			single, batch := joinFor(t, s.rings[1], o), joinFor(t, s.rings[2], o)
			var one, many []string
			ms := make([]Message, 70)
			const eventOneIn = 20
			for range 2000 {
				switch n := rng.IntN(12); {
				case n < 6:
					_ = p.TryPublish(bytes.Repeat([]byte{byte(rng.Uint32())}, rng.IntN(80)), &Meta{Kind: uint8(rng.IntN(eventOneIn) / (eventOneIn - 1) * layout.MessageKindEvent)})
				case n == 6:
					if c, err := p.TryClaim(nil); err == nil {
						_ = c.Abort()
					}
				default:
					one = appendNexts(one, single)
					many = appendBatches(many, batch, ms[:1+rng.IntN(len(ms))])
				}
			}
			one, many = appendNexts(one, single), appendBatches(many, batch, ms)
			if len(one) < 500 || !slices.Equal(one, many) {
				t.Errorf("%v, %+v: %d one by one, %d in batches, not the same", kind, o, len(one), len(many))
			}
		}
	}
}

// appendNexts reads all that is there, one by one.
func appendNexts(to []string, rd *Reader) []string {
	var m Message
	for {
		err := rd.Next(&m)
		if err == ErrEmpty {
			return to
		}
		to = append(to, described(&m, err))
	}
}

// appendBatches reads all that is there, in batches.
func appendBatches(to []string, rd *Reader, ms []Message) []string {
	for {
		n, err := rd.NextBatch(ms)
		switch {
		case err == ErrEmpty:
			return to
		case err != nil:
			to = append(to, described(nil, err))
		}
		for i := range ms[:n] {
			to = append(to, described(&ms[i], nil))
		}
	}
}

// described is everything about a message but where its bytes lie.
func described(m *Message, err error) string {
	if err != nil {
		return err.Error()
	}
	c := *m
	c.Payload, c.Block = nil, nil
	return fmt.Sprintf("%+v %q %q", c, m.Payload, m.Block)
}
