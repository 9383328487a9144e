package forward

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A history reads what the rings of this node hold, for a node that asked. It holds no
// publisher back: what is overwritten before it was read is left out, and shows in the
// sequences. It is used with Forwarder.mu held.
type history struct {
	f     *Forwarder
	back  uint64
	since mcast.HistoryMarks
	names []string // of topics to come

	// The topic in hand.
	file   *ring.File
	reader *ring.Reader
	end    uint64 // the splice
	m      ring.Message
}

// History is the engine's way to the rings.
func (s *sink) History(peer *mcast.Peer, pattern string, back uint32, since mcast.HistoryMarks) mcast.HistoryReader {
	f := (*Forwarder)(s)
	h := &history{f: f, back: uint64(back), since: since}
	if back == mcast.HistoryAll {
		h.back = 1<<63 - 1
	}
	files, err := os.ReadDir(f.topicPath(""))
	if err != nil {
		f.cfg.Log("list topics: %v", err)
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), ".ctl")
		if ok && !strings.HasPrefix(name, "$") && shm.ValidName(name) == nil && shm.Match(pattern, name) {
			h.names = append(h.names, name)
		}
	}
	f.cfg.Log("node %d asks for what was published before of %q", peer.Node(), pattern)
	return h
}

// Close lets go of the ring in hand.
func (h *history) Close() {
	if h.file == nil {
		return
	}
	reader, file := h.reader, h.file
	h.reader, h.file = nil, nil
	cutOff(func() {
		if reader != nil {
			reader.Close()
		}
		h.f.noteHistory(file.Close())
	})
}

func (f *Forwarder) noteHistory(err error) {
	if err != nil {
		f.cfg.Log("what was published before: %v", err)
	}
}

// Next gives topic after topic.
func (h *history) Next(it *mcast.HistoryItem) (r mcast.HistoryResult) {
	if cutOff(func() { r = h.next(it) }) {
		h.f.counters.damaged.Add(1)
		h.Close()
		return mcast.HistoryWait
	}
	return r
}

func (h *history) next(it *mcast.HistoryItem) mcast.HistoryResult {
	for h.file != nil {
		if r, ok := h.read(it); ok {
			return r
		}
		h.Close()
	}
	for len(h.names) != 0 {
		name := h.names[0]
		o := h.f.out[name]
		if o == nil && h.f.engine.WantedBy(name) != 0 && (h.f.seen == nil || h.f.seen[name] && h.f.failed[name] == "") {
			h.f.wantRescan() // the scan that begins to forward it is due; of what nobody wants none does
			return mcast.HistoryWait
		}
		h.names = h.names[1:]
		if h.open(name, o) {
			it.Topic, it.Shape = name, shapeOf(h.file.Shape())
			return mcast.HistoryTopic
		}
		h.Close()
	}
	return mcast.HistoryEnd
}

// open finds the splice of a topic and begins to read before it. It says false where there is
// nothing.
func (h *history) open(name string, o *outbound) bool {
	file, err := ring.OpenFile(h.f.topicPath(name), h.f.host, ring.FileOptions{})
	if err != nil {
		h.f.noteHistory(err)
		return false
	}
	mark := h.since.Of(file.Shape().Mode == ring.Latest)
	h.file, h.end = file, h.f.spliceClosed(file.ID(), mark, file.Tail())
	if o != nil {
		if o.id != file.ID() {
			return false // replaced: of the new ring everything goes on the lane
		}
		h.end = o.splices.of(mark)
	}
	from, tail, slots := uint64(0), file.Tail(), uint64(file.Shape().Slots)
	if h.end > h.back {
		from = h.end - h.back
	}
	if tail > slots-1 {
		from = max(from, tail-(slots-1))
	}
	return h.join(from)
}

// join begins to read at a position.
func (h *history) join(from uint64) bool {
	if h.reader != nil {
		h.reader.Close()
	}
	reader, err := h.file.Join(ring.JoinOptions{Latest: true, From: from, FromSet: true})
	h.reader = reader
	if err != nil {
		h.f.noteHistory(err)
		return false
	}
	return true
}

// read gives the next message before the splice; false: there is none.
func (h *history) read(it *mcast.HistoryItem) (mcast.HistoryResult, bool) {
	for h.reader != nil && h.reader.Cursor() < h.end {
		err := h.reader.Next(&h.m)
		var lagged *ring.LaggedError
		var damaged *ring.DamagedError
		switch {
		case err == nil && h.m.Position >= h.end:
			return 0, false
		case err == nil && (h.m.Flags&layout.MessageFlagRemote != 0 || h.m.Kind == layout.MessageKindEvent):
		case err == nil:
			toWire(&it.Message, &h.m)
			it.Message.Missed = 0
			return mcast.HistoryMessage, true
		case err == ring.ErrEmpty: // somebody writes before the end
			return mcast.HistoryWait, true
		case errors.As(err, &lagged):
			h.catchUp(lagged)
		case !errors.As(err, &damaged):
			return 0, false
		}
	}
	return 0, false
}

// catchUp goes back to where less was overwritten than the reader left out.
func (h *history) catchUp(lagged *ring.LaggedError) {
	tail, slots := h.file.Tail(), uint64(h.file.Shape().Slots)
	from := lagged.First + 1
	if tail > slots {
		from = max(from, tail-slots+slots/8)
	}
	if from < h.reader.Cursor() && !h.join(from) {
		h.reader = nil
	}
}

// historiesOf lists what is wanted from before, by name.
func historiesOf(backs map[string]uint32) []mcast.HistoryWant {
	var list []mcast.HistoryWant
	for name, back := range backs {
		list = append(list, mcast.HistoryWant{Pattern: name, Back: back})
	}
	slices.SortFunc(list, func(a, b mcast.HistoryWant) int { return strings.Compare(a.Pattern, b.Pattern) })
	return list
}
