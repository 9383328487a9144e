package forward

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// TestWhoIsSeenIsHeard publishes as soon as the directory says that another node wants the topic, on a node of which the
// scans take long: the first message comes, topic after topic.
func TestWhoIsSeenIsHeard(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	for i := range 100 { // a scan reads what each says of itself
		a.program(shm.Interest{Name: fmt.Sprint("other.", i)})
	}
	ctx, seen := testContext(t, 30*time.Second), a.look()
	var m ring.Message
	for i := range 20 {
		topic := fmt.Sprint("first.", i)
		publisher, w := a.writer(topic, ring.Shape{Slots: 64, Payload: 64})
		reader, rd := b.reader(topic)
		await(t, ctx, seen, "who wants it", func(x *shm.Directory) bool { return wantedThere(x, topic) })
		if err := publisher.publish(ctx, w, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatalf("%s: its first message: %v", topic, err)
		}
		if m.Sequence != 1 {
			t.Errorf("%s: message %d comes first, want 1", topic, m.Sequence)
		}
	}
}

// TestWantsAreSaidOnceHeeded: the directory says what a node wants behind the scan that enters the rings, and what it has let
// go of no more, even where it wants it again before another scan.
func TestWantsAreSaidOnceHeeded(t *testing.T) {
	f, err := New(newNode(t, "a").config())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	peer := new(mcast.Peer)
	f.peers[peer] = nil
	said := func(when string, want ...string) {
		t.Helper()
		if d := f.known(); len(d.Nodes) != 1 || !slices.Equal(d.Nodes[0].Wants, want) {
			t.Errorf("%s: the nodes are %+v, want one that wants %q", when, d.Nodes, want)
		}
	}
	wants := func(patterns ...string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		(*sink)(f).Wants(peer, patterns)
	}
	wants("a", "b.*")
	said("before the scan")
	if !f.scan() {
		t.Fatal("the scan has to be made again")
	}
	said("behind it", "a", "b.*")
	wants("b.*", "c")
	said("before the second scan", "b.*")
	wants("a", "b.*", "c")
	said("when it wants that again", "b.*")
	f.scan()
	said("behind the second scan", "a", "b.*", "c")
	f.mu.Lock()
	(*sink)(f).PeerDown(peer, mcast.DownBye)
	f.mu.Unlock()
	if len(f.heeded) != 0 {
		t.Errorf("of nodes that are gone is known %v", f.heeded)
	}
}
