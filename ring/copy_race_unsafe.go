//go:build race

package ring

import (
	"sync/atomic"
	"unsafe"

	"github.com/ringcast/ringcast/codec/layout"
)

// copyShared copies between a slot and private memory word by word with atomic
// accesses, so that the race detector sees what a latest reader does: it copies
// bytes that may change, and throws the copy away if they did. Only this build
// pays for it; in others it is the plain copy, whose order the surrounding
// atomics and fences give (spec/ring.md, Orders, step 9).
func copyShared(dst, src []byte, dstShared bool) int {
	n := min(len(dst), len(src))
	for i := 0; i < n; {
		shared := &src[i]
		if dstShared {
			shared = &dst[i]
		}
		at := uintptr(unsafe.Pointer(shared)) % 4
		word := (*uint32)(unsafe.Pointer(uintptr(unsafe.Pointer(shared)) - at))
		run := min(4-int(at), n-i)
		if dstShared {
			mergeWord(word, int(at), src[i:i+run])
		} else {
			v := (*atomic.Uint32)(unsafe.Pointer(word)).Load()
			copy(dst[i:i+run], (*[4]byte)(unsafe.Pointer(&v))[at:])
		}
		i += run
	}
	return n
}

// mergeWord puts bytes into a shared word. The caller owns the slot, so a load
// and a store suffice.
func mergeWord(word *uint32, at int, src []byte) {
	a := (*atomic.Uint32)(unsafe.Pointer(word))
	v := a.Load()
	copy((*[4]byte)(unsafe.Pointer(&v))[at:], src)
	a.Store(v)
}

// beginBody is where a slot's header is written: in private memory.
func beginBody(_ []byte, private *bodyWords) *bodyWords { return private }

// endBody copies it into the slot, as all that others may copy meanwhile.
func endBody(slot []byte, w *bodyWords) {
	copyShared(slot[bodyOffset:layout.SlotHeaderSize], wordBytes(w), true)
}

// writeBody writes a slot's header.
func writeBody(slot *bodyWords, w0, w1, w2, w3, w4, w5, w6 uint64) {
	copyShared(wordBytes(slot), wordBytes(&bodyWords{w0, w1, w2, w3, w4, w5, w6}), true)
}

// writeKnown writes a header that is known.
func writeKnown(slot *bodyWords, k *known, sequence uint64) {
	writeBody(slot, k.first[0], k.first[1], k.whose, sequence, k.last[0], k.last[1], k.end)
}

// loadBody loads a slot's header, each word once.
func loadBody(shared *bodyWords) (w0, w1, w2, w3, w4, w5, w6 uint64) {
	var w bodyWords
	copyShared(wordBytes(&w), wordBytes(shared), false)
	return w[0], w[1], w[2], w[3], w[4], w[5], w[6]
}

// wordBytes views bodyWords as bytes.
func wordBytes(w *bodyWords) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(w)), int(unsafe.Sizeof(*w)))
}
