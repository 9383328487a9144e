//go:build !race

package ring

// copyShared copies between a slot and private memory.
func copyShared(dst, src []byte, _ bool) int { return copy(dst, src) }

// beginBody is where a slot's header is written: in the slot. (Built beside it
// and copied, a message of 64 bytes took a fifth longer.)
func beginBody(slot []byte, _ *bodyWords) *bodyWords { return bodyWordsAt(slot) }

// endBody ends the writing of a header.
func endBody([]byte, *bodyWords) {}

// loadBody loads a slot's header, each word once, into registers.
func loadBody(w *bodyWords) (w0, w1, w2, w3, w4, w5, w6 uint64) {
	return w[0], w[1], w[2], w[3], w[4], w[5], w[6]
}

// writeBody writes a slot's header, word by word: an array of words would be put together
// in memory first.
func writeBody(slot *bodyWords, w0, w1, w2, w3, w4, w5, w6 uint64) {
	slot[0], slot[1], slot[2], slot[3] = w0, w1, w2, w3
	slot[4], slot[5], slot[6] = w4, w5, w6
}

// writeKnown writes a header that is known, in pieces of 16 bytes where it can.
func writeKnown(slot *bodyWords, k *known, sequence uint64) {
	*(*[2]uint64)(slot[0:2]) = k.first
	slot[2], slot[3] = k.whose, sequence
	*(*[2]uint64)(slot[4:6]) = k.last
	slot[6] = k.end
}
