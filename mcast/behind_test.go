package mcast

import (
	"fmt"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// logStation is a node whose ring holds everything, in the order in which two producers published it.
type logStation struct {
	*station
	ring  []Message
	marks []int // by mark: how much of it had been sent, or passed over
	sent  int
}

func (s *logStation) Mark(mark uint64) {
	for uint64(len(s.marks)) <= mark {
		s.marks = append(s.marks, s.sent)
	}
}

func (s *logStation) History(_ *Peer, _ string, back uint32, since HistoryMarks) HistoryReader {
	end := s.marks[since.Gated]
	return &logReader{rows: s.ring[end-min(end, int(back)) : end]}
}

type logReader struct {
	rows  []Message
	begun bool
}

func (r *logReader) Close() {}

func (r *logReader) Next(it *HistoryItem) HistoryResult {
	switch {
	case !r.begun:
		r.begun = true
		it.Topic, it.Shape = "orders.eu", TopicShape{SlotCount: 64}
		return HistoryTopic
	case len(r.rows) != 0:
		it.Message, r.rows = r.rows[0], r.rows[1:]
		return HistoryMessage
	}
	return HistoryEnd
}

const (
	silent = 7 // index of a producer that ends early
	busy   = 8
)

// already is a pair of which b wants the topic of a without a history, and what came.
type already struct {
	now   Time
	a     *logStation
	b     *station
	topic TopicID
	got   map[uint16][]uint64
	drop  func(frame []byte) bool // of what goes to b
}

func newAlready(t *testing.T) *already {
	x := &already{got: map[uint16][]uint64{}, drop: func([]byte) bool { return false }}
	var a *station
	x.now, a, x.b, x.topic = joined(t, nil)
	x.a = &logStation{station: a, marks: []int{0}}
	a.engine.historian = x.a
	x.b.onDeliver = func(m *Message) { x.got[m.Producer.Index] = append(x.got[m.Producer.Index], m.Sequence) }
	return x
}

// write puts messages into a's ring without sending them: nobody wanted them.
func (x *already) write(producer uint16, from, to uint64) {
	for ; from <= to; from++ {
		x.a.ring = append(x.a.ring, Message{Producer: Address{Node: 1, Index: producer}, Sequence: from, Payload: make([]byte, 600)})
	}
	x.a.sent = len(x.a.ring)
}

// publish sends messages.
func (x *already) publish(producer uint16, from, to uint64) {
	for ; from <= to; from++ {
		x.write(producer, from, from)
		x.a.engine.Send(x.now, x.topic, &x.a.ring[len(x.a.ring)-1])
	}
	x.a.engine.Flush(x.now)
}

// want tells b's list, which may be empty, and its histories.
func (x *already) want(list []string, back ...uint32) {
	var histories []HistoryWant
	for _, n := range back {
		histories = append(histories, HistoryWant{"orders.*", n})
	}
	x.b.engine.SetHistories(x.now, histories)
	x.b.engine.SetWants(x.now, list)
}

func (x *already) run(d Duration) {
	for end := x.now + d; x.now < end; x.now += 100 * Microsecond {
		for _, s := range []*station{x.a.station, x.b} {
			queue := s.queue
			s.queue = nil
			for _, p := range queue {
				if s != x.b || !x.drop(p.data) {
					s.engine.Receive(x.now, p.data, p.from, p.multi)
				}
			}
			s.engine.Tick(x.now)
		}
	}
}

func (x *already) check(t *testing.T, lost uint64, want string) {
	t.Helper()
	if got := fmt.Sprint(x.got); got != want || x.b.lost != lost || x.b.engine.CatchingUp() != 0 {
		t.Errorf("got %s, want %s; %d lost, want %d; catching up: %d", got, want, x.b.lost, lost, x.b.engine.CatchingUp())
	}
}

var all = []string{"orders.*"}

// A topic that is read already: its history is that of the producers that have been silent since before.
func TestHistoryOfTheSilent(t *testing.T) {
	x := newAlready(t)
	x.want(nil)
	x.run(50 * Millisecond)
	x.write(silent, 1, 20)
	x.want(all)
	x.run(50 * Millisecond)
	x.publish(busy, 1, 2)
	x.run(50 * Millisecond)
	x.want(all, 5)
	x.run(50 * Millisecond)
	x.publish(busy, 3, 4)
	x.run(50 * Millisecond)
	x.check(t, 0, "map[7:[18 19 20] 8:[1 2 3 4]]")
}

// A producer whose beginning is in a hole of the lane is the lane's, whatever of it the stream has.
func TestHistoryBehindAHole(t *testing.T) {
	x := newAlready(t)
	x.write(silent, 1, 20)
	x.drop = func(b []byte) bool { return wire.TypeOf(b) == wire.TypeData }
	x.publish(busy, 1, 10)
	x.run(5 * Millisecond)
	x.want(all, 12)
	x.run(100 * Millisecond)
	if len(x.got) != 0 {
		t.Errorf("before the hole is filled: %v", x.got)
	}
	x.drop = func([]byte) bool { return false }
	x.run(500 * Millisecond)
	x.check(t, 0, "map[7:[19 20] 8:[1 2 3 4 5 6 7 8 9 10]]")
}

// Of a hole that is given up the stream brings what it has, and the rest is told: a snapshot has said where it began.
func TestHistoryOfAHole(t *testing.T) {
	x := newAlready(t)
	x.drop = func(b []byte) bool { return wire.TypeOf(b) == wire.TypeData }
	x.publish(busy, 1, 10)
	x.run(5 * Millisecond)
	x.want(all, 3)
	x.run(3 * Second)
	x.drop = func([]byte) bool { return false }
	x.publish(busy, 11, 12)
	x.run(500 * Millisecond)
	x.check(t, 7, "map[8:[8 9 10 11 12]]")
}

// A producer that the lane has only named, with the sequence that comes next of it, has a history, too.
func TestHistoryOfTheNamed(t *testing.T) {
	x := newAlready(t)
	x.publish(silent, 1, 1)
	x.run(50 * Millisecond)
	x.want(nil)
	x.run(50 * Millisecond)
	x.publish(silent, 2, 20) // to nobody
	x.want(all)
	x.run(50 * Millisecond)
	x.want(all, 3)
	x.run(50 * Millisecond)
	x.publish(silent, 21, 22)
	x.run(50 * Millisecond)
	x.check(t, 0, "map[7:[1 18 19 20 21 22]]")
}

// Who hears nothing of how far the lane is gives up in the end, and goes on without what was published before.
func TestHistoryWithoutASnapshot(t *testing.T) {
	x := newAlready(t)
	x.write(silent, 1, 20)
	x.drop = func(b []byte) bool { return wire.TypeOf(b) == wire.TypeSetup }
	x.want(all, 5)
	x.run(10 * Millisecond)
	x.publish(busy, 1, 2)
	x.run(reachGiveUp - 20*Millisecond)
	if x.b.engine.CatchingUp() != 1 || len(x.got) != 0 {
		t.Errorf("after less: catching up %d, got %v", x.b.engine.CatchingUp(), x.got)
	}
	x.run(100 * Millisecond)
	x.check(t, 0, "map[8:[1 2]]")
}

// What is not asked for any more, while its rows wait, ends.
func TestHistoryThatIsDropped(t *testing.T) {
	x := newAlready(t)
	x.write(silent, 1, 20)
	x.drop = func(b []byte) bool { return wire.TypeOf(b) == wire.TypeSetup }
	x.want(all, 5)
	x.run(20 * Millisecond)
	x.want(all)
	x.run(20 * Millisecond)
	x.drop = func([]byte) bool { return false }
	x.publish(busy, 1, 2)
	x.run(20 * Millisecond)
	x.check(t, 0, "map[8:[1 2]]")
}

// The same while its topic is full: the chunks that wait are not read when it is free again.
func TestHistoryThatIsDroppedWhileFull(t *testing.T) {
	x := newAlready(t)
	x.want(nil)
	x.run(50 * Millisecond)
	x.write(silent, 1, 50)
	x.b.onDeliver = func(*Message) { x.b.engine.SetTopicFull(x.b.lastPeer, x.b.lastTopic, true) }
	x.want(all, 50)
	x.run(20 * Millisecond)
	if n := x.b.delivered; n == 0 || n == 50 {
		t.Fatalf("%d delivered: want some", n)
	}
	x.b.onDeliver = func(m *Message) { x.got[m.Producer.Index] = append(x.got[m.Producer.Index], m.Sequence) }
	x.b.engine.SetTopicFull(x.b.lastPeer, x.b.lastTopic, false)
	x.want(all)
	x.run(20 * Millisecond)
	x.check(t, 0, "map[]")
}

// A node that is met again in its session: its lane is read on from where it stood, and what was published
// meanwhile is the lane's, though the name was taken up only then.
func TestHistoryOfOneThatIsMetAgain(t *testing.T) {
	x := newAlready(t)
	x.write(silent, 1, 20)
	x.drop = func([]byte) bool { return true }
	x.publish(busy, 1, 10)
	x.run(2500 * Millisecond)
	if len(x.b.downs) != 1 {
		t.Fatalf("it was taken for dead %d times, want 1", len(x.b.downs))
	}
	x.want(all, 3)
	x.drop = func([]byte) bool { return false }
	x.run(Second)
	x.check(t, 0, "map[8:[1 2 3 4 5 6 7 8 9 10]]")
}

// A catch-up that lasts, as its topic is full, does not remember each list that is told meanwhile.
func TestListsOfAHistoryAreBounded(t *testing.T) {
	x := newAlready(t)
	x.want(nil)
	x.run(50 * Millisecond)
	x.write(silent, 1, 50)
	x.b.onDeliver = func(*Message) { x.b.engine.SetTopicFull(x.b.lastPeer, x.b.lastTopic, true) }
	x.want(all, 50)
	x.run(20 * Millisecond)
	for range 3 * listsMost {
		x.want(all, 50)
		x.run(200 * Microsecond)
	}
	c := x.b.lastPeer.catchup
	if c == nil || len(c.lists) > listsMost {
		t.Fatalf("catching up %v, too many lists are remembered", c != nil)
	}
	x.b.onDeliver = func(m *Message) { x.got[m.Producer.Index] = append(x.got[m.Producer.Index], m.Sequence) }
	x.b.engine.SetTopicFull(x.b.lastPeer, x.b.lastTopic, false)
	x.run(50 * Millisecond)
	if n := len(x.got[silent]); n == 0 || x.got[silent][n-1] != 50 || x.b.lost != 0 {
		t.Errorf("%v came, %d told as lost", x.got, x.b.lost)
	}
}
