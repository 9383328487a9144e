package ring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// blockedFor lets a producer be blocked for so much of its own time.
func (s *scene) blockedFor(p *Producer, d time.Duration) {
	s.t.Helper()
	look := func() {
		s.t.Helper()
		if err := p.TryPublish([]byte("x"), &Meta{}); err != ErrFull {
			s.t.Fatalf("publish: %v, want %v", err, ErrFull)
		}
	}
	look()
	s.clock.tick(d, look)
}

func wantLag(t testing.TB, rd *Reader, first, missed uint64) {
	t.Helper()
	var lag *LaggedError
	err := rd.Next(&Message{})
	if !errors.As(err, &lag) || lag.First != first || lag.Missed != missed {
		t.Fatalf("next: %v, want %d missed from %d", err, missed, first)
	}
}

// TestEvictionByStallBudget: the reader holds the ring for its whole budget and
// not a step less; then it is put out, the producer goes on, and the reader
// learns exactly what it missed.
func TestEvictionByStallBudget(t *testing.T) {
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) { evictionByBudget(t, kind) })
	}
}

func evictionByBudget(t *testing.T, kind Kind) {
	s := newScene(t, Shape{Slots: 128, Payload: 64, Kind: kind}, 2)
	rd, p := s.reader(1), s.producer(0)
	s.fill(p)
	wantNext(t, rd, "x") // in hand: positions 0 to 63 are lent
	s.blockedFor(p, s.rings[0].shape.StallBudget)
	s.clock.now += maxStep
	// Over the budget now: this call puts the reader out and still finds no room.
	if err := p.TryPublish(nil, &Meta{}); err != ErrFull || !rd.out() {
		t.Fatalf("publish: %v, reader out: %v", err, rd.out())
	}
	// 64 slots are lent: position 128 to 191 are stepped over, 192 is written.
	publishFor(t, p, "new")
	if got := s.rings[0].Tail(); got != 193 {
		t.Errorf("tail %d, want 193", got)
	}
	if kind == Exclusive { // the step over a lent slot is in its published word: what was not read yet is gone
		wantLag(t, rd, 1, 193-1)
	} else {
		for range 63 { // the reader goes on within its lease
			wantNext(t, rd, "x")
		}
		wantLag(t, rd, 64, 193-64)
	}
	wantEmpty(t, rd)
	s.pass(p, rd, 300)
	if c := s.rings[0].Counts(); c.Evicted != 1 || c.Readers != 1 {
		t.Errorf("evicted %d, readers %d, want 1, 1", c.Evicted, c.Readers)
	}
}

// TestLentBytesNeverChange: a reader is put out with a message in hand. Whatever
// producers do, its bytes stay until it lets go; then the slots are used again.
func TestLentBytesNeverChange(t *testing.T) {
	for _, kind := range bothKinds {
		t.Run(kind.String(), func(t *testing.T) { lentBytes(t, kind) })
	}
}

