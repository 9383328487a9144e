package ring

import "github.com/ringcast/ringcast/codec/layout"

// NextBatch fills ms from the front with the next messages, as many as lie there one
// behind the other, and releases what the call before has filled in. All of them are
// valid until the next call. What is not a plain message in a slot of its own comes
// alone: one that was copied (latest readers, history), that came in pieces, that bears
// an address block, or that is Ringcast's own (kinds from Event on). It neither sleeps
// nor allocates, as Next; ms should have room for a lease, which is 64 messages.
//
// Errors as Next's, and only where there is no message before them.
func (rd *Reader) NextBatch(ms []Message) (int, error) {
	if len(ms) == 0 {
		return 0, nil
	}
	if rd.cursor < rd.swift || rd.proceed() {
		if n := rd.take(ms); n > 0 {
			return n, nil
		}
	}
	if err := rd.next(&ms[0]); err != nil {
		return 0, err
	}
	return 1, nil
}

// take takes the plain messages that are there, below swift and within one lap.
func (rd *Reader) take(ms []Message) int {
	r, c := rd.ring, rd.cursor
	n := min(uint64(len(ms)), rd.swift-c, r.capacity()-c&r.mask)
	taken := r.fill(ms[:n], c, rd.tag)
	if taken > 0 { // otherwise the look that follows counts on
		rd.cursor, rd.polls = c+uint64(taken), 0
	}
	return taken
}

// proceed releases what was read and extends the lease, and reports whether the next
// positions may be read without looking at anything but published.
func (rd *Reader) proceed() bool {
	switch {
	case rd.mode != modeReliable || rd.mine == 0 || rd.end != nil || rd.cursor < rd.replay:
		return false
	case rd.cursor >= rd.lease:
		return rd.extend()
	}
	rd.show()
	return rd.cursor < rd.swift
}

// plain reports whether a slot with these words of its header holds a message in one
// piece, without a block, of a user's kind.
func plain(w5, w6 uint64) bool {
	const mask, whole = layout.MessageFlagBegin | layout.MessageFlagEnd | layout.MessageFlagAddressed, wholeMessage
	return w5>>48&mask == whole && uint8(w6>>32) < layout.MessageKindEvent
}
