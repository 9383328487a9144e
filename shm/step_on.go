//go:build invariants

package shm

// onStep is called at each named point; see OnStep.
var onStep func(name string)

// OnStep has fn called at each named point of the package: before an access to a
// word or a file that others see. It is for tests that stop or kill whoever is
// there, is set before anything else is used, and is there in the invariants
// build only.
func OnStep(fn func(name string)) { onStep = fn }

func step(name string) {
	if onStep != nil {
		onStep(name)
	}
}
