//go:build amd64 || arm64

package ring

// pause tells the core n times (n > 0) that this is a spin loop. It keeps a
// reader from pulling the next slot's line out of the producer's cache while the
// producer writes it, the largest single effect on throughput.
//
//go:noescape
func pause(n uint32)
