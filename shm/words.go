package shm

import "encoding/binary"

// loadWords copies len(dst) bytes that begin at off of src, a multiple of 8,
// each eight of them by one atomic load. The area behind them must reach to a
// multiple of 8. What is copied while somebody writes is torn, but no data race.
func loadWords(dst, src []byte, off int) {
	var last [8]byte
	for i := 0; i < len(dst); i += 8 {
		binary.NativeEndian.PutUint64(last[:], word64(src, off+i).Load())
		copy(dst[i:], last[:])
	}
}

// storeWords copies src to off of dst, a multiple of 8, by atomic stores of
// eight bytes; the last one is filled up with zeros.
func storeWords(dst []byte, off int, src []byte) {
	for i := 0; i < len(src); i += 8 {
		var last [8]byte
		copy(last[:], src[i:])
		word64(dst, off+i).Store(binary.NativeEndian.Uint64(last[:]))
	}
}
