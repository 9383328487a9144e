package simnet

import "testing"

// Frames that nobody sent cost time, but no node stays outside for good.
func TestForgedFrames(t *testing.T) {
	for seed := uint64(1); seed <= uint64(few(*forgeFlag, 1)); seed++ {
		if err := runForged(seed).Err(); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}
