package forward

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// bounded makes sessions small, and their renewals follow each other.
func bounded(limits mcast.Limits, apart mcast.Duration) func(*Config) {
	return func(c *Config) { c.session = sessionLimits{engine: limits, apart: apart} }
}

// visit is a publisher that comes, publishes some messages and leaves.
func (n *testNode) visit(ctx context.Context, topic string, count int) (from shm.Address, err error) {
	return n.visitShaped(ctx, topic, ring.Shape{}, count)
}

func (n *testNode) visitShaped(ctx context.Context, topic string, shape ring.Shape, count int) (from shm.Address, err error) {
	d, err := shm.OpenDomain(&shm.Config{Base: n.base, Domain: n.domain})
	if err != nil {
		return from, err
	}
	defer d.Close()
	self, err := d.Join(shm.Info{Name: "visitor"})
	if err != nil {
		return from, err
	}
	defer self.Close()
	file, err := ring.OpenFile(filepath.Join(d.Dir(), "topics", topic), ring.NewHost(self), ring.FileOptions{Write: true, Shape: shape})
	if err != nil {
		return from, err
	}
	defer file.Close()
	w, err := file.NewProducer(self.Address())
	if err != nil {
		return from, err
	}
	defer w.Close()
	if err := self.SetInfo(shm.Info{Name: "visitor", Interests: []shm.Interest{{Name: topic, Publisher: true}}}); err != nil {
		return from, err
	}
	if !d.AwaitForwarder(ctx, 10*time.Second) {
		return from, errors.New("the forwarder takes no notice")
	}
	p := &program{t: n.t, domain: d, self: self, waiter: ring.NewWaiter(self.Doorbell(), ring.Block)}
	for i := range count {
		if err := p.publish(ctx, w, numbered(i)); err != nil {
			return from, err
		}
	}
	return w.Address(), nil
}

// followVisitors reads what visitors published, each that much.
func followVisitors(t *testing.T, ctx context.Context, p *program, rd *ring.Reader, visitors []shm.Address, each int) {
	t.Helper()
	got := newAccount()
	for _, from := range visitors {
		if err := got.follow(ctx, p, rd, from, uint64(each)); err != nil {
			t.Fatal(err)
		}
	}
	if n := uint64(len(visitors) * each); got.delivered != n || got.lost != 0 || got.lagged != 0 {
		t.Errorf("%d of %d delivered, %d told as lost, %d jumped over", got.delivered, n, got.lost, got.lagged)
	}
}

// TestProducersRunOut has many publishers come and go, one after the other, more than a session has numbers for, beside
// one that stays: others get every message of each once and in order.
func TestProducersRunOut(t *testing.T) {
	const visitors, each = 200, 3
	a, b, c := newNode(t, "a"), newNode(t, "b"), newNode(t, "c")
	limits := bounded(mcast.Limits{Producers: 40}, 1)
	a.start(func(cfg *Config) { lossy(cfg); limits(cfg) })
	b.start(lossy)
	c.start(lossy)
	ctx := testContext(t, time.Minute)
	readers := map[*program]*ring.Reader{}
	for _, n := range []*testNode{b, c} {
		p, rd := n.reader("news")
		readers[p] = rd
	}
	steady, steadyReader := b.reader("load")
	a.awaitWantedBy(ctx, "news", len(readers))
	a.awaitWanted(ctx, "load")
	l := a.load("load")
	got := newAccount()
	got.expect(l.producer, 1)
	done, last := make(chan error, 1), make(chan uint64, 1)
	go func() { done <- got.followLoad(ctx, steady, steadyReader, l.producer, last) }()
	var came []shm.Address
	for range visitors {
		from, err := a.visit(ctx, "news", each)
		if err != nil {
			t.Fatal(err)
		}
		came = append(came, from)
	}
	for p, rd := range readers {
		followVisitors(t, ctx, p, rd, came, each)
	}
	sent := l.end()
	last <- sent
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got.delivered != sent {
		t.Errorf("of the one that stays: %d of %d delivered, %d told as lost", got.delivered, sent, got.lost)
	}
	m := a.f.Stats().Map()
	t.Logf("%d sessions more; %d messages of the one that stays", m["forward.renewed"], sent)
	if m["forward.renewed"] < 3 || m["forward.unsendable"] != 0 {
		t.Errorf("%d sessions more, %d messages not sent", m["forward.renewed"], m["forward.unsendable"])
	}
}

