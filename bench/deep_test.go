package bench

import "testing"

// TestDeepSlots: a power of two, of a ring of 2 to 4.75 MiB.
func TestDeepSlots(t *testing.T) {
	for size, want := range map[int]int{64: 16384, 256: 8192, 1024: 4096, 2048: 2048, 16 << 10: 256} {
		if n := DeepSlots(size); n != want {
			t.Errorf("%d bytes: %d slots, want %d", size, n, want)
		}
	}
}
