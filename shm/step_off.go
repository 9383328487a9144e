//go:build !invariants

package shm

// step names an instant for tests that stop or kill whoever is there. Only the
// invariants build has it.
func step(string) {}
