package forward

import (
	"context"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// publishOn publishes a message every millisecond until the test ends.
func publishOn(t *testing.T, ctx context.Context, p *program, w *ring.Producer) {
	background(t, ctx, func(ctx context.Context) {
		for ctx.Err() == nil {
			_ = p.publish(ctx, w, []byte("any"))
			time.Sleep(time.Millisecond)
		}
	})
}

// goes is what the directory says of a topic that goes to one node alone, 0: to all.
func goes(topic string, alone uint32) func(*shm.Directory) bool {
	return func(x *shm.Directory) bool {
		return len(x.Forwarded) == 1 && x.Forwarded[0] == table.ForwardedTopic{Name: topic, Alone: alone}
	}
}

// TestWhereATopicGoes: the directory of the node says to which node alone a topic goes, or that it goes to all,
// and forgets one that nobody wants any more.
func TestWhereATopicGoes(t *testing.T) {
	a, b, c := newNode(t, "a"), newNode(t, "b"), newNode(t, "c")
	for _, n := range []*testNode{a, b, c} {
		n.start(nil)
	}
	ctx := testContext(t, 30*time.Second)
	first, _ := b.reader("orders")
	a.awaitWanted(ctx, "orders")
	writer, w := a.writer("orders", ring.Shape{})
	publishOn(t, ctx, writer, w)
	seen, node := a.look(), b.f.node()
	await(t, ctx, seen, "a topic that b alone wants", goes("orders", node))
	before := a.f.Stats().Map() // none where it began there, b having been the only node that was known
	if before["forward.alone"] != 1 {
		t.Errorf("%d topics go to one node alone", before["forward.alone"])
	}
	second, _ := c.reader("orders")
	await(t, ctx, seen, "a topic that two want", goes("orders", 0))
	if m := a.f.Stats().Map(); m["forward.alone"] != 0 || m["forward.moves"] <= before["forward.moves"] {
		t.Errorf("%d topics go to one node alone, after %d moves and %d", m["forward.alone"], before["forward.moves"], m["forward.moves"])
	}
	for _, p := range []*program{first, second} {
		if err := p.self.SetInfo(shm.Info{Name: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, ctx, seen, "a topic that nobody wants", func(x *shm.Directory) bool { return len(x.Forwarded) == 0 })
}

// TestNoDirected: a node that does not want lanes of its own neither gets any nor sends on them.
func TestNoDirected(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(func(c *Config) { c.NoDirected = true })
	b.start(nil)
	ctx := testContext(t, 30*time.Second)
	for _, pair := range [][2]*testNode{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		topic := "from-" + from.base[len(from.base)-1:]
		reader, rd := to.reader(topic)
		from.awaitWanted(ctx, topic)
		writer, w := from.writer(topic, ring.Shape{})
		publishOn(t, ctx, writer, w)
		var m ring.Message
		for range 1200 { // for longer than a node wants a topic alone before it goes there
			if err := reader.next(ctx, rd, &m); err != nil {
				t.Fatal(err)
			}
		}
		await(t, ctx, from.look(), "a topic that goes to all", goes(topic, 0))
		if sent := from.f.Stats().Map()["mcast.directed_sent"]; sent != 0 {
			t.Errorf("%s: %d datagrams went to one node alone", topic, sent)
		}
	}
}
