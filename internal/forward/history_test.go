package forward

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// lateReader subscribes to a topic from so many positions back.
func (n *testNode) lateReader(topic string, back uint32) (*program, *ring.Reader) {
	n.t.Helper()
	p := n.program()
	p.topic = topic
	rd, err := p.open(topic, ring.FileOptions{}).Join(ring.JoinOptions{History: uint64(back)})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(rd.Close)
	info := shm.Info{Name: "late", Interests: []shm.Interest{{Name: topic, History: back}}}
	if err := p.self.SetInfo(info); err != nil {
		n.t.Fatal(err)
	}
	return p, rd
}

// sequences reads messages until one has the last sequence, and returns the first; each has
// to follow the one before.
func (p *program) sequences(ctx context.Context, rd *ring.Reader, last uint64) (first uint64) {
	p.t.Helper()
	var m ring.Message
	for next := uint64(0); next <= last; next++ {
		if err := p.next(ctx, rd, &m); err != nil {
			p.t.Fatalf("message %d: %v", next, err)
		}
		if m.Kind == layout.MessageKindEvent {
			p.t.Fatalf("an event in the place of message %d: %x", next, m.Payload)
		}
		if first == 0 {
			first, next = m.Sequence, m.Sequence
		}
		if m.Sequence != next {
			p.t.Fatalf("message %d, %d is next", m.Sequence, next)
		}
	}
	return first
}

// What was published before a subscription on another node comes first, as far back as it
// asks, then what is published from then on: while messages flow and datagrams are lost.
func TestHistoryOfAnotherNode(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(lossy)
	b.start(lossy)
	ctx := testContext(t, 60*time.Second)
	writer, w := a.writer("orders", ring.Shape{})
	writer.publishN(ctx, w, 500)
	reader, rd := b.lateReader("orders", 10)
	background(t, ctx, func(ctx context.Context) {
		for i := range 2000 {
			if writer.publish(ctx, w, numbered(i)) != nil {
				return
			}
			if i%50 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	})
	if first := reader.sequences(ctx, rd, 2500); first < 491 {
		t.Errorf("the first message is %d: want ten before the splice, or fewer", first)
	} else {
		t.Logf("the first message is %d", first)
	}
}

// A node that comes later gets all that a ring holds, of a publisher that has gone.
func TestHistoryOfOneThatHasGone(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	ctx := testContext(t, 60*time.Second)
	writer, w := a.writer("orders", ring.Shape{Slots: 256})
	writer.publishN(ctx, w, 200)
	if err := writer.self.SetInfo(shm.Info{Name: "test"}); err != nil {
		t.Fatal(err)
	}
	reader, rd := b.lateReader("orders", math.MaxUint32)
	b.start(nil)
	if first := reader.sequences(ctx, rd, 200); first != 1 {
		t.Errorf("the first message is %d: want 1", first)
	}
	if a.f.Stats().Map()["mcast.histories_served"] == 0 {
		t.Fatal("nothing was served by unicast")
	}
	// Who subscribes now reads what this node's ring has, and nobody asks again.
	second, rd2 := b.lateReader("orders", 5)
	if first := second.sequences(ctx, rd2, 200); first != 196 {
		t.Errorf("the first message of the second reader is %d: want 196", first)
	}
}

// A ring that goes round while its history is read gives what it still has, and tells the rest.
func TestHistoryThatIsOverwritten(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 60*time.Second)
	writer, w := a.writer("orders", ring.Shape{Slots: 64})
	writer.publishN(ctx, w, 1000)
	reader, rd := b.lateReader("orders", math.MaxUint32)
	if first := reader.sequences(ctx, rd, 1000); first < 937 || first > 945 {
		t.Errorf("the first message is %d: the ring had 63 or 64", first)
	}
}

// A subscription with a history to a topic that its node reads already gets what another node has of a publisher that
// has been silent since before that, and of one that is read what the ring has here, once.
func TestHistoryOfWhatIsReadAlready(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(lossy)
	b.start(lossy)
	ctx := testContext(t, 60*time.Second)
	silent, w := a.writer("state", ring.Shape{})
	silent.publishN(ctx, w, 20)
	plain, rd := b.reader("state")
	a.awaitOut(ctx, "state") // at the tail
	busy, w2 := a.writer("state", ring.Shape{})
	busy.publishN(ctx, w2, 5)
	plain.sequences(ctx, rd, 5)
	late, rd2 := b.lateReader("state", 8) // 3 of the one, 5 of the other
	one, other := silent.self.Address().Index, busy.self.Address().Index
	next := map[uint16]uint64{one: 18, other: 1}
	var m ring.Message
	for next[one] <= 20 || next[other] <= 5 {
		if err := late.next(ctx, rd2, &m); err != nil {
			t.Fatalf("%v: next are %v", err, next)
		}
		if m.Kind == layout.MessageKindEvent || m.Sequence != next[m.Producer.Index] {
			t.Fatalf("message %d of %v, kind %v: next are %v", m.Sequence, m.Producer, m.Kind, next)
		}
		next[m.Producer.Index]++
	}
}

// What is published here and wanted by nobody no scan begins to forward: a history of it waits for none, and has what is there.
func TestHistoryOfWhatNobodyWants(t *testing.T) {
	n := newNode(t, "a")
	f, err := New(n.config())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := n.program()
	w, err := p.open("orders", ring.FileOptions{Write: true, Shape: ring.Shape{Slots: 64}}).NewProducer(p.self.Address())
	if err != nil {
		t.Fatal(err)
	}
	p.publishN(testContext(t, 10*time.Second), w, 3)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = map[string]bool{"orders": true} // as the last scan found it
	f.rescan.Store(false)
	h := (*sink)(f).History(&mcast.Peer{}, "orders", mcast.HistoryAll, mcast.HistoryMarks{Gated: 1, Live: 1})
	defer h.Close()
	var got []mcast.HistoryResult
	var it mcast.HistoryItem
	for len(got) < 6 {
		got = append(got, h.Next(&it))
		if r := got[len(got)-1]; r == mcast.HistoryWait || r == mcast.HistoryEnd {
			break
		}
	}
	want := []mcast.HistoryResult{mcast.HistoryTopic, mcast.HistoryMessage, mcast.HistoryMessage, mcast.HistoryMessage, mcast.HistoryEnd}
	if !slices.Equal(got, want) || f.rescan.Load() {
		t.Errorf("results %v, want %v; a scan is asked for: %v", got, want, f.rescan.Load())
	}
}
