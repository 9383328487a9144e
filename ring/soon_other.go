//go:build (!amd64 && !arm64) || race

package ring

import "sync/atomic"

// soon looks whether the word is v, at most so many times (looks > 0), with a pause
// behind each look that found something else.
func soon(word *atomic.Uint64, v uint64, looks uint32) bool {
	for range looks {
		if word.Load() == v {
			return true
		}
		pause(pauseShort)
	}
	return false
}
