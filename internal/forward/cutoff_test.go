package forward

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// cut cuts off all files of a topic; at the end of the test they have their sizes again,
// so that what the test itself has mapped can be closed.
func (n *testNode) cut(topic string) {
	n.t.Helper()
	files, err := filepath.Glob(n.f.topicPath(topic) + ".*")
	if err != nil || len(files) < 2 {
		n.t.Fatalf("files of topic %q: %v, %v", topic, files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			n.t.Fatal(err)
		}
		n.t.Cleanup(func() { _ = os.Truncate(file, info.Size()) })
		if err := os.Truncate(file, 0); err != nil {
			n.t.Fatal(err)
		}
	}
}

// A ring's file is cut off while the forwarder has it mapped: that topic ends here, and
// the forwarder goes on with all others.
func TestCutOffFileCostsItsTopicAlone(t *testing.T) {
	for _, side := range []string{"sender", "receiver"} {
		t.Run(side, func(t *testing.T) {
			a, b, reader, rd, ctx := twoNodes(t, "orders", nil)
			other, otherReader := b.reader("prices")
			a.awaitWanted(ctx, "prices")
			p, w := a.writer("orders", ring.Shape{})
			q, v := a.writer("prices", ring.Shape{})
			var m ring.Message
			if err := p.publish(ctx, w, []byte("before")); err != nil {
				t.Fatal(err)
			}
			if err := reader.next(ctx, rd, &m); err != nil {
				t.Fatal(err)
			}
			n := a
			if side == "receiver" {
				n = b
			}
			n.cut("orders")
			for n.f.counters.damaged.Load() == 0 {
				if ctx.Err() != nil {
					t.Fatal("nobody has noticed")
				}
				if side == "receiver" {
					if err := p.publish(ctx, w, []byte("lost")); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(5 * time.Millisecond)
			}
			for range 100 {
				if err := q.publish(ctx, v, []byte("after")); err != nil {
					t.Fatal(err)
				}
				if err := other.next(ctx, otherReader, &m); err != nil || string(m.Payload) != "after" {
					t.Fatalf("the other topic brings %q, %v", m.Payload, err)
				}
			}
		})
	}
}
