//go:build !amd64 || race

package ring

// put writes the slot of position t, the last that is begun up to next, and
// publishes it.
func (r *Ring) put(t, next uint64, head *bodyWords, payload []byte) {
	r.putInSteps(t, next, head, payload)
}
