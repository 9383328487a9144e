package ring

import (
	"errors"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// A fakeClock is the monotonic clock of rings under test.
type fakeClock struct{ now time.Duration }

func (c *fakeClock) on(rings ...*Ring) {
	for _, r := range rings {
		r.now = func() time.Duration { return c.now }
	}
}

// tick lets an observer that looks every step see so much time pass.
func (c *fakeClock) tick(d time.Duration, look func()) {
	for end := c.now + d; c.now < end; {
		c.now += maxStep
		look()
	}
}

// A scene is a ring with some participants.
type scene struct {
	t     *testing.T
	node  *testNode
	clock *fakeClock
	rings []*Ring
}

// newScene attaches participants 0 to n-1 to one ring.
func newScene(t *testing.T, s Shape, n int) *scene {
	ctl, dat := testRing(t, s)
	sc := &scene{t: t, node: &testNode{}, clock: &fakeClock{now: time.Hour}}
	for i := range n {
		sc.rings = append(sc.rings, attach(t, sc.node, uint16(i), ctl, dat))
	}
	sc.clock.on(sc.rings...)
	return sc
}

func (s *scene) producer(i int) *Producer { return produceFor(s.t, s.rings[i]) }
func (s *scene) reader(i int) *Reader     { return joinFor(s.t, s.rings[i], JoinOptions{}) }

func (s *scene) claim(p *Producer) *Claim {
	s.t.Helper()
	c, err := p.TryClaim(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &c
}

// fill publishes until the ring is full, and returns how many it took.
func (s *scene) fill(p *Producer) int {
	s.t.Helper()
	for n := range 10000 {
		switch err := p.TryPublish([]byte("x"), &Meta{}); err {
		case nil:
		case ErrFull:
			return n
		default:
			s.t.Fatal(err)
		}
	}
	s.t.Fatal("the ring is never full")
	return 0
}

// lap publishes n messages and reads them.
func (s *scene) pass(p *Producer, rd *Reader, n int) {
	s.t.Helper()
	for range n {
		publishFor(s.t, p, "x")
		wantNext(s.t, rd, "x")
	}
}

func wantEmpty(t testing.TB, rd *Reader) {
	t.Helper()
	if err := rd.Next(&Message{}); err != ErrEmpty {
		t.Fatalf("next: %v, want %v", err, ErrEmpty)
	}
}

var bothKinds = []Kind{Shared, Exclusive}

func TestFullIsExactlyTheSlots(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		rd, p := s.reader(1), s.producer(0)
		if n := s.fill(p); n != 64 {
			t.Errorf("%v: %d messages fit, want 64", kind, n)
		}
		// one read, and released by the next call: one slot
		wantNext(t, rd, "x")
		if err := p.TryPublish(nil, &Meta{}); err != ErrFull {
			t.Errorf("%v: publish while the first is in hand: %v, want %v", kind, err, ErrFull)
		}
		rd.store()
		publishFor(t, p, "y")
		if err := p.TryPublish(nil, &Meta{}); err != ErrFull {
			t.Errorf("%v: publish: %v, want %v", kind, err, ErrFull)
		}
	}
}

func TestWithoutReadersNothingIsFull(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p := s.producer(0)
		for range 1000 {
			publishFor(t, p, "x")
		}
		rd := s.reader(1)
		wantEmpty(t, rd)
		publishFor(t, p, "y")
		wantNext(t, rd, "y")
	}
}

func TestAbortIsSteppedOver(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		rd, p := s.reader(1), s.producer(0)
		for i := range 300 { // some laps; the claims wrap while one is open
			c := s.claim(p)
			publishFor(t, p, "after")
			if i%2 == 0 {
				if err := c.Abort(); err != nil {
					t.Fatal(err)
				}
			} else if err := c.Commit(0, 0, &Meta{}); err != nil {
				t.Fatal(err)
			} else {
				wantNext(t, rd, "")
			}
			wantNext(t, rd, "after")
		}
		wantEmpty(t, rd)
	}
}

func TestRefusedPublishUsesNoSequenceUp(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	rd, p := s.reader(1), s.producer(0)
	s.fill(p)
	for range 5 {
		_ = p.TryPublish(nil, &Meta{})
	}
	var seen sequences
	var m Message
	for range 64 {
		if err := rd.Next(&m); err != nil {
			t.Fatal(err)
		}
		if err := seen.check(&m); err != nil {
			t.Fatal(err)
		}
	}
	rd.store()
	publishFor(t, p, "x")
	if err := rd.Next(&m); err != nil || m.Sequence != 65 {
		t.Errorf("sequence %d, %v, want 65", m.Sequence, err)
	}
}