func lentBytes(t *testing.T, kind Kind) {
	s := newScene(t, Shape{Slots: 64, Payload: 64, Kind: kind}, 2)
	rd, p := s.reader(1), s.producer(0)
	for i := range 64 {
		publishFor(t, p, fmt.Sprintf("message %d", i))
	}
	var held Message
	if err := rd.Next(&held); err != nil {
		t.Fatal(err)
	}
	s.rings[0].evict(rd.index, rd.mine)
	for range 20 * 64 {
		if err := p.TryPublish(bytes.Repeat([]byte("#"), 64), &Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	if string(held.Payload) != "message 0" {
		t.Fatalf("the message in hand is %q now", held.Payload)
	}
	first := uint64(1)
	for ; kind == Shared && first < 32; first++ { // the rest of the lease: half of the ring
		wantNext(t, rd, fmt.Sprintf("message %d", first))
	}
	wantLag(t, rd, first, s.rings[0].Tail()-first)
	before := s.rings[0].Tail()
	s.pass(p, rd, 64) // no slot is stepped over any more
	s.pass(p, rd, 64)
	if got := s.rings[0].Tail() - before; got > 128+32 {
		t.Errorf("two laps took %d positions: slots are held still", got)
	}
	before = s.rings[0].Tail()
	s.pass(p, rd, 64)
	if got := s.rings[0].Tail() - before; got != 64 {
		t.Errorf("a lap took %d positions, want 64", got)
	}
}

// TestPinsOfTheDeadAreFreed: the reader that was put out dies with its lease.
func TestPinsOfTheDeadAreFreed(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		rd, p := s.reader(1), s.producer(0)
		s.fill(p)
		wantNext(t, rd, "x")
		s.rings[0].evict(rd.index, rd.mine)
		for range 200 {
			publishFor(t, p, "x")
		}
		s.node.dead[1].Store(true)
		s.clock.now += time.Second
		for range 200 {
			publishFor(t, p, "x")
		}
		before := s.rings[0].Tail()
		for range 64 {
			publishFor(t, p, "x")
		}
		if got := s.rings[0].Tail() - before; got != 64 {
			t.Errorf("%v: a lap took %d positions, want 64", kind, got)
		}
	}
}

// TestDeadReaderFreesTheRingAtOnce: after a millisecond, not after its budget.
func TestDeadReaderFreesTheRingAtOnce(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	rd, p := s.reader(1), s.producer(0)
	s.fill(p)
	s.node.dead[1].Store(true)
	_ = p.TryPublish(nil, &Meta{})
	s.clock.now += 2 * time.Millisecond
	_ = p.TryPublish(nil, &Meta{})
	publishFor(t, p, "x")
	if !rd.out() {
		t.Error("the dead reader has its entry still")
	}
}

// TestStallBudgetRefills: 100 ms a second of not being in the way.
func TestStallBudgetRefills(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 2)
	rd, p := s.reader(1), s.producer(0)
	step := func() {
		t.Helper()
		s.fill(p)
		s.blockedFor(p, 300*time.Millisecond)
		for range 64 {
			wantNext(t, rd, "x")
		}
		rd.store()
	}
	step()
	s.clock.now += 3 * time.Second // refilled by 300 ms
	step()
	s.clock.now += 3 * time.Second
	step()
	if rd.out() {
		t.Fatal("a reader within its budget was put out")
	}
	// 300 ms used up now, and no time to refill: 200 ms are left.
	s.fill(p)
	s.blockedFor(p, 190*time.Millisecond)
	if rd.out() {
		t.Fatal("a reader within its budget was put out")
	}
	s.clock.tick(30*time.Millisecond, func() { _ = p.TryPublish(nil, &Meta{}) })
	if !rd.out() {
		t.Error("a reader over its budget was not put out")
	}
}

// TestManyBlockedProducersChargeOnce: ten producers wait for one reader; its
// budget lasts as long as with one.
func TestManyBlockedProducersChargeOnce(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 11)
	rd := s.reader(10)
	var producers []*Producer
	for i := range 10 {
		producers = append(producers, s.producer(i))
	}
	s.fill(producers[0])
	look := func() {
		for _, p := range producers {
			if err := p.TryPublish(nil, &Meta{}); err != ErrFull {
				t.Fatalf("publish: %v", err)
			}
		}
	}
	look()
	s.clock.tick(450*time.Millisecond, look)
	if rd.out() {
		t.Error("ten waiting producers used the budget up ten times as fast")
	}
}

func TestLatestReadersHoldNobodyBack(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	joinFor(t, s.rings[1], JoinOptions{Latest: true})
	p := s.producer(0)
	for range 1000 {
		publishFor(t, p, "x")
	}
}

