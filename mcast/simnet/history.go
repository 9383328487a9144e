package simnet

import (
	"encoding/binary"
	"slices"

	"github.com/ringcast/ringcast/mcast"
)

// runLate lives in a world whose nodes begin to want topics with what was published before.
func runLate(seed uint64) *World {
	soft := seed%2 == 0
	w := NewWorld(chaosOptions(seed, soft), soft)
	w.histories = true
	w.ringHolds = 4000
	d := 1500 * mcast.Millisecond
	if !soft {
		w.ringHolds = uint64([]int{20, 100, 1000}[w.rnd.IntN(3)])
		d = 4 * mcast.Second
	}
	if seed/2%2 == 0 {
		w.forgeAsks()
	}
	w.Live(d)
	return w
}

// joinLate lets a node do without a topic, and then want it with its history.
func (w *World) joinLate() {
	a, b := w.anyone(), w.publisher()
	if a == b || len(b.topics) == 0 || a.late {
		return
	}
	w.Counts.Late++
	name := b.topics[w.rnd.IntN(len(b.topics))].name
	pattern := name
	if w.rnd.IntN(4) == 0 && !w.soft {
		pattern = name[:2] + ".*"
	}
	var rest []string
	for _, x := range w.actors {
		for _, t := range x.topics {
			if covers(a.wants, t.name) && !mcast.Match(pattern, t.name) {
				rest = append(rest, t.name)
			}
		}
	}
	a.late = true
	a.setWants(rest)
	back := []uint32{1, 10, 100, mcast.HistoryAll}[w.rnd.IntN(4)]
	if w.rnd.IntN(3) == 0 {
		w.After(w.upTo(60*ms), func() { w.wantPlainly(a, pattern, name) })
		w.After(60*ms+w.upTo(100*ms), func() { w.askToo(a, pattern, back) })
		return
	}
	w.After(w.upTo(60*ms), func() {
		a.late = false
		if covers(a.wants, name) || slices.Contains(a.wants, ">") {
			return // another list came, and what is read already goes on
		}
		a.histories = append(a.histories, mcast.HistoryWant{Pattern: pattern, Back: back})
		a.setWants(append(slices.Clone(a.wants), pattern))
		for range 2 {
			w.After(w.upTo(30*ms), a.tellAgain) // some of the asks are lost, and come after these
		}
	})
}

// tellAgain makes another list, of the same names.
func (a *Actor) tellAgain() {
	if a.up {
		a.tellWants(a.engine)
		a.after()
	}
}

// wantPlainly lets a node want topics without their history.
func (w *World) wantPlainly(a *Actor, pattern, name string) {
	if !covers(a.wants, name) && !slices.Contains(a.wants, ">") {
		a.setWants(append(slices.Clone(a.wants), pattern))
	}
}

// askToo lets a node ask for the history of topics that it wants already.
func (w *World) askToo(a *Actor, pattern string, back uint32) {
	a.late = false
	asked := slices.ContainsFunc(a.histories, func(h mcast.HistoryWant) bool { return h.Pattern == pattern })
	if asked || !slices.Contains(a.wants, pattern) {
		return // another list came
	}
	w.Counts.Asked++
	a.histories = append(a.histories, mcast.HistoryWant{Pattern: pattern, Back: back})
	a.tellAgain()
}

// tellWants tells the engine what is wanted, histories first.
func (a *Actor) tellWants(e *mcast.Engine) {
	a.histories = slices.DeleteFunc(a.histories, func(h mcast.HistoryWant) bool {
		if slices.Contains(a.wants, h.Pattern) {
			return false
		}
		for k := range a.owed { // nobody asks for it any more
			if mcast.Match(h.Pattern, k.topic) {
				delete(a.owed, k)
			}
		}
		return true
	})
	if err := e.SetHistories(a.clock(), a.histories); err != nil {
		panic(err)
	}
	if err := e.SetWants(a.clock(), a.wants); err != nil {
		panic(err)
	}
	a.stable.version++
}

// history is the engine's reader of this node's rings.
type history struct {
	owner   *Actor
	asker   *Actor
	back    uint64
	since   mcast.HistoryMarks
	topics  []*actorTopic
	streams []*actorStream // of the first topic
	from    []uint64
	end     []uint64
	session uint64
}

