//go:build arm64 && !race

package ring

import "sync/atomic"

// storeRelease stores v after everything that was loaded or stored before. Unlike
// an atomic.Store it is no full fence: what was stored before need not have reached
// the other cores yet, so a miss of one message's lines does not hold up the next.
//
//go:noescape
func storeRelease(word *atomic.Uint64, v uint64)

// storeBefore is storeRelease of a word that must also be seen before everything
// that is stored after it.
//
//go:noescape
func storeBefore(word *atomic.Uint64, v uint64)
