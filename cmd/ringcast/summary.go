//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A summary is what pub and sub say at their end; with --json as one object.
type summary struct {
	Topic       string       `json:"topic"`
	Messages    uint64       `json:"messages"`
	Bytes       uint64       `json:"bytes"`
	Seconds     float64      `json:"seconds"`
	Rate        float64      `json:"rate"`
	Lagged      uint64       `json:"lagged"`              // positions that passed by: too slow
	Lost        uint64       `json:"lost"`                // messages that the network lost
	Gaps        uint64       `json:"gaps"`                // sequences that did not come, exactly
	Abandoned   uint64       `json:"abandoned,omitempty"` // messages that dead members of the group had in hand
	Events      uint64       `json:"events"`              // events of any kind
	SHA256      string       `json:"sha256,omitempty"`    // of the canonical form
	BehindNs    int64        `json:"behind_ns,omitempty"`
	Latency     *percentiles `json:"latency_ns,omitempty"`
	CPUSeconds  float64      `json:"cpu_seconds"`
	Interrupted bool         `json:"interrupted,omitempty"`
}

// finish fills in what the tallies say.
func (s *summary) finish(t *tally) {
	s.Messages, s.Bytes = t.messages.Load(), t.bytes.Load()
	s.Seconds = t.elapsed().Seconds()
	if s.Seconds > 0 {
		s.Rate = float64(s.Messages) / s.Seconds
	}
	s.CPUSeconds = cpuTime().Seconds()
}

// print writes the summary as one JSON object or as text.
func (s *summary) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(s)
	}
	var b strings.Builder
	b.WriteString(counted(s.Messages, "message") + ", " + counted(s.Bytes, "byte"))
	if s.Messages > 1 {
		fmt.Fprintf(&b, " in %.3f s: %.0f messages/s, %.1f MB/s", s.Seconds, s.Rate, float64(s.Bytes)/1e6/max(s.Seconds, 1e-9))
	}
	b.WriteString("\n")
	if s.Lagged+s.Lost+s.Gaps > 0 {
		fmt.Fprintf(&b, "missed: %d positions lagged, %d messages lost, %d sequences did not come\n", s.Lagged, s.Lost, s.Gaps)
	}
	if s.Abandoned > 0 {
		fmt.Fprintf(&b, "abandoned: %d messages were in the hand of members that died\n", s.Abandoned)
	}
	if l := s.Latency; l != nil {
		fmt.Fprintf(&b, "latency: p50 %v, p90 %v, p99 %v, p99.9 %v, max %v\n", time.Duration(l.P50),
			time.Duration(l.P90), time.Duration(l.P99), time.Duration(l.P999), time.Duration(l.Max))
	}
	if s.BehindNs > 0 {
		fmt.Fprintf(&b, "behind the offered rate by at most %v\n", time.Duration(s.BehindNs))
	}
	if s.SHA256 != "" {
		fmt.Fprintf(&b, "sha256 %s\n", s.SHA256)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// counted is a number with its noun.
func counted(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// cpuTime is the processor time that this process has used.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
