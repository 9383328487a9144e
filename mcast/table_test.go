package mcast

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// wideTable is a pair of which a sends of so many topics that a snapshot of them has two parts or more, the producers in the
// last ones.
type wideTable struct {
	now    Time
	a, b   *station
	topics []TopicID
	parts  func(parts [][]byte) [][]byte // what comes to b of the parts of a snapshot, and in which order
	drop   func(frame []byte) bool       // of what else goes to b
}

func newWideTable(t *testing.T) *wideTable {
	w := &wideTable{parts: func(p [][]byte) [][]byte { return p }, drop: func([]byte) bool { return false }}
	w.now, w.a, w.b, _ = joined(t, func(c *Config) { c.MTU = MTUMin })
	for i := range 12 {
		topic, err := w.a.engine.Topic(fmt.Sprintf("orders.number-%d-of-the-table", i), TopicShape{SlotCount: 64})
		if err != nil {
			t.Fatal(err)
		}
		w.topics = append(w.topics, topic)
	}
	return w
}

// send sends a message of a topic, each in a datagram of its own.
func (w *wideTable) send(topic int, sequence uint64) {
	m := message(sequence, []byte("x"))
	m.Producer = Address{Node: 1, Index: uint16(topic)}
	w.a.engine.Send(w.now, w.topics[topic], m)
	w.a.engine.Flush(w.now)
}

func (w *wideTable) run(d Duration) {
	for end := w.now + d; w.now < end; w.now += 100 * Microsecond {
		for _, s := range []*station{w.a, w.b} {
			queue := s.queue
			s.queue = nil
			var setups [][]byte
			for _, p := range queue {
				switch {
				case s == w.b && wire.TypeOf(p.data) == wire.TypeSetup:
					setups = append(setups, p.data)
				case s != w.b || !w.drop(p.data):
					s.engine.Receive(w.now, p.data, p.from, p.multi)
				}
			}
			if len(setups) != 0 {
				for _, b := range w.parts(setups) {
					s.engine.Receive(w.now, b, w.a.address, false)
				}
			}
			s.engine.Tick(w.now)
		}
	}
}

// Parts of a snapshot come in any order: producers before the topics that they are of, too. What a successor has not got
// of one that is silent since is told.
func TestPartsInAnyOrder(t *testing.T) {
	w := newWideTable(t)
	for i := range w.topics {
		w.send(i, 1)
	}
	w.run(10 * Millisecond)
	for i := range w.topics {
		w.send(i, 2)
	}
	w.run(10 * Millisecond)
	if w.b.delivered != 2*len(w.topics) {
		t.Fatalf("%d delivered", w.b.delivered)
	}
	c := newStation(t, 2, 23, func(c *Config) { c.MTU = MTUMin })
	for i := range w.topics {
		c.engine.ResumeStream(1, fmt.Sprintf("orders.number-%d-of-the-table", i), Address{Node: 1, Index: uint16(i)}, 1)
	}
	c.others, w.a.others, w.b = []*station{w.a}, []*station{c}, c
	if err := c.engine.SetWants(w.now, []string{"orders.*"}); err != nil {
		t.Fatal(err)
	}
	most := 0
	w.parts = func(p [][]byte) [][]byte {
		most = max(most, len(p))
		slices.Reverse(p)
		return p
	}
	c.engine.Start(w.now)
	w.run(500 * Millisecond)
	if most < 2 || c.lost != uint64(len(w.topics)) {
		t.Errorf("%d parts, %d told as lost, want %d", most, c.lost, len(w.topics))
	}
}

// Parts of two snapshots make one. What was lost at the end of a producer is told when the lane is read as far as it was
// in the later one, if the producer is of that.
func TestPartsOfTwoSnapshots(t *testing.T) {
	w := newWideTable(t)
	for i := range w.topics {
		w.send(i, 1)
	}
	w.run(10 * Millisecond)
	last := len(w.topics) - 1
	data := func(b []byte) bool { return wire.TypeOf(b) == wire.TypeData }
	w.drop = data
	w.send(last, 2) // never comes
	w.run(1500 * Millisecond)
	snapshots := 0
	w.parts = func(p [][]byte) [][]byte {
		if snapshots++; snapshots == 1 {
			w.send(0, 2) // comes late
			return p[:len(p)-1]
		}
		return p[len(p)-1:]
	}
	w.run(Second)
	if snapshots < 2 || w.b.lost != 0 {
		t.Fatalf("%d snapshots, %d told as lost", snapshots, w.b.lost)
	}
	w.drop = func([]byte) bool { return false }
	w.run(Second)
	if w.b.lost != 1 || w.b.delivered != len(w.topics)+1 {
		t.Errorf("%d told as lost, want 1; %d delivered", w.b.lost, w.b.delivered)
	}
}
