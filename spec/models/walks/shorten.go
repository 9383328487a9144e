// Package walks is what the models that are walked at random share: how a walk that broke something
// is made short. It knows nothing of what they are models of.
package walks

// Shorten leaves actions out, many at a time and then one by one, as long as what is left is
// still broken, and returns what is needed. It asks about n log n times a round, until a round
// leaves nothing out, and changes neither the actions nor what broken was given.
func Shorten[A any](actions []A, broken func([]A) bool) []A {
	for changed := true; changed; {
		changed = false
		for n := max(len(actions)/2, 1); n >= 1; n /= 2 {
			for i := 0; i+n <= len(actions); {
				shorter := append(append([]A{}, actions[:i]...), actions[i+n:]...)
				if broken(shorter) {
					actions, changed = shorter, true
				} else {
					i++
				}
			}
		}
	}
	return actions
}
