package ring

// Attached reports whether a participant reads this ring: it has an entry that is
// in use. It neither blocks nor makes a system call.
func (r *Ring) Attached(participant uint16) bool {
	for i := range r.used() {
		w := entryWord(r.entries[i].state.Load()) // pairs(entry)
		if w.state() != entryFree && w.state() != entryJoining && w.participant() == participant {
			return true
		}
	}
	return false
}
