//go:build !amd64 || race

package ringcast

import "sync/atomic"

// storePlain stores v: here an atomic store is cheap enough, or has to be seen by the
// race detector.
func storePlain(word *atomic.Int32, v int32) { word.Store(v) }
