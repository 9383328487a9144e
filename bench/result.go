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
		switch one := role(p.Role); {
		case one.counts():
			r.Rate += p.Rate
			reads += p.Total
		case one == roleProducer || one == roleCaller:
			sent += p.Total
		}
		if err := r.mergeParts(a.Histograms); err != nil {
			return fmt.Errorf("%s: %w", p.Role, err)
		}
	}
	if err := r.seal(); err != nil {
		return err
	}
	if s := r.Spec.Scenario; (s == Stream || s == Wake) && r.Missed == 0 && reads != sent*uint64(r.Spec.Readers) {
		return fmt.Errorf("%d messages were sent to %d readers, and %d were read", sent, r.Spec.Readers, reads)
	}
	return nil
}