// TestTopicsRunOut has publishers of more topics than a session has numbers for come and go.
func TestTopicsRunOut(t *testing.T) {
	const topics = 30
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(bounded(mcast.Limits{Topics: 6}, 1))
	b.start(nil)
	ctx := testContext(t, 30*time.Second)
	b.program(shm.Interest{Name: "news.*", Pattern: true})
	a.awaitWanted(ctx, "news.0")
	for i := range topics {
		if _, err := a.visit(ctx, fmt.Sprintf("news.%d", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	for b.f.Stats().Map()["forward.delivered"] < topics {
		if ctx.Err() != nil {
			t.Fatalf("%d of %d delivered", b.f.Stats().Map()["forward.delivered"], topics)
		}
		time.Sleep(time.Millisecond)
	}
	if n := a.f.Stats().Map()["forward.renewed"]; n < 3 {
		t.Errorf("%d sessions more", n)
	}
}

// TestRenewalsAreApart runs out of numbers again and again: one session more, and then what has no number is
// counted, and told as lost as soon as its producer has one.
func TestRenewalsAreApart(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(bounded(mcast.Limits{Producers: 12}, 0))
	b.start(nil)
	ctx := testContext(t, 30*time.Second)
	reader, rd := b.reader("news")
	a.awaitWanted(ctx, "news")
	count := func(what string) uint64 { return a.f.Stats().Map()[what] }
	for count("forward.unsendable") == 0 {
		if _, err := a.visit(ctx, "news", 1); err != nil {
			t.Fatal(err)
		}
	}
	late, w := a.writer("news", ring.Shape{})
	a.awaitHanded(ctx, "news") // the last of those who came may have no number, too, and is counted behind the others
	before := count("forward.unsendable")
	if err := late.publish(ctx, w, numbered(1)); err != nil {
		t.Fatal(err)
	}
	for count("forward.unsendable") == before && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	if n := count("forward.renewed"); n != 1 {
		t.Errorf("%d sessions more, want 1", n)
	}
	a.f.mu.Lock()
	a.f.renewal.last = 0 // a long while ago
	a.f.mu.Unlock()
	if err := late.publish(ctx, w, numbered(2)); err != nil {
		t.Fatal(err)
	}
	var m ring.Message
	for m.Producer != w.Address() {
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatal(err)
		}
	}
	if m.Kind != layout.MessageKindEvent || m.Sequence != 1 {
		t.Errorf("message %d, kind %d: want that the first was lost", m.Sequence, m.Kind)
	}
	if err := reader.next(ctx, rd, &m); err != nil || m.Sequence != 2 || count("forward.renewed") != 2 {
		t.Errorf("message %d, %v, after %d sessions more", m.Sequence, err, count("forward.renewed"))
	}
}

// awaitHanded returns once all that was published here of a topic that is forwarded was handed over.
func (n *testNode) awaitHanded(ctx context.Context, topic string) {
	n.t.Helper()
	handed := func() bool {
		n.f.mu.Lock()
		defer n.f.mu.Unlock()
		o := n.f.out[topic]
		return o != nil && o.done()
	}
	for !handed() {
		if ctx.Err() != nil {
			n.t.Fatalf("%q is not handed over", topic)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestHistoryBehindARenewal: who subscribes in a later session gets what was published in those before, too.
func TestHistoryBehindARenewal(t *testing.T) {
	const visitors = 60
	a, b, c := newNode(t, "a"), newNode(t, "b"), newNode(t, "c")
	a.start(bounded(mcast.Limits{Producers: 20}, 1))
	b.start(nil)
	c.start(nil)
	ctx := testContext(t, 30*time.Second)
	b.reader("news")
	a.awaitWanted(ctx, "news")
	a.writer("news", ring.Shape{}) // it publishes nothing: the ring stays when the last visitor has left
	var came []shm.Address
	for range visitors {
		from, err := a.visit(ctx, "news", 1)
		if err != nil {
			t.Fatal(err)
		}
		came = append(came, from)
	}
	reader, rd := c.lateReader("news", visitors)
	followVisitors(t, ctx, reader, rd, came, 1)
	if n := a.f.Stats().Map()["forward.renewed"]; n < 2 {
		t.Errorf("%d sessions more", n)
	}
}

// awaitSettled returns, with mu held, when all that a topic has is with its members.
func (n *testNode) awaitSettled(ctx context.Context, topic string) *outbound {
	n.t.Helper()
	for ctx.Err() == nil {
		n.f.mu.Lock()
		if o := n.f.out[topic]; o != nil && n.f.allSettled() && o.done() {
			return o
		}
		n.f.mu.Unlock()
		time.Sleep(time.Millisecond)
	}
	n.t.Fatalf("%q does not settle", topic)
	return nil
}

// TestHistoryOfWhatIsInHand begins a session while a topic has three messages in hand, the first of which may have been sent in
// part. Who subscribes before it is sent anew gets two positions from before, and everything since, once.
//
// The splice of a topic that is carried over counts as that of its first list alone, if it is not below where the topic stands
// then: of a topic with a message in hand, behind that. So where carryOver puts it makes no difference up to there (at the
// message in hand, or behind it); and behind the others in hand the two positions would be of those, and what is
// before them would be missing.
func TestHistoryOfWhatIsInHand(t *testing.T) {
	a, b, c := newNode(t, "a"), newNode(t, "b"), newNode(t, "c")
	a.start(nil)
	b.start(nil)
	c.start(nil)
	ctx := testContext(t, 30*time.Second)
	reader, rd := b.reader("news")
	a.awaitWanted(ctx, "news")
	writer, w := a.writer("news", ring.Shape{})
	writer.publishN(ctx, w, 5)
	o := a.awaitSettled(ctx, "news")
	writer.publishN(ctx, w, 3)
	if !o.next(a.f) || len(o.lent) != 3 {
		t.Errorf("%d in hand", len(o.lent))
	}
	at, nobody := o.lent[0].Position, uint32(0) // a node that says nothing
	err := a.f.beginAbove(a.f.seat.Session())
	a.f.renewal.awaited[nobody], a.f.renewal.until = true, mcast.Never
	a.f.unlock()
	if err != nil {
		t.Fatal(err)
	}
	late, lateRd := c.lateReader("news", 2)
	a.awaitWantedBy(ctx, "news", 2)
	a.f.mu.Lock()
	if splice := o.splices.of(a.f.mark); splice != at+1 {
		t.Errorf("the splice is %d, with the message at %d in hand", splice, at)
	}
	delete(a.f.renewal.awaited, nobody)
	a.f.unlock()
	a.f.wantRescan()
	if first := late.sequences(ctx, lateRd, 8); first != 5 {
		t.Errorf("who comes late begins with message %d, want 5", first)
	}
	if first := reader.sequences(ctx, rd, 8); first != 1 {
		t.Errorf("who stays begins with message %d", first)
	}
}
