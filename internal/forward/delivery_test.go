package forward

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/codec/fb"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// twoNodes starts two nodes, with a reader of the topic on the second one.
func twoNodes(t *testing.T, topic string, change func(*Config)) (a, b *testNode, reader *program, rd *ring.Reader, ctx context.Context) {
	t.Helper()
	a, b = newNode(t, "a"), newNode(t, "b")
	a.start(change)
	b.start(change)
	ctx = testContext(t, 20*time.Second)
	reader, rd = b.reader(topic)
	a.awaitWanted(ctx, topic)
	return a, b, reader, rd, ctx
}

func lossy(c *Config) {
	c.Net.Fault = udp.FaultConfig{Loss: 0.02, Duplicate: 0.01, Reorder: 0.01, Seed: 11}
}

// buildTable builds a table in a claimed slot and commits it.
func buildTable(t *testing.T, w *ring.Producer, b *flatbuffers.Builder, n int) {
	t.Helper()
	c, err := w.TryClaim(nil)
	if err != nil {
		t.Fatal(err)
	}
	slot := c.Bytes()
	b.Bytes = slot
	b.Reset()
	name := b.CreateString(fmt.Sprintf("order %d", n))
	version := b.CreateString("in place")
	fb.ParticipantInfoStart(b)
	fb.ParticipantInfoAddName(b, name)
	fb.ParticipantInfoAddVersion(b, version)
	b.Finish(fb.ParticipantInfoEnd(b))
	if &b.Bytes[0] != &slot[0] {
		t.Fatal("the builder has left the slot")
	}
	head := int(b.Head())
	if err := c.Commit(head, len(slot)-head, &ring.Meta{Content: 2}); err != nil {
		t.Fatal(err)
	}
}

// mappingOf returns the line of the address's mapping in this process.
func mappingOf(t *testing.T, b []byte) string {
	t.Helper()
	var at, from, to uint64
	if _, err := fmt.Sscanf(fmt.Sprintf("%p", &b[0]), "0x%x", &at); err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if n, _ := fmt.Sscanf(line, "%x-%x", &from, &to); n == 2 && at >= from && at < to {
			return strings.TrimSpace(line)
		}
	}
	t.Fatalf("%#x is in no mapping", at)
	return ""
}

// TestTableIsReadWhereItLies builds FlatBuffers tables in claimed slots of A and
// reads them in B's ring: the bytes lie in the read-only mapping of the topic's
// data, and nothing is allocated.
func TestTableIsReadWhereItLies(t *testing.T) {
	const count = 400
	a, b := newNode(t, "a"), newNode(t, "b")
	b.program().open("tables", ring.FileOptions{}) // who makes a ring has it mapped for writing
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 20*time.Second)
	reader, rd := b.reader("tables")
	a.awaitWanted(ctx, "tables")
	_, w := a.writer("tables", ring.Shape{})
	builder := flatbuffers.NewBuilder(0)
	for i := range count {
		buildTable(t, w, builder, i)
	}
	for b.f.Stats().Map()["forward.delivered"] < count {
		if ctx.Err() != nil {
			t.Fatal("tables do not arrive")
		}
		time.Sleep(time.Millisecond)
	}
	var m ring.Message
	if err := reader.next(ctx, rd, &m); err != nil {
		t.Fatal(err)
	}
	line := mappingOf(t, m.Payload)
	if !strings.Contains(line, "r--s") || !strings.Contains(line, b.base) || !strings.HasSuffix(line, ".dat") {
		t.Errorf("the payload lies in %q: want a read-only mapping of B's data", line)
	}
	var table fb.ParticipantInfo
	read := func() {
		if err := rd.Next(&m); err != nil {
			t.Fatal(err)
		}
		table.Init(m.Payload, flatbuffers.GetUOffsetT(m.Payload))
		name := table.Name()
		if !bytes.HasPrefix(name, []byte("order ")) || &name[0] != &m.Payload[len(m.Payload)-cap(name)] || string(table.Version()) != "in place" {
			t.Fatalf("table reads %q, %q", name, table.Version())
		}
	}
	if n := testing.AllocsPerRun(count-10, read); n != 0 {
		t.Errorf("%v allocations to read a table", n)
	}
}

// TestLargeMessagesCross sends messages of several MB, in fragments of slots and
// of datagrams, with losses; empty ones and small ones between them.
func TestLargeMessagesCross(t *testing.T) {
	a, _, reader, rd, ctx := twoNodes(t, "large", lossy)
	writer, w := a.writer("large", ring.Shape{Slots: 1024, Payload: 16384, History: 100})
	unit := 1 << 20
	if testing.Short() { // the race detector copies slowly, and a claim has its deadline
		unit = 1 << 16
	}
	large := make([]byte, 7*unit)
	for i := range large {
		large[i] = byte(i * 7 >> 3)
	}
	sizes := []int{3 * unit, 0, 1, 7 * unit, 16384, 16385, 0, 5*unit + 3, 2}
	background(t, ctx, func(ctx context.Context) {
		for _, n := range sizes {
			if err := writer.publish(ctx, w, large[:n]); err != nil {
				t.Errorf("publish %d bytes: %v", n, err)
				return
			}
		}
	})
	var m ring.Message
	for i, n := range sizes {
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatalf("message %d of %d bytes: %v", i, n, err)
		}
		if !bytes.Equal(m.Payload, large[:n]) || m.Sequence != uint64(i+1) {
			t.Fatalf("message %d: %d bytes, sequence %d; want %d bytes as sent", i, len(m.Payload), m.Sequence, n)
		}
	}
	if shape := rd.Ring().Shape(); shape.Payload != 16384 || shape.History != 100 {
		t.Errorf("ring on the other node is %v with history %d", shape, shape.History)
	}
}