func TestCommitOutsideTheSlotAborts(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	rd, p := s.reader(1), s.producer(0)
	for _, c := range [][2]int{{0, 65}, {64, 1}, {-1, 2}, {0, -1}, {65, 0}, {1 << 62, 1 << 62}} {
		var large *TooLargeError
		if err := s.claim(p).Commit(c[0], c[1], &Meta{}); !errors.As(err, &large) {
			t.Errorf("commit of %v: %v, want too large", c, err)
		}
	}
	if err := s.claim(p).Commit(64, 0, &Meta{}); err != nil {
		t.Errorf("commit of nothing at the end: %v", err)
	}
	wantNext(t, rd, "")
	wantEmpty(t, rd)
}

// TestSlowWriterIsFenced: the reader waits for a writer for the commit deadline,
// takes the claim, and goes on; the writer learns it, its slot is claimed again.
func TestSlowWriterIsFenced(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	rd, slow, other := s.reader(2), s.producer(0), s.producer(1)
	c := s.claim(slow)
	publishFor(t, other, "behind")
	wantEmpty(t, rd)
	s.clock.tick(s.rings[2].shape.CommitDeadline-maxStep, func() { wantEmpty(t, rd) })
	s.clock.now += maxStep
	wantEmptyOr(t, rd, "behind")
	wantNext(t, rd, "behind")
	if w := word(s.rings[0].claim(0).Load()); w != makeWord(1, 0, stateQuarantined) {
		t.Errorf("claim word %#x, want quarantined", w)
	}
	// Nobody writes in the slot while the writer may: position 64 is stepped over.
	s.pass(other, rd, 62)
	before := s.rings[0].Tail()
	s.pass(other, rd, 1)
	if got := s.rings[0].Tail(); got != before+2 {
		t.Errorf("tail went from %d to %d, want over one quarantined slot", before, got)
	}
	if err := c.Commit(0, 0, &Meta{}); err != ErrFenced {
		t.Fatalf("commit: %v, want %v", err, ErrFenced)
	}
	if w := word(s.rings[0].claim(0).Load()); w != makeWord(2, 0, stateHole) {
		t.Errorf("claim word %#x, want a hole of lap 2", w)
	}
	s.pass(other, rd, 62) // now the slot is used again
	before = s.rings[0].Tail()
	s.pass(other, rd, 1)
	if got := s.rings[0].Tail(); got != before+1 {
		t.Errorf("tail went from %d to %d, want by one", before, got)
	}
	if err := slow.TryPublish([]byte("again"), &Meta{}); err != nil {
		t.Fatal(err)
	}
	wantNext(t, rd, "again")
	if n := s.rings[0].Counts().Quarantined; n != 1 {
		t.Errorf("%d quarantined, want 1", n)
	}
}

// wantEmptyOr is for the call that quarantines: it may return before or after it
// looks at the next position.
func wantEmptyOr(t testing.TB, rd *Reader, payload string) {
	t.Helper()
	if err := rd.Next(&Message{}); err != ErrEmpty {
		t.Fatalf("next: %v, want %v before %q", err, ErrEmpty, payload)
	}
}

// TestCrowdOfSlowWritersCostsOneDeadline: all claims up to the tail are taken together.
func TestCrowdOfSlowWritersCostsOneDeadline(t *testing.T) {
	s := newScene(t, small(Shared), 12)
	rd := s.reader(11)
	for i := range 10 {
		s.claim(s.producer(i))
	}
	publishFor(t, s.producer(10), "behind")
	wantEmpty(t, rd)
	s.clock.tick(s.rings[11].shape.CommitDeadline, func() { wantEmpty(t, rd) })
	wantNext(t, rd, "behind")
	if n := s.rings[0].Counts().Quarantined; n != 10 {
		t.Errorf("%d quarantined, want 10", n)
	}
}

// TestPauseOfTheObserverAccusesNobody: one step of an observer counts at most maxStep.
func TestPauseOfTheObserverAccusesNobody(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	rd, slow := s.reader(2), s.producer(0)
	c := s.claim(slow)
	publishFor(t, s.producer(1), "behind")
	wantEmpty(t, rd)
	s.clock.now += time.Hour
	wantEmpty(t, rd)
	if err := c.Commit(0, 0, &Meta{}); err != nil {
		t.Errorf("commit after a pause of the machine: %v", err)
	}
	wantNext(t, rd, "")
	wantNext(t, rd, "behind")
}

