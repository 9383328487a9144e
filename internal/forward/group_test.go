package forward

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A groupReader is a program with a member of the group "workers" of a topic, and
// how often it was given each sequence, as a message or as lost.
type groupReader struct {
	*program
	member *ring.Member
	taken  map[uint64]int
	lost   map[uint64]int
}

func (n *testNode) groupReader(topic string) *groupReader {
	n.t.Helper()
	p := n.program(shm.Interest{Name: topic})
	p.topic = topic
	member, err := p.open(topic, ring.FileOptions{}).JoinGroup("workers", ring.GroupOptions{Self: p.self.Address()})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(member.Close)
	return &groupReader{program: p, member: member, taken: map[uint64]int{}, lost: map[uint64]int{}}
}

// look takes some of what is there, and leaves the rest to the others.
func (g *groupReader) look() error {
	for range 8 {
		var m ring.Message
		err := g.member.Next(&m)
		switch {
		case err == ring.ErrEmpty:
			return nil
		case err == ring.ErrRetired:
			if err := g.member.Follow(g.open(g.topic, ring.FileOptions{})); err != nil {
				return err
			}
			g.t.Cleanup(g.member.Close) // before that ring
		case err != nil:
			return err
		case m.Kind == layout.MessageKindEvent:
			first := binary.LittleEndian.Uint64(m.Payload[layout.EventRecordFirstOffset:])
			last := binary.LittleEndian.Uint64(m.Payload[layout.EventRecordLastOffset:])
			for n := first; n <= last; n++ {
				g.lost[n]++
			}
		default:
			g.taken[m.Sequence]++
		}
	}
	return nil
}

// readGroup lets the members of one node read until so many sequences have come,
// and checks that each came to one of them, once.
func readGroup(t *testing.T, ctx context.Context, members []*groupReader, count int) (taken, lost map[uint64]int) {
	t.Helper()
	for {
		taken, lost = map[uint64]int{}, map[uint64]int{}
		for _, g := range members {
			if err := g.look(); err != nil {
				t.Fatal(err)
			}
			for n, times := range g.taken {
				taken[n] += times
			}
			for n, times := range g.lost {
				lost[n] += times
			}
		}
		if len(taken)+len(lost) >= count {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%d taken and %d told as lost of %d", len(taken), len(lost), count)
		}
		time.Sleep(100 * time.Microsecond)
	}
	for n := uint64(1); n <= uint64(count); n++ {
		if taken[n]+lost[n] != 1 {
			t.Errorf("message %d was taken %d times and told as lost %d times", n, taken[n], lost[n])
		}
	}
	return taken, lost
}

// TestGroupOnEachNode: a group is its node's. The members on the publisher's node get
// each message once, and so do those of the same group on the other.
func TestGroupOnEachNode(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(lossy)
	ctx := testContext(t, 20*time.Second)
	here := []*groupReader{a.groupReader("jobs"), a.groupReader("jobs")}
	there := []*groupReader{b.groupReader("jobs"), b.groupReader("jobs")}
	a.awaitWanted(ctx, "jobs")
	writer, w := a.writer("jobs", ring.Shape{})
	const count = 500
	for i := range count {
		if err := writer.publish(ctx, w, numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
	for name, members := range map[string][]*groupReader{"a": here, "b": there} {
		taken, lost := readGroup(t, ctx, members, count)
		if len(taken) != count || len(lost) != 0 {
			t.Errorf("node %s: %d taken, %d lost, of %d", name, len(taken), len(lost), count)
		}
		if len(members[0].taken) == 0 || len(members[1].taken) == 0 {
			t.Errorf("node %s: a member got nothing", name)
		}
	}
}

// TestLargeMessageForAGroup: the publisher's node has no group, so a message may take
// several slots; the group of the other node can't take it, is told, and what comes
// behind it is not held up.
func TestLargeMessageForAGroup(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, 10*time.Second)
	members := []*groupReader{b.groupReader("jobs"), b.groupReader("jobs")}
	a.awaitWanted(ctx, "jobs")
	writer, w := a.writer("jobs", ring.Shape{})
	const count = 60
	for i := range count {
		size := 100
		if i%3 == 1 {
			size = 5000
		}
		if err := writer.publish(ctx, w, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	taken, lost := readGroup(t, ctx, members, count)
	if len(taken) != count*2/3 || len(lost) != count/3 {
		t.Errorf("%d taken and %d told as lost, want %d and %d", len(taken), len(lost), count*2/3, count/3)
	}
}
