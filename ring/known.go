package ring

// A known header is that of the last messages, where they are alike but for their
// sequence: of our own, of one length and one kind, without a time. It is written with
// five stores instead of seven, and nothing is put together for it.
//
// A core loads 16 bytes that were stored as two words only when both have left it, behind
// everything stored before. So a header is noted when it comes the second time: where
// each message has another length none is.
type known struct {
	first [2]uint64 // words 0 and 1
	whose uint64    // word 2
	last  [2]uint64 // words 4 and 5
	end   uint64    // word 6
	said  uint64    // the Meta that it was made of
	once  [2]uint64 // word 0 and the Meta of the last message whose header was not known
}

// placeWord is word 0: where the payload lies.
func placeWord(start, length int) uint64 { return uint64(start) | uint64(length)<<32 }

// words is what a Meta says but for its time, source and block.
func (m *Meta) words() uint64 {
	return uint64(m.Kind) | uint64(m.Content)<<8 | uint64(m.Flags)<<16 | uint64(m.Schema)<<32
}

// fits reports whether a message of our own has this header.
func (k *known) fits(where uint64, m *Meta) bool {
	return k.first[0] == where && k.said == m.words() && m.TimestampNs == 0
}

// learn notes the header of a message of our own that was written, if it comes the second time.
func (k *known) learn(where, w5, w6 uint64, m *Meta) {
	said := m.words()
	if k.once[0] != where || k.once[1] != said {
		k.once[0], k.once[1] = where, said
	} else if m.TimestampNs == 0 {
		k.first[0], k.last[1], k.end, k.said = where, w5, w6, said
	}
}

// begin notes whose messages they are.
func (k *known) begin(source [2]uint64) { k.first[1], k.whose = source[0], source[1] }

// stepsAhead is how many slots less one, a power of two, are asked for together, each time that
// the next one begins so many: of small slots several, since the call costs as much as a few of
// their lines.
func (r *Ring) stepsAhead() uint64 {
	steps := uint64(1)
	for lines := r.linesAhead(); lines > 0 && 2*steps*lines <= linesTogether; {
		steps *= 2
	}
	return steps - 1
}

// linesTogether is how many lines are asked for at once where slots are small.
const linesTogether = 8