// TestDeadWriterIsSteppedOverAtOnce: the kernel is asked after a millisecond.
func TestDeadWriterIsSteppedOverAtOnce(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	rd := s.reader(2)
	s.claim(s.producer(0))
	publishFor(t, s.producer(1), "behind")
	wantEmpty(t, rd)
	s.node.dead[0].Store(true)
	s.clock.now += 2 * time.Millisecond
	wantEmpty(t, rd)
	wantNext(t, rd, "behind")
	if !s.rings[2].Recover(0) {
		t.Error("recovery found the dead alive")
	}
	if w := word(s.rings[0].claim(0).Load()); w != makeWord(1, 0, stateHole) {
		t.Errorf("claim word %#x after recovery, want a hole", w)
	}
}

// TestProducerQuarantines: without readers, a producer that comes round meets the
// slow writer's slot: FULL for its deadline, then it steps over it.
func TestProducerQuarantines(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	slow, p := s.producer(0), s.producer(1)
	c := s.claim(slow)
	for range 63 {
		publishFor(t, p, "x")
	}
	full := func() {
		t.Helper()
		if err := p.TryPublish(nil, &Meta{}); err != ErrFull {
			t.Fatalf("publish: %v, want %v", err, ErrFull)
		}
	}
	full()
	s.clock.tick(s.rings[1].shape.CommitDeadline-maxStep, full)
	s.clock.now += maxStep
	publishFor(t, p, "x") // over the quarantined slot, at position 65
	if got := s.rings[1].Tail(); got != 66 {
		t.Errorf("tail %d, want 66", got)
	}
	if err := c.Abort(); err != ErrFenced {
		t.Errorf("abort: %v, want %v", err, ErrFenced)
	}
}

// TestLatestRingNeverWaitsForAWriter: there a slow writer is fenced at once.
func TestLatestRingNeverWaitsForAWriter(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64, Mode: Latest}, 2)
	c, p := s.claim(s.producer(0)), s.producer(1)
	for range 200 {
		publishFor(t, p, "x")
	}
	if err := c.Commit(0, 0, &Meta{}); err != ErrFenced {
		t.Errorf("commit: %v, want %v", err, ErrFenced)
	}
}

// TestStalledWhenEverySlotIsHeld: all slots are quarantined; then one is let go.
func TestStalledWhenEverySlotIsHeld(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64, Mode: Latest}, 2)
	slow, p := s.producer(0), s.producer(1)
	var claims []*Claim
	for range 64 {
		claims = append(claims, s.claim(slow))
	}
	if err := p.TryPublish(nil, &Meta{}); err != ErrStalled {
		t.Fatalf("publish: %v, want %v", err, ErrStalled)
	}
	if err := claims[17].Abort(); err != ErrFenced {
		t.Fatal(err)
	}
	publishFor(t, p, "x")
	if got := s.rings[1].Tail() - 1; got%64 != 17 {
		t.Errorf("position %d was claimed, want slot 17", got)
	}
}

// TestFencedWriterFreesItsOwnClaimOnly: a writer that was fenced lets go of its
// own claim only, not of a later one in the same slot under the same index.
func TestFencedWriterFreesItsOwnClaimOnly(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64, Mode: Latest}, 2)
	a, b, p := s.producer(0), s.producer(0), s.producer(1)
	first := s.claim(a)
	for range 64 {
		publishFor(t, p, "x") // the slot is quarantined and stepped over
	}
	if err := first.Abort(); err != ErrFenced {
		t.Fatal(err)
	}
	for s.rings[0].Tail()%64 != 0 {
		publishFor(t, p, "x")
	}
	second := s.claim(b)
	a.letGo(first.position) // once more, as late as can be
	if err := second.Commit(0, 0, &Meta{}); err != nil {
		t.Errorf("commit of the second: %v", err)
	}
}

