//go:build invariants

package ring

// onAt is called before each access to a shared word that the protocol is made
// of. Tests set it while nobody else uses a ring.
var onAt func(name string)

// OnStep has fn called at each named point of the package: before an access to a
// word or a file that others see. It is for tests that stop or kill whoever is
// there, is set before anything else is used, and is there in the invariants
// build only.
func OnStep(fn func(name string)) { onAt = fn }

func at(name string) {
	if onAt != nil {
		onAt(name)
	}
}