// TestPatternIsForwarded subscribes by a pattern on B and publishes two topics on A.
func TestPatternIsForwarded(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 10*time.Second)
	b.program(shm.Interest{Name: "sensor.*", Pattern: true})
	a.awaitWanted(ctx, "sensor.one")
	for _, topic := range []string{"sensor.one", "sensor.two", "other.one"} {
		writer, w := a.writer(topic, ring.Shape{})
		writer.publishN(ctx, w, 50)
	}
	for b.f.Stats().Map()["forward.delivered"] < 100 {
		if ctx.Err() != nil {
			t.Fatalf("%d messages arrive, want 100", b.f.Stats().Map()["forward.delivered"])
		}
		time.Sleep(time.Millisecond)
	}
	a.awaitOut(ctx, "sensor.one", "sensor.two")
	for _, topic := range []string{"sensor.one", "sensor.two"} {
		p := b.program()
		rd, err := p.open(topic, ring.FileOptions{}).Join(ring.JoinOptions{FromSet: true})
		if err != nil {
			t.Fatal(err)
		}
		var m ring.Message
		for i := range 50 {
			if err := p.next(ctx, rd, &m); err != nil || string(m.Payload) != string(numbered(i)) {
				t.Fatalf("topic %q, message %d: %q, %v", topic, i, m.Payload, err)
			}
		}
		rd.Close()
	}
}

// TestNothingGoesRound has three nodes that all publish and subscribe one topic:
// each reader gets each message once, and each forwarder sends only what its own
// node published.
func TestNothingGoesRound(t *testing.T) {
	const count = 2000
	nodes := []*testNode{newNode(t, "a"), newNode(t, "b"), newNode(t, "c")}
	ctx := testContext(t, 20*time.Second)
	var readers []*program
	var rds []*ring.Reader
	for _, n := range nodes {
		n.start(nil)
		p, rd := n.reader("round")
		readers, rds = append(readers, p), append(rds, rd)
	}
	for _, n := range nodes {
		n.awaitWantedBy(ctx, "round", 2)
	}
	var producers []shm.Address
	for _, n := range nodes {
		writer, w := n.writer("round", ring.Shape{})
		producers = append(producers, w.Address())
		background(t, ctx, func(ctx context.Context) {
			for i := range count {
				if err := writer.publish(ctx, w, numbered(i)); err != nil {
					t.Errorf("publish: %v", err)
					return
				}
				if i%20 == 19 {
					time.Sleep(time.Millisecond)
				}
			}
		})
	}
	var all sync.WaitGroup
	for i := range nodes {
		all.Go(func() {
			got := newAccount()
			for _, p := range producers {
				got.expect(p, 1)
			}
			for _, p := range producers {
				if err := got.follow(ctx, readers[i], rds[i], p, count); err != nil {
					t.Errorf("node %d: %v", i, err)
					return
				}
			}
			if got.delivered != 3*count || got.lost != 0 {
				t.Errorf("node %d: %d delivered, %d lost; want %d", i, got.delivered, got.lost, 3*count)
			}
		})
	}
	all.Wait()
	time.Sleep(50 * time.Millisecond)
	for i, n := range nodes {
		stats := n.f.Stats().Map()
		const own = 50 // what forwarders tell each other of their nodes, at most
		if lanes := stats["mcast.messages_sent"]; stats["forward.sent"] != count || lanes < count || lanes > count+own || stats["mcast.data_sent"] > count+own {
			t.Errorf("node %d: %d messages given to the network, %d in its lanes, %d datagrams; want %d messages", i,
				stats["forward.sent"], stats["mcast.messages_sent"], stats["mcast.data_sent"], count)
		}
		if stats["forward.delivered"] != 2*count {
			t.Errorf("node %d: %d messages put into rings, want %d", i, stats["forward.delivered"], 2*count)
		}
	}
}

// awaitWantedBy returns once so many nodes are known to want the topic.
func (n *testNode) awaitWantedBy(ctx context.Context, topic string, want int) {
	n.t.Helper()
	for {
		n.f.mu.Lock()
		have := n.f.engine.WantedBy(topic)
		n.f.mu.Unlock()
		if have == want {
			return
		}
		if ctx.Err() != nil {
			n.t.Fatalf("%q is wanted by %d nodes, want %d", topic, have, want)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestOtherShapeOnB writes B's ring in a small shape before A publishes in a large
// one: what fits arrives, what does not is told as lost.
func TestOtherShapeOnB(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 10*time.Second)
	local, own := b.writer("shape", ring.Shape{Slots: 64, Payload: 64}) // at most 2048 bytes a message
	local.publishN(ctx, own, 1)
	reader, rd := b.reader("shape")
	a.awaitWanted(ctx, "shape")
	writer, w := a.writer("shape", ring.Shape{Slots: 64, Payload: 4096})
	for i := range 30 {
		size := 100
		if i%3 == 1 {
			size = 3000
		}
		if err := writer.publish(ctx, w, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	got := newAccount()
	got.expect(w.Address(), 1)
	if err := got.follow(ctx, reader, rd, w.Address(), 30); err != nil {
		t.Fatal(err)
	}
	if got.delivered != 20 || got.lost != 10 {
		t.Errorf("%d delivered, %d lost; want 20 and 10", got.delivered, got.lost)
	}
}
