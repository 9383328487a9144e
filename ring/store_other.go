//go:build (!amd64 && !arm64) || race

package ring

import "sync/atomic"

// storeRelease stores v after everything that was loaded or stored before. In this
// build it is a full fence, which the race detector knows.
func storeRelease(word *atomic.Uint64, v uint64) { word.Store(v) }

// storeBefore is storeRelease of a word that must also be seen before everything
// that is stored after it: on weakly ordered machines an atomic load behind the
// store sees to that.
func storeBefore(word *atomic.Uint64, v uint64) {
	word.Store(v)
	word.Load()
}
