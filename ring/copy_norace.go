//go:build !race

package ring

// copyShared copies between a slot and private memory.
func copyShared(dst, src []byte, _ bool) int { return copy(dst, src) }
