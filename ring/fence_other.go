//go:build !amd64

package ring

import "sync/atomic"

// claimFence orders the claim, or the store of an exclusive ring's tail, before the
// payload's plain stores: Go has no fence, and neither a compare-and-swap nor an
// atomic store keeps later plain stores behind itself on arm64, but a load-acquire
// of the same word does.
func claimFence(w *atomic.Uint64) { w.Load() }

// recheckFence orders the plain loads of a copy before the load that checks it:
// a read-modify-write of a word of one's own is a full fence.
func recheckFence() {
	var private atomic.Uint64
	private.Add(1)
}
