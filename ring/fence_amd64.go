package ring

import "sync/atomic"

// claimFence orders the claim before the payload's plain stores. On x86 the
// compare-and-swap that claimed is a full fence.
func claimFence(*atomic.Uint64) {}

// recheckFence orders the plain loads of a copy before the load that checks it.
// On x86 loads stay in order, and the compiler moves none over an atomic.
func recheckFence() {}
