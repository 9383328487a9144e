//go:build amd64 || arm64

package ring

import "sync/atomic"

// fetchOwn asks for n cache lines (n > 0) from the given one on, to be written soon. It
// is a hint: nothing is loaded or stored, and nothing waits for it.
//
//go:noescape
func fetchOwn(line *atomic.Uint64, n uint64)
