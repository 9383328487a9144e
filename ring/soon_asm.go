//go:build (amd64 || arm64) && !race

package ring

import "sync/atomic"

// soon looks whether the word is v, at most so many times (looks > 0), with a pause
// behind each look that found something else. It loads as an atomic.Load does. The
// loop is in one piece because what lies between the store of another core and our
// use of it is half of a round trip.
//
//go:noescape
func soon(word *atomic.Uint64, v uint64, looks uint32) bool
