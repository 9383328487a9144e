//go:build amd64 && !race

package ring

import (
	"sync/atomic"
	"unsafe"
)

// On x86 every store is a release, and stores stay in order. So they do in what the
// compiler makes: it moves no access to memory over a store, nor any over an atomic load,
// and leaves out a store only where another to the same word follows with no access between.

// storeRelease stores v after everything that was loaded or stored before. Unlike
// an atomic.Store it is no full fence: what was stored before need not have reached
// the other cores yet, so a miss of one message's lines does not hold up the next. It
// is no call either: pushed arguments are stores, too, and a core keeps 64 of them at most.
func storeRelease(word *atomic.Uint64, v uint64) { *(*uint64)(unsafe.Pointer(word)) = v }

// storeBefore is storeRelease of a word that must also be seen before everything
// that is stored after it.
func storeBefore(word *atomic.Uint64, v uint64) {
	*(*uint64)(unsafe.Pointer(word)) = v
	word.Load() // keeps this store, whatever is stored there next
}
