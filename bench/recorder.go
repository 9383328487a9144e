package bench

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// mostIntervals bounds the histograms of a process that notes latencies over time.
const mostIntervals = 120

// A recorder counts latencies, each in the histogram of the interval in which it
// ended. All of them are made beforehand: recording allocates nothing, and what an
// interval costs is paid after the run. It belongs to one goroutine.
type recorder struct {
	every time.Duration // length of an interval; 0: there is one
	parts []*hdrhistogram.Histogram
}

// newRecorder makes one for so long a measurement.
func newRecorder(every, duration time.Duration) *recorder {
	r := &recorder{every: every, parts: make([]*hdrhistogram.Histogram, 1)}
	if every > 0 {
		r.parts = make([]*hdrhistogram.Histogram, duration/every+1)
	}
	for i := range r.parts {
		r.parts[i] = newHistogram()
		r.parts[i].Reset() // touches its pages, which would else cost the first latencies of each interval
	}
	return r
}

// record counts a latency that ended so long after the measurement began.
func (r *recorder) record(at, took time.Duration) {
	i := 0
	if r.every > 0 {
		i = min(max(int(at/r.every), 0), len(r.parts)-1)
	}
	record(r.parts[i], took)
}

// encoded are the histograms as text, in their compressed form.
func (r *recorder) encoded() ([]string, error) {
	list := make([]string, len(r.parts))
	for i, h := range r.parts {
		text, err := encode(h)
		if err != nil {
			return nil, err
		}
		list[i] = text
	}
	return list, nil
}

// encode writes a histogram in HdrHistogram's compressed form, base64.
func encode(h *hdrhistogram.Histogram) (string, error) {
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode a histogram: %w", err)
	}
	return string(text), nil
}

// decode is the inverse of encode.
func decode(text string) (*hdrhistogram.Histogram, error) {
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("decode a histogram of %d characters: %w", len(text), err)
	}
	return h, nil
}
