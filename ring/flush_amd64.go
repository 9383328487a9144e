package ring

import "sync/atomic"

// flushable reports whether this processor has CLFLUSHOPT.
var flushable = canFlush()

// canFlush asks the processor.
func canFlush() bool

// flushLines puts n cache lines (n > 0) from the given one on out of all caches. Nothing is
// changed for anybody who loads or stores there, and nothing waits for it.
//
//go:noescape
func flushLines(line *atomic.Uint64, n uint64)
