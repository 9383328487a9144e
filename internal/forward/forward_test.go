package forward

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A testNode is a node on loopback: a directory of its own and, once started, a
// forwarder.
type testNode struct {
	t      *testing.T
	base   string
	domain string
	cancel context.CancelFunc
	done   chan error
	f      *Forwarder
}

// newNode makes a node's directory. Nodes of one test share a domain, and so
// group and port, that no other test has.
func newNode(t *testing.T, name string) *testNode {
	t.Helper()
	base, err := os.MkdirTemp("/dev/shm", "ringcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", t.Name(), os.Getpid())
	return &testNode{t: t, base: filepath.Join(base, name), domain: fmt.Sprintf("test-%08x", h.Sum32())}
}

func (n *testNode) config() Config {
	return Config{
		Domain: shm.Config{Base: n.base, Domain: n.domain},
		Net:    udp.Config{Interface: "lo"},
		Log:    func(format string, args ...any) { n.t.Logf(filepath.Base(n.base)+": "+format, args...) },
	}
}

// start runs a forwarder until the test ends or stop.
func (n *testNode) start(change func(*Config)) {
	n.t.Helper()
	cfg := n.config()
	if change != nil {
		change(&cfg)
	}
	f, err := New(cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.f, n.cancel, n.done = f, cancel, make(chan error, 1)
	go func() { n.done <- f.Run(ctx) }()
	n.t.Cleanup(n.stop)
}

// stop ends the forwarder, which says BYE.
func (n *testNode) stop() {
	if n.f == nil {
		return
	}
	n.cancel()
	if err := <-n.done; err != nil {
		n.t.Errorf("forwarder: %v", err)
	}
	if err := n.f.Close(); err != nil {
		n.t.Errorf("forwarder close: %v", err)
	}
	n.f = nil
}

// A program is one participant of a node.
type program struct {
	t      *testing.T
	domain *shm.Domain
	self   *shm.Participant
	waiter *ring.Waiter
	topic  string // of its reader
}

func (n *testNode) program(interests ...shm.Interest) *program {
	n.t.Helper()
	d, err := shm.OpenDomain(&shm.Config{Base: n.base, Domain: n.domain})
	if err != nil {
		n.t.Fatal(err)
	}
	self, err := d.Join(shm.Info{Name: "test", Interests: interests})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = self.Close(); _ = d.Close() })
	return &program{t: n.t, domain: d, self: self, waiter: ring.NewWaiter(self.Doorbell(), ring.Block)}
}

func (p *program) open(topic string, o ring.FileOptions) *ring.File {
	p.t.Helper()
	f, err := ring.OpenFile(filepath.Join(p.domain.Dir(), "topics", topic), ring.NewHost(p.self), o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = f.Close() })
	return f
}

// reader subscribes to a topic.
func (n *testNode) reader(topic string) (*program, *ring.Reader) {
	p := n.program(shm.Interest{Name: topic})
	p.topic = topic
	rd, err := p.open(topic, ring.FileOptions{}).Join(ring.JoinOptions{})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(rd.Close)
	return p, rd
}

// writer publishes a topic.
func (n *testNode) writer(topic string, s ring.Shape) (*program, *ring.Producer) {
	p := n.program()
	w, err := p.open(topic, ring.FileOptions{Write: true, Shape: s}).NewProducer(p.self.Address())
	if err != nil {
		n.t.Fatal(err)
	}
	if err := p.self.SetInfo(shm.Info{Name: "test", Interests: []shm.Interest{{Name: topic, Publisher: true}}}); err != nil {
		n.t.Fatal(err)
	}
	if !p.domain.AwaitForwarder(context.Background(), 5*time.Second) {
		n.t.Fatal("the forwarder takes no notice of a publisher")
	}
	return p, w
}

// publish sends one message and waits for room where it must.
func (p *program) publish(ctx context.Context, w *ring.Producer, payload []byte) error {
	for {
		err := w.TryPublish(payload, &ring.Meta{})
		if err == ring.ErrFenced && ctx.Err() == nil {
			continue
		}
		if err != ring.ErrFull {
			return err
		}
		if err := p.waiter.AwaitRoom(ctx, w, 1); err != nil {
			return err
		}
	}
}

