package ringcast

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A watching is a loop of Watch, an event at a time.
type watching struct {
	t    *testing.T
	next func() (PresenceEvent, error, bool)
}

func watch(t *testing.T, b *Bus, cfg *WatchConfig) *watching {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	next, stop := iter.Pull2(b.Watch(ctx, cfg))
	t.Cleanup(func() { stop(); cancel() })
	return &watching{t, next}
}

// want takes the next events, which must read so, but for their addresses.
func (w *watching) want(lines ...string) (last PresenceEvent) {
	w.t.Helper()
	for _, line := range lines {
		e, err, ok := w.next()
		if err != nil || !ok {
			w.t.Fatalf("want %q, the loop ended: %v", line, err)
		}
		last = e
		e.Address = shm.Address{}
		want := line + ", " + e.Address.String()
		if e.Reason != 0 {
			want += " (" + e.Reason.String() + ")"
		}
		if e.String() != want {
			w.t.Fatalf("event %q, want %q", e, want)
		}
	}
	return last
}

func presenceBus(t *testing.T, dir, name string) *Bus {
	t.Helper()
	b, err := Open(t.Context(), &Config{Dir: dir, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// TestWatchTellsEachChangeOnce follows a participant that comes, publishes, subscribes
// and leaves.
func TestWatchTellsEachChangeOnce(t *testing.T) {
	dir := t.TempDir()
	a := presenceBus(t, dir, "a")
	old, err := a.Subscribe("orders.>", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := watch(t, a, &WatchConfig{Name: "orders.eu"})
	if e := w.want("up participant a", "up subscriber orders.> of a"); !e.First || e.Address != a.self.Address() {
		t.Errorf("event %+v: want it to be of the first state, of %v", e, a.self.Address())
	}
	b := presenceBus(t, dir, "b")
	if e := w.want("up participant b"); e.First || e.Reason != 0 || e.Version != Version {
		t.Errorf("event %+v: want a change", e)
	}
	pub, err := b.Publisher("orders.eu", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.want("up publisher orders.eu of b")
	if _, err := b.Publisher("orders.us", nil); err != nil { // not asked for
		t.Fatal(err)
	}
	if _, err := b.Subscribe("*.eu", nil); err != nil {
		t.Fatal(err)
	}
	w.want("up subscriber *.eu of b")
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	if e := w.want("down publisher orders.eu of b"); e.Reason != ReasonLeft {
		t.Errorf("reason %v, want that it left", e.Reason)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	// Closing takes the interest back first: it may be seen by itself.
	if e := w.want("down subscriber *.eu of b", "down participant b"); e.Reason != ReasonLeft {
		t.Errorf("reason %v, want that it left", e.Reason)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	w.want("down subscriber orders.> of a")
}

// TestWatchTellsOfTheKilled kills a publisher: its topic and it are down because it died.
func TestWatchTellsOfTheKilled(t *testing.T) {
	dir := t.TempDir()
	a := presenceBus(t, dir, "a")
	w := watch(t, a, &WatchConfig{Kinds: []PresenceKind{PresencePublisher}})
	child := startChild(t, dir, filepath.Join(dir, "sent"), "x", 1<<40)
	e := w.want("up publisher numbers of " + programName())
	began := time.Now()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	down, err, ok := w.next()
	took := time.Since(began)
	if !ok || err != nil || down.Up || down.Reason != ReasonDied || down.Address != e.Address {
		t.Fatalf("event %v, %v: want that %v has died", down, err, e.Address)
	}
	if took > 10*50*time.Millisecond {
		t.Errorf("told after %v, want 50 ms, ten times that at most", took)
	}
	t.Logf("told %v after the kill", took)
}

// TestWatchTellsOfTheKilledWhomAnotherRecovered kills a publisher of which the watch learns only when
// somebody else has recovered it, or its index is another's already: it has died all the same.
func TestWatchTellsOfTheKilledWhomAnotherRecovered(t *testing.T) {
	for _, again := range []bool{false, true} {
		dir := t.TempDir()
		a, third := presenceBus(t, dir, "a"), presenceBus(t, dir, "third")
		w := deafWatch(t, a)
		look := func() []PresenceEvent {
			t.Helper()
			now, err := w.look()
			if err != nil {
				t.Fatal(err)
			}
			return w.changes(now)
		}
		child := startChild(t, dir, filepath.Join(dir, "sent"), "x", 1<<40)
		var dead PresenceEvent
		for dead.Kind != PresencePublisher {
			for _, e := range look() {
				if e.Kind == PresencePublisher {
					dead = e
				}
			}
		}
		_ = child.Process.Kill()
		_ = child.Wait()
		if _, err := ring.Sweep(third.domain); err != nil {
			t.Fatal(err)
		}
		if again {
			if next := presenceBus(t, dir, "next").self.Address(); next.Index != dead.Address.Index {
				t.Fatalf("the next one is %v, want the index of %v", next, dead.Address)
			}
		}
		told := 0
		for _, e := range look() {
			if e.Up {
				continue
			}
			if told++; e.Address != dead.Address || e.Reason != ReasonDied {
				t.Errorf("index given away again %v: %v, want that %v has died", again, e, dead.Address)
			}
		}
		if told != 2 {
			t.Errorf("%d ends were told, want those of the publisher and its process", told)
		}
	}
}

// deafWatch is a watch of which nobody hears bells: it knows what its looks see.
func deafWatch(t *testing.T, b *Bus) *presenceWatch {
	t.Helper()
	w, err := b.newPresenceWatch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w.stop()
	<-w.ended
	w.ended = nil
	t.Cleanup(w.close)
	return w
}

// TestWatchOtherNodes plays this node's forwarder: a node comes, wants, and goes; then
// the forwarder does.
func TestWatchOtherNodes(t *testing.T) {
	dir := t.TempDir()
	a, f := presenceBus(t, dir, "a"), presenceBus(t, dir, "forwarder")
	seat, err := f.domain.ClaimForwarder(f.self)
	if err != nil {
		t.Fatal(err)
	}
	write := func(nodes ...table.NodeInfo) {
		t.Helper()
		if err := seat.WriteDirectory(table.AppendDirectory(nil, &table.Directory{Nodes: nodes})); err != nil {
			t.Fatal(err)
		}
	}
	w := watch(t, a, &WatchConfig{Kinds: []PresenceKind{PresenceNode, PresenceSubscriber}})
	seven := table.NodeInfo{Node: 7, Epoch: 0x1f03, Name: "seven", Known: true, Wants: []string{"orders.>"}, Participants: []table.RemoteParticipant{{Index: 3, Generation: 1, Partial: true}}}
	write(seven)
	if e := w.want("up node seven", "up subscriber orders.> of seven"); e.Address.Node != 7 || e.Address.Epoch != 0x1f03 {
		t.Errorf("address %v of a subscriber on node 7", e.Address)
	}
	seven.Wants = nil
	write(seven)
	if e := w.want("down subscriber orders.> of seven"); e.Reason != ReasonLeft {
		t.Errorf("reason %v, want that it was taken back", e.Reason)
	}
	write(table.NodeInfo{Node: 8, Epoch: 1, Name: "eight"})
	if e := w.want("down node seven"); e.Reason != ReasonNodeDown {
		t.Errorf("reason %v, want that the node is down", e.Reason)
	}
	w.want("up node eight")
	if err := seat.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if e := w.want("down node eight"); e.Reason != ReasonNoForwarder {
		t.Errorf("reason %v, want that no forwarder is there", e.Reason)
	}
}

// TestWatchEnds ends loops by their context, by the bus, and by themselves.
func TestWatchEnds(t *testing.T) {
	b := presenceBus(t, t.TempDir(), "b")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for e, err := range b.Watch(ctx, nil) {
		if last = err; err == nil && e.Kind == PresenceParticipant {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the loop ended with %v, want the context's error", last)
	}
	for range b.Watch(t.Context(), nil) {
		break
	}
	events := 0
	for e, err := range b.Watch(t.Context(), &WatchConfig{Once: true}) {
		if events++; err != nil || !e.First {
			t.Errorf("the present state has %v, %v", e, err)
		}
	}
	if events != 1 {
		t.Errorf("%d events of the present state, want this participant alone", events)
	}
	for _, err := range b.Watch(t.Context(), nil) {
		if err != nil {
			t.Errorf("a loop whose bus is closed ended with %v, want no error", err)
			break
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range b.Watch(t.Context(), nil) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("a loop on a closed bus: %v", err)
		}
	}
	for _, cfg := range []WatchConfig{{Name: "a..b"}, {Kinds: []PresenceKind{77}}} {
		for _, err := range b.Watch(t.Context(), &cfg) {
			if err == nil {
				t.Errorf("%+v was taken", cfg)
			}
		}
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.c", false}, {"a.b", "a", false}, {"a.*", "a.b", true}, {"a.*", "*.b", true},
		{"a.*", "*.b.c", false}, {"a.>", "a", false}, {"a.>", "a.b.c", true}, {"a.>", "*.*.c", true}, {">", "a", true},
		{">", "$a", false}, {"$a.>", "$a.b", true}, {"*", "*.*", false}, {"x.>", "a.>", false}, {"a.*.c", "a.b.>", true},
	} {
		if overlap(c.a, c.b) != c.want || overlap(c.b, c.a) != c.want {
			t.Errorf("overlap(%q, %q) = %v, %v; want %v", c.a, c.b, overlap(c.a, c.b), overlap(c.b, c.a), c.want)
		}
	}
}
