//go:build invariants

package ring

// onAt is called before each access to a shared word that the protocol is made
// of. Tests set it while nobody else uses a ring.
var onAt func(name string)

func at(name string) {
	if onAt != nil {
		onAt(name)
	}
}