// next waits for a message, in the ring that took the place of the reader's, too.
func (p *program) next(ctx context.Context, rd *ring.Reader, m *ring.Message) error {
	for {
		err := rd.Next(m)
		if err == ring.ErrRetired {
			if err := rd.Follow(p.open(p.topic, ring.FileOptions{}).Ring); err != nil {
				return err
			}
			p.t.Cleanup(rd.Close) // before that ring
			continue
		}
		if err != ring.ErrEmpty {
			return err
		}
		if err := p.waiter.Await(ctx, []*ring.Reader{rd}); err != nil {
			return err
		}
	}
}

// awaitWanted returns once the node knows that another one wants the topic.
func (n *testNode) awaitWanted(ctx context.Context, topic string) {
	n.t.Helper()
	for ctx.Err() == nil {
		n.f.mu.Lock()
		wanted := n.f.engine.WantedBy(topic)
		n.f.mu.Unlock()
		if wanted > 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	n.t.Fatalf("node does not learn that %q is wanted", topic)
}

func testContext(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestStreamCrossesTwoNodes publishes on one node and reads on the other, with
// datagrams lost, doubled and reordered on arrival: every message, once, in order.
func TestStreamCrossesTwoNodes(t *testing.T) {
	count := 50_000
	if testing.Short() {
		count = 10_000
	}
	a, b := newNode(t, "a"), newNode(t, "b")
	lossy := func(c *Config) {
		c.Net.Fault = udp.FaultConfig{Loss: 0.02, Duplicate: 0.01, Reorder: 0.01, Seed: 7}
	}
	a.start(lossy)
	b.start(lossy)
	ctx := testContext(t, 30*time.Second)
	reader, rd := b.reader("orders")
	a.awaitWanted(ctx, "orders")
	writer, w := a.writer("orders", ring.Shape{})
	background(t, ctx, func(ctx context.Context) {
		for i := range count {
			if err := writer.publish(ctx, w, numbered(i)); err != nil {
				t.Errorf("publish %d: %v", i, err)
				return
			}
		}
	})
	var m ring.Message
	for i := range count {
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if string(m.Payload) != string(numbered(i)) || m.Sequence != uint64(i+1) {
			t.Fatalf("message %d: got %q, sequence %d", i, m.Payload, m.Sequence)
		}
		if m.Flags&layout.MessageFlagRemote == 0 || m.Producer != w.Address() {
			t.Fatalf("message %d: flags %#x, producer %v: want REMOTE from %v", i, m.Flags, m.Producer, w.Address())
		}
	}
	stats := b.f.Stats().Map()
	t.Logf("dropped %d, NAKs %d, holes %d", stats["udp.fault.rx.dropped"], stats["mcast.nak_sent"], stats["mcast.holes"])
	if stats["mcast.holes"] == 0 || stats["mcast.nak_sent"] == 0 {
		t.Error("nothing was lost, so nothing was shown")
	}
}

// background runs fn beside the test, which ends it with ctx before anything is unmapped.
func background(t *testing.T, ctx context.Context, fn func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// numbered is a message of varying length that says its number.
func numbered(i int) []byte {
	return fmt.Appendf(nil, "%d:%*s", i, i%300, "")
}

// TestUnwantedTopicStaysHome checks that a topic without a remote subscriber is
// never sent.
func TestUnwantedTopicStaysHome(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 10*time.Second)
	b.reader("other")
	a.awaitWanted(ctx, "other")
	writer, w := a.writer("orders", ring.Shape{})
	for i := range 100 {
		if err := writer.publish(ctx, w, numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(50 * time.Millisecond)
	if sent := a.f.Stats().Map()["forward.sent"]; sent != 0 {
		t.Errorf("%d messages of a topic that nobody wants were sent", sent)
	}
}

// TestOneForwarderANode checks that a second one is refused.
func TestOneForwarderANode(t *testing.T) {
	a := newNode(t, "a")
	a.start(nil)
	f, err := New(a.config())
	if !errors.Is(err, shm.ErrForwarderRunning) {
		t.Errorf("second forwarder: %v, %v; want ErrForwarderRunning", f, err)
	}
}
