package program

import "math/bits"

// A histogram of latencies, the twin of that in bench/limits/work.h. It belongs to one goroutine.
type histogram struct {
	bins           [64 * steps]uint64
	count, longest uint64
}

// steps of the histogram an octave: a figure is at most 1.6 % too low.
const steps = 64

// record counts a latency: octave 0 holds 0 to 63 ns singly.
func (h *histogram) record(ns uint64) {
	octave := max(0, bits.Len64(ns)-6)
	h.bins[octave*steps+int(ns>>max(0, octave-1)%steps)]++
	h.count++
	h.longest = max(h.longest, ns)
}

// quantile is the latency that a share does not exceed.
func (h *histogram) quantile(q float64) uint64 {
	want, seen := uint64(q*float64(h.count)), uint64(0)
	for bin, n := range h.bins {
		if seen += n; seen <= want || n == 0 {
			continue
		}
		octave, step := bin/steps, uint64(bin%steps)
		if octave == 0 {
			return step
		}
		return (steps + step) << (octave - 1)
	}
	return h.longest
}
