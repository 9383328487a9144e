package ring

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// Each test here is a sequence that once went wrong.

// small is the smallest ring of a kind, with a stall budget that never ends.
func small(kind Kind) Shape {
	return Shape{Slots: 64, Payload: 64, Kind: kind, StallBudget: time.Hour}
}

func joinFor(t testing.TB, r *Ring, o JoinOptions) *Reader {
	t.Helper()
	rd, err := r.Join(o)
	if err != nil {
		t.Fatal(err)
	}
	return rd
}

func publishFor(t testing.TB, p *Producer, payload string) {
	t.Helper()
	if err := p.TryPublish([]byte(payload), &Meta{}); err != nil {
		t.Fatalf("publish %q: %v", payload, err)
	}
}

// wantNext takes the next message, which must be the one given.
func wantNext(t testing.TB, rd *Reader, payload string) {
	t.Helper()
	var m Message
	if err := nextFor(rd, &m); err != nil {
		t.Fatalf("next: %v, want %q", err, payload)
	}
	if string(m.Payload) != payload {
		t.Fatalf("next: %q, want %q", m.Payload, payload)
	}
}

// nextFor is Next, patient enough for a writer's deadline.
func nextFor(rd *Reader, m *Message) error {
	for end := time.Now().Add(5 * time.Second); ; {
		err := rd.Next(m)
		if err != ErrEmpty || time.Now().After(end) {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
}

func (r *Ring) setRetired() { r.state.Store(layout.SegmentStateRetired) }

func TestAwaitEndsWhenItsRingIsRetired(t *testing.T) {
	for _, kind := range []Kind{Shared, Exclusive} {
		node := &testNode{}
		ctl, dat := testRing(t, small(kind))
		r := attach(t, node, 1, ctl, dat)
		rd := joinFor(t, r, JoinOptions{})
		r.setRetired()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		if err := NewWaiter(r.host.(testHost).bell(), Block).Await(ctx, []*Reader{rd}); err != nil {
			t.Errorf("%v: await: %v, want nil", kind, err)
		}
		cancel()
		if err := rd.Next(&Message{}); err != ErrRetired {
			t.Errorf("%v: next: %v, want %v", kind, err, ErrRetired)
		}
	}
}

func TestReaderPutOutInItsHistoryNeverReadsWithoutALease(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	r := attach(t, node, 0, ctl, dat)
	p := produceFor(t, r)
	for range 10 {
		publishFor(t, p, "old")
	}
	rd := joinFor(t, attach(t, node, 1, ctl, dat), JoinOptions{History: 5})
	publishFor(t, p, "new")
	r.evict(rd.index, rd.mine)
	if !rd.Arm() {
		t.Error("a reader that was put out may sleep")
	}
	for range 5 {
		wantNext(t, rd, "old")
	}
	var lag *LaggedError
	if err := rd.Next(&Message{}); !errors.As(err, &lag) || lag.First != 10 || lag.Missed != 1 {
		t.Errorf("next after the history: %v, want 1 position missed from 10", err)
	}
}

func TestReaderWithoutAnEntryLeavesOthersAlone(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	r := attach(t, node, 0, ctl, dat)
	p := produceFor(t, r)
	lost := joinFor(t, attach(t, node, 1, ctl, dat), JoinOptions{})
	publishFor(t, p, "a")
	publishFor(t, p, "b")
	wantNext(t, lost, "a")
	wantNext(t, lost, "b")
	for range layout.EntryCount - 1 {
		joinFor(t, attach(t, node, 2, ctl, dat), JoinOptions{Latest: true})
	}
	// The first reader was put out and let go; another was faster to the one free entry.
	r.evict(lost.index, lost.mine)
	r.leave(lost.index, lost.mine)
	lost.mine, lost.lease, lost.swift = 0, lost.cursor, 0
	heir := joinFor(t, attach(t, node, 3, ctl, dat), JoinOptions{})
	if heir.index != lost.index {
		t.Fatalf("entry %d was given away, want %d", heir.index, lost.index)
	}
	publishFor(t, p, "c")
	for range 2 {
		if err := lost.Next(&Message{}); err != ErrTooManyReaders {
			t.Fatalf("next: %v, want %v", err, ErrTooManyReaders)
		}
	}
	if c, l := r.entries[heir.index].cursor.Load(), r.entries[heir.index].leaseEnd.Load(); c != 2 || l != 2 {
		t.Errorf("cursor and lease of the heir are %d, %d, want 2, 2: another reader stored them", c, l)
	}
	heir.Close()
	var lag *LaggedError
	if err := lost.Next(&Message{}); !errors.As(err, &lag) || lag.First != 2 || lag.Missed != 1 {
		t.Fatalf("next with a free entry: %v, want 1 missed from 2", err)
	}
}

func TestClosedReaderTouchesNothing(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	r := attach(t, node, 0, ctl, dat)
	p := produceFor(t, r)
	gone := joinFor(t, r, JoinOptions{})
	gone.Close()
	heir := joinFor(t, r, JoinOptions{})
	for range 20 {
		publishFor(t, p, "x")
	}
	for range 20 {
		if err := gone.Next(&Message{}); err != ErrClosed {
			t.Fatalf("next: %v, want %v", err, ErrClosed)
		}
	}
	gone.Close()
	if c := r.entries[heir.index].cursor.Load(); c != 0 {
		t.Errorf("cursor of the heir is %d, want 0", c)
	}
	wantNext(t, heir, "x")
}

func TestExclusiveTakeoverStepsOverEveryOpenClaim(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Exclusive))
	rd := joinFor(t, attach(t, node, 2, ctl, dat), JoinOptions{})
	first := produceFor(t, attach(t, node, 0, ctl, dat))
	publishFor(t, first, "before")
	for i := range 3 {
		c, err := first.TryClaim(nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 { // the one in the middle is published
			copy(c.Bytes(), "middle")
			if err := c.Commit(0, 6, &Meta{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	node.dead[0].Store(true)
	second := produceFor(t, attach(t, node, 1, ctl, dat))
	publishFor(t, second, "after")
	wantNext(t, rd, "before")
	wantNext(t, rd, "middle")
	wantNext(t, rd, "after")
}

func TestExclusiveClaimsNeverMeetInOneSlot(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Exclusive))
	p := produceFor(t, attach(t, node, 0, ctl, dat))
	open, err := p.TryClaim(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 63 {
		publishFor(t, p, "x")
	}
	if err := p.TryPublish(nil, &Meta{}); err != ErrFull {
		t.Fatalf("publish into the slot of an open claim: %v, want %v", err, ErrFull)
	}
	if err := open.Abort(); err != nil {
		t.Fatal(err)
	}
	publishFor(t, p, "x")
}

func TestExclusiveClaimEndsWithItsProducer(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Exclusive))
	rd := joinFor(t, attach(t, node, 2, ctl, dat), JoinOptions{})
	first := produceFor(t, attach(t, node, 0, ctl, dat))
	c, err := first.TryClaim(nil)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := produceFor(t, attach(t, node, 1, ctl, dat))
	for range 20 {
		publishFor(t, second, "x")
	}
	if err := c.Commit(0, 0, &Meta{}); err != ErrNotExclusive {
		t.Errorf("commit after close: %v, want %v", err, ErrNotExclusive)
	}
	for range 20 {
		wantNext(t, rd, "x")
	}
}

func TestNobodyProducesIntoARetiredRing(t *testing.T) {
	for _, kind := range []Kind{Shared, Exclusive} {
		node := &testNode{}
		ctl, dat := testRing(t, small(kind))
		r := attach(t, node, 0, ctl, dat)
		p := produceFor(t, r)
		publishFor(t, p, "x")
		r.setRetired()
		if err := p.TryPublish(nil, &Meta{}); err != ErrRetired {
			t.Errorf("%v: publish: %v, want %v", kind, err, ErrRetired)
		}
		if _, err := p.TryClaim(nil); err != ErrRetired {
			t.Errorf("%v: claim: %v, want %v", kind, err, ErrRetired)
		}
		p.Close()
		if _, err := r.NewProducer(r.host.(testHost).address()); err != ErrRetired {
			t.Errorf("%v: new producer: %v, want %v", kind, err, ErrRetired)
		}
	}
}

func TestClaimIsEndedOnce(t *testing.T) {
	for _, kind := range []Kind{Shared, Exclusive} {
		node := &testNode{}
		ctl, dat := testRing(t, small(kind))
		r := attach(t, node, 0, ctl, dat)
		p := produceFor(t, r)
		rd := joinFor(t, r, JoinOptions{})
		c, err := p.TryClaim(nil)
		if err != nil {
			t.Fatal(err)
		}
		copy(c.Bytes(), "one")
		if err := c.Commit(0, 3, &Meta{}); err != nil {
			t.Fatal(err)
		}
		if err := c.Commit(0, 2, &Meta{}); err != ErrClaimEnded {
			t.Errorf("%v: second commit: %v, want %v", kind, err, ErrClaimEnded)
		}
		if err := c.Abort(); err != ErrClaimEnded {
			t.Errorf("%v: abort after commit: %v, want %v", kind, err, ErrClaimEnded)
		}
		wantNext(t, rd, "one")
	}
}

func TestClaimSaysItselfWhetherItBearsABlock(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, Shape{Slots: 64, Payload: 128, StallBudget: time.Hour})
	r := attach(t, node, 0, ctl, dat)
	p, rd := produceFor(t, r), joinFor(t, r, JoinOptions{})
	block := make([]byte, layout.AddressBlockSize)
	block[0] = 7
	for _, c := range []struct{ claimed, committed []byte }{{block, nil}, {nil, block}, {block, block}, {nil, nil}} {
		claim, err := p.TryClaim(c.claimed)
		if err != nil {
			t.Fatal(err)
		}
		copy(claim.Bytes(), "hi")
		if err := claim.Commit(0, 2, &Meta{Block: c.committed}); err != nil {
			t.Fatal(err)
		}
		var m Message
		if err := rd.Next(&m); err != nil || string(m.Payload) != "hi" || string(m.Block) != string(c.claimed) {
			t.Errorf("claimed with %d bytes, committed with %d: %v, payload %q, block of %d",
				len(c.claimed), len(c.committed), err, m.Payload, len(m.Block))
		}
	}
}

func TestPartialsOfTheDeadMakeRoom(t *testing.T) {
	node := &testNode{}
	s := Shape{Slots: 256, Payload: 64, StallBudget: time.Hour}
	ctl, dat := testRing(t, s)
	r := attach(t, node, 0, ctl, dat)
	rd := joinFor(t, attach(t, node, 1, ctl, dat), JoinOptions{})
	big := make([]byte, 100)
	// Writers that die after their first fragment, more than a reader has places for.
	for i := range maxPartials + 10 {
		p := produceFor(t, r)
		if err := p.claimMany(2); err != nil {
			t.Fatal(err)
		}
		p.fill(p.positions[0], &Meta{}, len(big), layout.MessageFlagBegin, 0, big[:64])
		if err := p.finish(p.positions[0], stateReady); err != nil {
			t.Fatal(err)
		}
		p.abortFrom(1)
		if err := rd.Next(&Message{}); err != ErrEmpty {
			var lag *LaggedError
			if i < maxPartials || !errors.As(err, &lag) {
				t.Fatalf("writer %d: %v, want nothing yet", i, err)
			}
		}
	}
	p := produceFor(t, r)
	for range 256 { // a lap: what they had begun cannot end any more
		publishFor(t, p, "x")
		wantNext(t, rd, "x")
	}
	if err := p.TryPublish(big, &Meta{}); err != nil {
		t.Fatal(err)
	}
	wantNext(t, rd, string(big))
}

func TestNoRoomForAPartialIsToldOnce(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, Shape{Slots: 256, Payload: 64, StallBudget: time.Hour})
	r := attach(t, node, 0, ctl, dat)
	rd := joinFor(t, attach(t, node, 1, ctl, dat), JoinOptions{})
	producers := make([]*Producer, maxPartials+1)
	big := make([]byte, 100)
	for range 2 { // all first fragments lie before all second ones
		for i := range producers {
			if producers[i] == nil {
				producers[i] = produceFor(t, r)
			}
			position, err := producers[i].claim()
			if err != nil {
				t.Fatal(err)
			}
			producers[i].positions = append(producers[i].positions, position)
		}
	}
	for half := range 2 {
		for _, p := range producers {
			flags := []uint16{layout.MessageFlagBegin, layout.MessageFlagEnd}[half]
			p.fill(p.positions[half], &Meta{}, len(big), flags, uint16(half), big[:64-28*half])
			if err := p.finish(p.positions[half], stateReady); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, told := 0, 0
	var m Message
	var lag *LaggedError
	for {
		err := rd.Next(&m)
		if err == ErrEmpty {
			break
		}
		switch {
		case err == nil:
			got++
		case errors.As(err, &lag):
			told += int(lag.Missed)
		default:
			t.Fatal(err)
		}
	}
	if got != maxPartials || told != 1 {
		t.Errorf("%d messages and %d told missed, want %d and 1", got, told, maxPartials)
	}
}

func TestTornHeaderOfAnOverrunSlotIsNoDamage(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, Shape{Slots: 64, Payload: 64, Mode: Latest})
	r := attach(t, node, 0, ctl, dat)
	p := produceFor(t, r)
	rd := joinFor(t, r, JoinOptions{Latest: true})
	publishFor(t, p, "x")
	// A writer of the next lap is in the slot: its header is half written.
	var v view
	bodyAt(r.slot(0)).start = 1 << 30
	_ = rd.copyOut(0, &v)
	if n := r.Counts().Damaged; n != 0 {
		t.Errorf("%d damages counted before the copy was found good", n)
	}
}

func TestPositionThatNobodyEverClaimedIsDamage(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	r := attach(t, node, 0, ctl, dat)
	rd := joinFor(t, r, JoinOptions{})
	r.ctl.tail.Store(10)
	var damaged *DamagedError
	if err := nextFor(rd, &Message{}); !errors.As(err, &damaged) {
		t.Fatalf("next: %v, want damage", err)
	}
	if err := rd.Next(&Message{}); err != ErrRetired {
		t.Errorf("next after damage: %v, want %v", err, ErrRetired)
	}
	if !r.retired() {
		t.Error("the damaged ring is not retired")
	}
}

func TestProducerRetiresADamagedRing(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	r := attach(t, node, 0, ctl, dat)
	p := produceFor(t, r)
	r.claims[0].Store(uint64(makeWord(9, 3, stateReady)))
	var damaged *DamagedError
	if err := p.TryPublish(nil, &Meta{}); !errors.As(err, &damaged) {
		t.Fatalf("publish: %v, want damage", err)
	}
	if err := p.TryPublish(nil, &Meta{}); err != ErrRetired {
		t.Errorf("publish after damage: %v, want %v", err, ErrRetired)
	}
}

func TestPutOutWithoutLossIsNotALag(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	r := attach(t, node, 0, ctl, dat)
	p, rd := produceFor(t, r), joinFor(t, r, JoinOptions{})
	publishFor(t, p, "x")
	wantNext(t, rd, "x")
	r.evict(rd.index, rd.mine)
	rd.Arm()
	if err := rd.Next(&Message{}); err != ErrEmpty {
		t.Errorf("next: %v, want %v", err, ErrEmpty)
	}
	publishFor(t, p, "y")
	wantNext(t, rd, "y")
}

func TestDeadReadersMakeRoomForNewOnes(t *testing.T) {
	node := &testNode{}
	ctl, dat := testRing(t, small(Shared))
	r := attach(t, node, 1, ctl, dat)
	for range layout.EntryCount {
		joinFor(t, r, JoinOptions{})
	}
	other := attach(t, node, 2, ctl, dat)
	if _, err := other.Join(JoinOptions{}); err != ErrTooManyReaders {
		t.Fatalf("join: %v, want %v", err, ErrTooManyReaders)
	}
	node.dead[1].Store(true)
	joinFor(t, other, JoinOptions{})
}
