//go:build !amd64

package ring

import "sync/atomic"

// flushable reports whether lines can be flushed here, and whether that was ever measured.
const flushable = false

// flushLines would put cache lines out of all caches.
func flushLines(*atomic.Uint64, uint64) {}
