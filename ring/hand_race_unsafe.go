//go:build race

package ring

import (
	"runtime"
	"unsafe"
)

// The race detector sees no order through mapped memory. That a hand's memory is used
// again only after the hand was ended is told to it here.

func handEnds(memory *byte)   { runtime.RaceReleaseMerge(unsafe.Pointer(memory)) }
func handBegins(memory *byte) { runtime.RaceAcquire(unsafe.Pointer(memory)) }
