package mcast

import (
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// heldTaken stands in receiver.held for a datagram past a hole of which everything
// was handed over: it keeps its place and has no bytes.
const heldTaken = -1

// readyStream is a stream that got on, while datagrams past a hole hold more of it.
type readyStream struct {
	receiver *receiver
	stream   *remoteStream
}

// ahead hands over what a datagram past a hole has of streams that miss nothing. It
// reports whether nothing is left to do with the datagram. Rows, losses and the
// beginning of streams are a matter of the lane's order and stay.
func (e *Engine) ahead(now Time, r *receiver, at uint64, raw []byte) (whole bool) {
	w, total := &e.incoming, len(raw)
	whole = true
	for len(raw) != 0 {
		offset := total - len(raw)
		raw = wire.NextMessage(raw, w)
		s := r.peer.stream(w)
		switch {
		case w.Topic == 0:
			whole = false
		case s == nil:
			r.rowless.wait(r, at)
			whole = false
		case !s.topic.wanted:
			s.wait(r, at) // it may be wanted again before the hole closes; then all of it has to follow
			whole = false
		case !e.aheadMessage(now, r, s, w, at, offset):
			whole = false
		}
	}
	return whole
}

// stream finds the stream of a message; nil for rows, and where its rows are not here.
func (p *Peer) stream(w *wire.Message) *remoteStream {
	if int(w.Producer) >= len(p.streams) {
		return nil
	}
	if s := p.streams[w.Producer]; s != nil && uint32(s.topic.ID) == w.Topic && w.Topic != 0 {
		return s
	}
	return nil
}

// aheadMessage hands over a message past a hole if it is its stream's next. It
// reports whether the message is done with; otherwise the stream waits for it.
func (e *Engine) aheadMessage(now Time, r *receiver, s *remoteStream, w *wire.Message, at uint64, offset int) bool {
	seq, ok := s.widen(w.Sequence)
	switch {
	case ok && seq < s.place.next:
		return true
	case !ok || !s.place.known || seq != s.place.next && !faultAhead:
		s.wait(r, at)
		return false
	}
	const whole = layout.WireMessageFlagBegin | layout.WireMessageFlagEnd
	if w.Flags&whole != whole && !s.parts.has(seq, at, offset) && !e.continues(r, s, w, seq, at) {
		s.wait(r, at)
		return false
	}
	if !e.handOver(now, r, s, w, seq, at, offset) {
		s.wait(r, at)
		return false
	}
	return true
}

// continues says whether a fragment past a hole can be taken now: it is the first,
// or nothing is missing between it and the one taken last, neither in the lane nor of
// what is held: another stream that got on may bring the two together.
func (e *Engine) continues(r *receiver, s *remoteStream, w *wire.Message, seq, at uint64) bool {
	a := s.parts
	switch {
	case w.Flags&layout.WireMessageFlagBegin != 0:
		return true
	case a == nil || a.sequence != seq || a.late:
		return false
	case (r.holeBetween(a.at, at) || r.unreadBetween(s, a.at, at)) && !faultFragments:
		if !s.cut {
			s.cut = true
			r.cuts = append(r.cuts, s)
		}
		return false
	}
	return true
}

// holeBetween says whether a sequence between two others is missing.
func (r *receiver) holeBetween(from, to uint64) bool {
	if from+1 >= to || to > r.highest {
		return from+1 < to
	}
	i, _ := r.gaps.find(from + 1)
	return i < len(r.gaps.list) && r.gaps.list[i].from < to
}

// unreadBetween says whether a datagram between two others is held that may have more
// of a stream.
func (r *receiver) unreadBetween(s *remoteStream, from, to uint64) bool {
	return from+1 < to && (r.unread(s.waits, from, to) || r.unread(r.rowless.waits, from, to))
}

func (r *receiver) unread(waits []uint64, from, to uint64) bool {
	i, _ := slices.BinarySearch(waits, to)
	for i--; i >= 0 && waits[i] > from; i-- {
		if seq := waits[i]; seq >= r.next && r.isHeld(seq) && r.held[seq%r.reach] != heldTaken {
			return true
		}
	}
	return false
}

// wait notes that the datagram at has a message of the stream that cannot be handed
// over yet.
func (s *remoteStream) wait(r *receiver, at uint64) {
	s.blocked = at
	i, found := slices.BinarySearch(s.waits, at)
	if found {
		return
	}
	if len(s.waits) == cap(s.waits) && !s.pulled {
		read, _ := slices.BinarySearch(s.waits, r.next)
		s.waits = s.waits[:copy(s.waits, s.waits[read:])]
		i = max(i-read, 0)
	}
	s.waits = slices.Insert(s.waits, i, at)
}

// waitsKept is how many places a stream keeps memory for when it waits for none.
const waitsKept = 512

// advanced notes that a stream got on: what is held of it may be handed over, once
// what is being read is done with.
func (e *Engine) advanced(r *receiver, s *remoteStream) {
	if len(s.waits) != 0 && !s.pulled && !faultNoPull {
		s.pulled = true
		e.ready = append(e.ready, readyStream{r, s})
	}
}

// rowsCame notes that there is a stream of which something may be held.
func (e *Engine) rowsCame(r *receiver) {
	if s := &r.rowless; len(s.waits) != 0 && !s.pulled {
		s.pulled = true
		e.ready = append(e.ready, readyStream{r, s})
	}
}

// mended looks again at large messages that wait for a hole to close.
func (e *Engine) mended(r *receiver) {
	for _, s := range r.cuts {
		s.cut = false
		e.advanced(r, s)
	}
	r.cuts = r.cuts[:0]
}

// pullReady hands over what is held of the streams that got on.
func (e *Engine) pullReady(now Time) {
	for i := 0; i < len(e.ready); i++ {
		x := e.ready[i]
		if e.byNode[x.receiver.peer.node] == x.receiver.peer {
			e.touch(x.receiver.peer)
			e.pull(now, x.receiver, x.stream)
		}
		x.stream.pulled = false
	}
	clear(e.ready)
	e.ready = e.ready[:0]
}

// pull hands over what is held of a stream, in order, until something is missing.
func (e *Engine) pull(now Time, r *receiver, s *remoteStream) {
	done, _ := slices.BinarySearch(s.waits, r.next)
	left := s.waits[:0]
	for done < len(s.waits) {
		seq := s.waits[done]
		s.blocked = noSequence
		if r.isHeld(seq) && r.held[seq%r.reach] != heldTaken {
			e.aheadHeld(now, r, seq)
		}
		if s.blocked == seq {
			if s != &r.rowless {
				break
			}
			left = append(left, seq) // of another stream
		}
		done++
	}
	s.waits = append(left, s.waits[done:]...)
	if len(s.waits) == 0 && cap(s.waits) > waitsKept {
		s.waits = nil
	}
}

// aheadHeld looks once more at a held datagram; it was checked when it came.
func (e *Engine) aheadHeld(now Time, r *receiver, seq uint64) {
	frame := e.pool.get(r.held[seq%r.reach])
	var d wire.Data
	flags := frame[layout.FrameHeaderFlagsOffset]
	wire.ParseData(frame[wire.HeaderSize:], flags, &d)
	raw, reason := e.unfold(&d, flags)
	if reason == wire.OK && e.ahead(now, r, seq, raw) {
		e.release(r, seq)
		e.mark(r, seq)
	}
}

// mark keeps the place of a datagram past a hole of which nothing is left.
func (e *Engine) mark(r *receiver, seq uint64) {
	if r.held == nil {
		r.held = make([]int32, r.reach)
	}
	r.held[seq%r.reach] = heldTaken
	r.holding++
}
