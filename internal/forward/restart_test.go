package forward

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/mcast/wire"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A load is a publisher that goes on until it is told to end.
type load struct {
	producer shm.Address
	cancel   context.CancelFunc
	sent     chan uint64
}

// load publishes some 20,000 messages a second, into a ring that holds six seconds of them: a
// forwarder that comes back later than that has missed messages, as it should.
func (n *testNode) load(topic string) *load {
	n.t.Helper()
	return n.loadShaped(topic, ring.Shape{Slots: 1 << 17, Payload: 64})
}

func (n *testNode) loadShaped(topic string, shape ring.Shape) *load {
	n.t.Helper()
	p, w := n.writer(topic, shape)
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{producer: w.Address(), cancel: cancel, sent: make(chan uint64, 1)}
	go func() {
		count := uint64(0)
		for ctx.Err() == nil {
			for range 20 {
				if p.publish(context.Background(), w, numbered(int(count))) == nil {
					count++
				}
			}
			time.Sleep(time.Millisecond)
		}
		l.sent <- count
		close(l.sent)
	}()
	n.t.Cleanup(func() { cancel(); <-l.sent })
	return l
}

// end returns how many messages were sent.
func (l *load) end() uint64 {
	l.cancel()
	return <-l.sent
}

// restarts stops and starts a forwarder under load and returns the account.
func restarts(t *testing.T, victim func(a, b *testNode) *testNode, again func(n *testNode), change func(*Config)) (*account, uint64) {
	return restartsShaped(t, ring.Shape{Slots: 1 << 17, Payload: 64}, victim, again, change)
}

func restartsShaped(t *testing.T, shape ring.Shape, victim func(a, b *testNode) *testNode, again func(n *testNode), change func(*Config)) (*account, uint64) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(change)
	b.start(change)
	ctx := testContext(t, 30*time.Second)
	reader, rd := b.reader("load")
	a.awaitWanted(ctx, "load")
	l := a.loadShaped("load", shape)
	got := newAccount()
	got.expect(l.producer, 1)
	done := make(chan error, 1)
	last := make(chan uint64, 1)
	go func() { done <- got.followLoad(ctx, reader, rd, l.producer, last) }()
	for range 4 {
		time.Sleep(100 * time.Millisecond)
		again(victim(a, b))
	}
	time.Sleep(100 * time.Millisecond)
	sent := l.end()
	last <- sent
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Logf("sent %d, delivered %d, missed %d in %d events", sent, got.delivered, got.lost, got.events)
	return got, sent
}

