//go:build !race

package ring

// See hand_race_unsafe.go.

func handEnds(*byte)   {}
func handBegins(*byte) {}