// TestHalfFinishedEviction: the evictor died between its two steps; the next
// producer finishes, and until then the reader gates.
func TestHalfFinishedEviction(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	rd, p := s.reader(1), s.producer(0)
	s.fill(p)
	e := &s.rings[0].entries[rd.index]
	e.state.Store(uint64(rd.mine.with(entryEvicting)))
	if err := p.TryPublish(nil, &Meta{}); err != ErrFull {
		t.Fatalf("publish past an EVICTING reader: %v, want %v", err, ErrFull)
	}
	s.clock.now += maxStep
	_ = p.TryPublish(nil, &Meta{})
	if w := entryWord(e.state.Load()); w.state() != entryEvicted {
		t.Fatalf("state %d, want evicted", w.state())
	}
	publishFor(t, p, "x")
}

// TestJoinerSeesEverythingAfterItsJoin: many join while a producer runs at full
// speed over a small ring; each is gated for from its first position on.
func TestJoinerSeesEverythingAfterItsJoin(t *testing.T) {
	for _, kind := range bothKinds {
		ctl, dat := testRing(t, small(kind))
		node := &testNode{}
		p := produceFor(t, attach(t, node, 0, ctl, dat))
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for ctx.Err() == nil {
				_ = p.TryPublish(payloadOf(make([]byte, 64), 16, p.Sequence()+1), &Meta{})
			}
		}()
		r := attachReader(t, node, 1, ctl, dat)
		for range 200 {
			joinAndRead(t, r)
		}
		cancel()
		<-done
	}
}

// joinAndRead joins and wants the next 70 messages without a gap.
func joinAndRead(t *testing.T, r *Ring) {
	t.Helper()
	rd := joinFor(t, r, JoinOptions{})
	defer rd.Close()
	var m Message
	var last uint64
	for i := range 70 {
		if err := nextFor(rd, &m); err != nil {
			t.Fatalf("message %d after the join: %v", i, err)
		}
		if i > 0 && m.Sequence != last+1 {
			t.Fatalf("message %d after the join: sequence %d after %d", i, m.Sequence, last)
		}
		last = m.Sequence
		if err := checkPayload(m.Payload, m.Sequence); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEvictedAgainAndAgain: a reader that stalls at random is put out by short
// budgets, under -race and at full speed; whatever it gets is whole, in order,
// and what it misses is told to the position.
func TestEvictedAgainAndAgain(t *testing.T) {
	for _, kind := range bothKinds {
		evictedAgain(t, kind)
	}
}

func evictedAgain(t *testing.T, kind Kind) {
	node := &testNode{}
	ctl, dat := testRing(t, small(kind))
	p := produceFor(t, attach(t, node, 0, ctl, dat))
	r := attachReader(t, node, 1, ctl, dat)
	rd := joinFor(t, r, JoinOptions{})
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if p.TryPublish(payloadOf(buf, 40, p.Sequence()+1), &Meta{}) == ErrFull {
				if w := entryWord(r.entries[0].state.Load()); w.state() == entryActive && i%3 == 0 {
					p.ring.evict(0, w)
				}
			}
		}
	}()
	lags, next := 0, rd.Cursor()
	var m Message
	for n := 0; n < 20000 || lags < 5 && n < 10_000_000; n++ {
		err := rd.Next(&m)
		var lag *LaggedError
		switch {
		case err == ErrEmpty:
		case errors.As(err, &lag):
			lags++
			if lag.First < next {
				t.Fatalf("lag from %d, but %d was read already", lag.First, next-1)
			}
			next = lag.First + lag.Missed
		case err != nil:
			t.Fatal(err)
		default:
			if m.Position < next {
				t.Fatalf("position %d after %d", m.Position, next-1)
			}
			next = m.Position + 1
			if err := checkPayload(m.Payload, m.Sequence); err != nil {
				t.Fatalf("position %d: %v", m.Position, err)
			}
		}
	}
	close(stop)
	<-done
	if lags == 0 {
		t.Errorf("%v: never put out", kind)
	}
}