// History is the sink's.
func (a *Actor) History(p *mcast.Peer, pattern string, back uint32, since mcast.HistoryMarks) mcast.HistoryReader {
	h := &history{owner: a, back: uint64(back), since: since, session: a.session}
	for _, b := range a.world.actors {
		if b.ID() == p.Node() {
			h.asker = b
		}
	}
	for _, t := range a.topics {
		if mcast.Match(pattern, t.name) {
			h.topics = append(h.topics, t)
		}
	}
	return h
}

// Close is the reader's.
func (h *history) Close() {}

// Next gives topic after topic; of each the messages in an order of no meaning, but for
// that of every producer.
func (h *history) Next(it *mcast.HistoryItem) mcast.HistoryResult {
	a := h.owner
	for len(h.streams) != 0 {
		i := a.rnd.IntN(len(h.streams))
		s := h.streams[i]
		if oldest := h.oldest(s); h.from[i] < oldest {
			a.net.Counts.Lapped += oldest - h.from[i]
			h.from[i] = oldest
		}
		if h.from[i] >= h.end[i] {
			h.streams, h.from, h.end = slices.Delete(h.streams, i, i+1), slices.Delete(h.from, i, i+1), slices.Delete(h.end, i, i+1)
			continue
		}
		if a.rnd.IntN(20) == 0 {
			return mcast.HistoryWait
		}
		seq := h.from[i]
		h.from[i]++
		b := make([]byte, sizeOf(&a.net.Options, s.producer, seq))
		fill(&a.net.Options, b, s.producer, seq)
		if len(b) >= 8 {
			binary.LittleEndian.PutUint64(b, h.session)
		}
		it.Message = mcast.Message{Producer: s.producer, Sequence: seq, Payload: b}
		return mcast.HistoryMessage
	}
	if len(h.topics) == 0 {
		return mcast.HistoryEnd
	}
	h.begin(h.topics[0])
	t := h.topics[0]
	h.topics = h.topics[1:]
	it.Topic, it.Shape = t.name, mcast.TopicShape{SlotCount: t.slot, SlotPayload: 2048, Live: t.live}
	return mcast.HistoryTopic
}

// splice is where a stream stood at a mark of the engine's.
type splice struct{ mark, next uint64 }

// Mark is the sink's: a node's list is counted from now on. What is in hand may be in the lane in part.
func (a *Actor) Mark(mark uint64) {
	for _, s := range a.streams {
		at := splice{mark, s.next}
		if s.tried {
			at.next++
		}
		s.splices = append(s.splices, at)
	}
}

func (s *actorStream) splice(mark uint64) uint64 {
	if mark == 0 {
		return 1
	}
	for i := len(s.splices) - 1; i >= 0; i-- {
		if s.splices[i].mark <= mark {
			return s.splices[i].next
		}
	}
	return s.cursor
}

// oldest is the first sequence that a stream's ring still holds.
func (h *history) oldest(s *actorStream) uint64 {
	return max(s.begin, s.end-min(s.end, h.owner.world.ringHolds)) + 1
}

// begin takes the splice of a topic.
func (h *history) begin(t *actorTopic) {
	h.streams, h.from, h.end = nil, nil, nil
	for _, s := range h.owner.streams {
		if s.topic != t {
			continue
		}
		from, end := h.oldest(s), s.splice(h.since.Of(t.live))
		if end > h.back {
			from = max(from, end-h.back)
		}
		h.streams, h.from, h.end = append(h.streams, s), append(h.from, from), append(h.end, end)
		if from < end && h.asker != nil {
			h.asker.owe(t, s, from)
		}
	}
}

// owe notes what has to come first of a stream that does not go on from before.
func (a *Actor) owe(t *actorTopic, s *actorStream, from uint64) {
	k := expectKey{topic: t.name, producer: s.producer}
	if x := a.accounts[k]; x != nil && (!x.fresh || x.next >= s.next) || !covers(a.wants, t.name) {
		return
	}
	if !slices.ContainsFunc(a.histories, func(h mcast.HistoryWant) bool { return mcast.Match(h.Pattern, t.name) }) {
		return // it was asked for before, and is not any more
	}
	a.owed[k] = from // of the last time it was asked for
}

// checkOwed looks whether a stream begins with its history.
func (a *Actor) checkOwed(topic string, producer mcast.Address, first uint64) {
	k := expectKey{topic: topic, producer: producer}
	from, there := a.owed[k]
	delete(a.owed, k)
	if x := a.accounts[k]; there && a.world.soft && first > max(from, x.next) {
		a.net.violate("history", "node %d: %s %v begins at %d, the ring had %d and on", a.ID(), topic, producer, first, from)
	}
}
