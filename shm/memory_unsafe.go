package shm

import (
	"sync/atomic"
	"unsafe"
)

// word64 returns the word at off of b. It panics unless the word lies in b and
// is aligned to 8 bytes: offsets come from the layout or were checked before.
func word64(b []byte, off int) *atomic.Uint64 {
	p := unsafe.Pointer(unsafe.SliceData(b[off : off+8]))
	if uintptr(p)%8 != 0 {
		panic("shm: misaligned 64-bit word")
	}
	return (*atomic.Uint64)(p)
}

// word32 returns the word at off of b. It panics unless the word lies in b and
// is aligned to 4 bytes.
func word32(b []byte, off int) *atomic.Uint32 {
	p := unsafe.Pointer(unsafe.SliceData(b[off : off+4]))
	if uintptr(p)%4 != 0 {
		panic("shm: misaligned 32-bit word")
	}
	return (*atomic.Uint32)(p)
}

// alignedBytes returns size zeroed bytes of the Go heap that begin on a cache line.
func alignedBytes(size int) []byte {
	words := make([]uint64, (size+64)/8+1)
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % 64)
	return b[skip : skip+size : skip+size]
}
