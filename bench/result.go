package bench

import "fmt"

// add puts together what the processes counted, and checks that what was sent is
// what was read.
func (r *Result) add(accounts []account) error {
	var sent, reads uint64
	for _, a := range accounts {
		p := a.Process
		r.Processes = append(r.Processes, p)
		r.Missed += p.Missed
		r.Allocs = max(r.Allocs, p.Allocs)
		switch role(p.Role) {
		case roleReader, roleSleeper, rolePing:
			r.Rate += p.Rate
			reads += p.Total
		case roleProducer, roleCaller:
			sent += p.Total
		}
		if err := r.mergeParts(a.Histograms); err != nil {
			return fmt.Errorf("%s: %w", p.Role, err)
		}
	}
	if err := r.seal(); err != nil {
		return err
	}
	if r.Spec.Scenario != PingPong && r.Spec.Scenario != Idle && r.Missed == 0 && reads != sent*uint64(r.Spec.Readers) {
		return fmt.Errorf("%d messages were sent to %d readers, and %d were read", sent, r.Spec.Readers, reads)
	}
	return nil
}