// TestStoppedAfterItsCommit: a writer commits and stops before it stores
// published; the reader finds the message by the claim word. A lap later the
// writer stores its old lap: the reader is not misled.
func TestStoppedAfterItsCommit(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	rd, stopped, p := s.reader(2), s.producer(0), s.producer(1)
	c := s.claim(stopped)
	stopped.fill(c.position, &Meta{}, 4, wholeMessage, 0, []byte("slow"))
	a := s.rings[0].claim(0)
	mine := makeWord(1, 0, stateWriting)
	if !a.CompareAndSwap(uint64(mine), uint64(mine.with(stateReady))) {
		t.Fatal("not ours")
	}
	wantNext(t, rd, "slow")
	s.pass(p, rd, 63)
	publishFor(t, p, "lap 2")
	headAt(s.rings[0].slot(c.position)).published.Store(1) // the stopped writer goes on
	wantNext(t, rd, "lap 2")
	s.pass(p, rd, 63)
}

// TestStoppedBeforeTheTail: a producer dies between its claim and the tail; the
// next one helps, claims behind it, and the reader steps over it.
func TestStoppedBeforeTheTail(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	rd, p := s.reader(2), s.producer(1)
	s.rings[0].claims[0].Store(uint64(makeWord(1, 0, stateWriting)))
	publishFor(t, p, "behind")
	if got := s.rings[1].Tail(); got != 2 {
		t.Errorf("tail %d, want 2", got)
	}
	wantEmpty(t, rd)
	s.node.dead[0].Store(true)
	s.clock.now += 2 * time.Millisecond
	wantEmpty(t, rd)
	wantNext(t, rd, "behind")
}

// TestRecoverSparesWhatChanged: claims of others, and of the dead one's that were
// committed, stay as they are; the living is not recovered at all.
func TestRecoverSparesWhatChanged(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	rd, dead, p := s.reader(2), s.producer(0), s.producer(1)
	publishFor(t, dead, "sent")
	s.claim(dead)
	open := s.claim(p)
	if s.rings[2].Recover(0) {
		t.Fatal("a living participant was recovered")
	}
	s.node.dead[0].Store(true)
	for range 2 { // the second finds nothing more to do
		if !s.rings[2].Recover(0) {
			t.Fatal("the dead was not recovered")
		}
	}
	if err := open.Commit(0, 0, &Meta{}); err != nil {
		t.Errorf("commit of the living: %v", err)
	}
	wantNext(t, rd, "sent")
	wantNext(t, rd, "")
	if n := s.rings[0].Counts().Recovered; n != 1 {
		t.Errorf("%d recovered, want 1", n)
	}
}

func TestHandlesAreNeverZero(t *testing.T) {
	s := newScene(t, small(Shared), 1)
	handlesGiven.Store(0)
	s.rings[0].ctl.handles.Store(0xfffe)
	for _, want := range []uint16{0xffff, 1, 2} {
		if got := s.producer(0).Address().Handle; got != want {
			t.Errorf("handle %d, want %d", got, want)
		}
	}
}

func TestForwardedMessagesBearTheirSource(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 128}, 2)
	rd, p := s.reader(1), s.producer(0)
	source := p.Address()
	source.Node, source.Handle = 99, 7
	block := make([]byte, layout.AddressBlockSize)
	block[5] = 5
	meta := Meta{Source: source, Sequence: 42, Kind: 3, Content: 2, Schema: 0xabc, TimestampNs: 17, Block: block,
		Flags: layout.MessageFlagRemote}
	if err := p.TryPublish([]byte("hello"), &meta); err != nil {
		t.Fatal(err)
	}
	var m Message
	if err := rd.Next(&m); err != nil {
		t.Fatal(err)
	}
	if m.Producer != source || m.Sequence != 42 || m.Kind != 3 || m.Content != 2 || m.Schema != 0xabc ||
		m.TimestampNs != 17 || string(m.Block) != string(block) || string(m.Payload) != "hello" ||
		m.Flags&layout.MessageFlagRemote == 0 {
		t.Errorf("message %+v", m)
	}
	if p.Sequence() != 0 {
		t.Errorf("own sequence %d, want 0", p.Sequence())
	}
}

// TestKernelIsAskedOnceAWriter: a large message has many claims; whoever stands
// before it asks for their owner once each time.
func TestKernelIsAskedOnceAWriter(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	asked := 0
	s.rings[1].host = askedHost{testHost{s.node, 1}, &asked}
	rd := s.reader(1)
	if err := s.producer(0).claimMany(30); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, rd)
	s.clock.now += 2 * time.Millisecond
	wantEmpty(t, rd)
	if asked != 1 {
		t.Errorf("the kernel was asked %d times, want 1", asked)
	}
}

// An askedHost counts the questions.
type askedHost struct {
	testHost
	asked *int
}

func (h askedHost) Alive(i uint16) bool { *h.asked++; return h.testHost.Alive(i) }
