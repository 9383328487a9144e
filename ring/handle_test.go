package ring

import "testing"

// TestHandleIsNotGivenTwice opens publishers in rings that take each other's place:
// no number comes again, so no source begins its sequences anew.
func TestHandleIsNotGivenTwice(t *testing.T) {
	seen := map[uint16]bool{}
	for range 3 {
		s := newScene(t, small(Shared), 2)
		for _, participant := range []int{0, 1, 0} {
			h := s.producer(participant).Address().Handle
			if seen[h] || h == 0 {
				t.Errorf("handle %d was given before", h)
			}
			seen[h] = true
		}
	}
}