// followLoad reads until there is word of a producer's messages up to the last, which is told later.
func (a *account) followLoad(ctx context.Context, p *program, rd *ring.Reader, producer shm.Address, last <-chan uint64) error {
	var m ring.Message
	end := ^uint64(0)
	for a.streams[producer].next <= end {
		select {
		case end = <-last:
			continue
		default:
		}
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		err := p.next(short, rd, &m)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			continue
		}
		if err == nil {
			err = a.take(&m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func restart(n *testNode) {
	n.stop()
	n.start(nil)
}

// TestReceivingForwarderRestarts stops and starts B's forwarder: its place is kept
// on both sides, and nothing is missed.
func TestReceivingForwarderRestarts(t *testing.T) {
	got, sent := restarts(t, func(_, b *testNode) *testNode { return b }, restart, nil)
	if got.delivered != sent {
		t.Errorf("%d of %d delivered", got.delivered, sent)
	}
}

// TestSendingForwarderRestarts stops and starts A's forwarder: what the ring holds
// when it is back is sent, and what it does not is told.
func TestSendingForwarderRestarts(t *testing.T) {
	got, sent := restarts(t, func(a, _ *testNode) *testNode { return a }, restart, nil)
	if got.accounted() != sent || got.lagged != 0 {
		t.Errorf("sent %d, accounted for %d", sent, got.accounted())
	}
}

// overtake tells a forwarder of a greater session, as after its clock was set back.
func overtake(n *testNode) {
	n.f.mu.Lock()
	n.f.stale = n.f.seat.Session()
	n.f.mu.Unlock()
	n.f.conn.Wake()
}

// TestGreaterSessionHoldsPublishers makes the sender take greater sessions while a small ring is full of what it sends: its
// readers stay there, so that publishers wait, and nothing is lost.
func TestGreaterSessionHoldsPublishers(t *testing.T) {
	got, sent := restartsShaped(t, ring.Shape{Slots: 64, Payload: 64, StallBudget: time.Hour}, func(a, _ *testNode) *testNode { return a }, overtake, nil)
	if got.delivered != sent || got.lost != 0 {
		t.Errorf("%d of %d delivered, %d told as lost", got.delivered, sent, got.lost)
	}
}

// TestNewSessionSendsAnew begins sessions of the sender while much is on its way, of which every fifth datagram is lost: what was
// lost of it is sent anew.
func TestNewSessionSendsAnew(t *testing.T) {
	unsettled := 0
	var other *testNode
	got, sent := restarts(t, func(a, b *testNode) *testNode { other = b; return a }, func(n *testNode) {
		other.f.mu.Lock() // it says nothing
		defer other.f.unlock()
		time.Sleep(50 * time.Millisecond)
		n.f.mu.Lock()
		defer n.f.unlock()
		if o := n.f.out["load"]; o != nil {
			unsettled += len(o.unsettled)
		}
		if err := n.f.beginAbove(n.f.seat.Session()); err != nil {
			t.Error(err)
		}
	}, func(c *Config) { c.Net.Fault = udp.FaultConfig{Loss: 0.2, Seed: 5} })
	t.Logf("%d were on their way", unsettled)
	if got.delivered != sent || unsettled == 0 {
		t.Errorf("sent %d, delivered %d, told of %d", sent, got.delivered, got.accounted())
	}
}

// TestGreaterSession makes each side take a greater session, as after a clock was
// set back: nothing comes twice, and nothing is lost.
func TestGreaterSession(t *testing.T) {
	for name, victim := range map[string]func(a, b *testNode) *testNode{
		"sender":   func(a, _ *testNode) *testNode { return a },
		"receiver": func(_, b *testNode) *testNode { return b },
	} {
		t.Run(name, func(t *testing.T) {
			got, sent := restarts(t, victim, overtake, nil)
			if got.delivered != sent {
				t.Errorf("sent %d, delivered %d, told of %d", sent, got.delivered, got.accounted())
			}
		})
	}
}

// TestGreaterSessionWhileParked takes a greater session while messages wait for a
// reader: they are delivered once.
func TestGreaterSessionWhileParked(t *testing.T) {
	_, b, reader, rd, ctx, _ := stoppedReader(t, "parked")
	overtake(b)
	got := newAccount()
	var m ring.Message
	for got.delivered+got.lost < 10_000 {
		err := reader.next(ctx, rd, &m)
		var lagged *ring.LaggedError
		if errors.As(err, &lagged) {
			for _, s := range got.streams {
				s.may = true
			}
			continue
		}
		if err == nil {
			err = got.take(&m)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("delivered %d, missed %d, behind %d", got.delivered, got.lost, got.lagged)
}

// TestPredecessorDiedBeforeItsFirstRow puts a message into B's ring as a forwarder
// would that died between the message and the row: its successor finds it there.
func TestPredecessorDiedBeforeItsFirstRow(t *testing.T) {
	b := newNode(t, "b")
	p, rd := b.reader("row")
	_ = rd
	file := p.open("row", ring.FileOptions{Write: true})
	w, err := file.NewProducer(p.self.Address())
	if err != nil {
		t.Fatal(err)
	}
	source := shm.Address{Node: 77, Epoch: 1, Generation: 1, Index: 3, Handle: 1}
	it := parkItem(0, 41, 10)
	it.meta.Source = source
	if err := w.TryPublish(it.payload, &it.meta); err != nil {
		t.Fatal(err)
	}
	f, err := New(b.config())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.seat.StreamCell(file.ID(), source); err != nil {
		t.Fatal(err)
	}
	last := map[shm.Address]uint64{}
	f.lastInRing("row", func(_ string, producer shm.Address, sequence uint64) { last[producer] = sequence })
	if last[source] != 41 {
		t.Errorf("the ring's last message of %v is %d, want 41", source, last[source])
	}
}

// TestOvertakenAgain tells a forwarder that has begun above greater sessions many times of one more: it
// waits, and raises the alarm.
func TestOvertakenAgain(t *testing.T) {
	n := newNode(t, "a")
	f, err := New(n.config())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.engine.Start(f.now())
	from := netip.MustParseAddrPort("127.0.0.9:9")
	frame := func(typ uint8, body func([]byte) []byte) {
		b := body(wire.Begin(nil, &wire.Header{Type: typ, Domain: domainHash(n.domain), Node: 77, Session: 5, Number: 1}))
		wire.Finish(b)
		f.engine.Receive(f.now(), b, from, false)
	}
	told := func() uint64 {
		hello := wire.Hello{VersionMin: 1, VersionMax: 1}
		frame(wire.TypeHello, hello.AppendTo)
		stale := wire.SessionStale{Seen: f.seat.Session() + 1}
		frame(wire.TypeSessionStale, stale.AppendTo)
		return f.stale
	}
	if told() == 0 {
		t.Error("the first word is not believed")
	}
	for range 8 {
		if err := f.newSession(); err != nil {
			t.Fatal(err)
		}
	}
	alarms := f.counters.duplicateNode.Load()
	if stale := told(); stale != 0 || f.counters.duplicateNode.Load() != alarms+1 {
		t.Errorf("told of session %d, %d alarms", stale, f.counters.duplicateNode.Load()-alarms)
	}
}
