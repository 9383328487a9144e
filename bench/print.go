package bench

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Print writes what was measured in words, at most 100 columns wide.
func (r *Result) Print(w io.Writer) error {
	var b strings.Builder
	s := &r.Spec
	fmt.Fprintf(&b, "machine   %v\n", r.Machine)
	fmt.Fprintf(&b, "work      %s\n", r.Work())
	fmt.Fprintf(&b, "cores     cache line there and back %v before, %v after: %s; %.1f %% taken by other machines\n",
		r.LineBefore, r.LineAfter, r.Regime, 100*r.Steal)
	if s.Scenario != Idle {
		r.printRate(&b)
	}
	if r.OtherCores > Busy {
		fmt.Fprintf(&b, "busy      other programs kept %.1f cores busy meanwhile: take the figures with care\n", r.OtherCores)
	}
	if l := r.Latency; l != nil {
		short := func(ns int64) time.Duration { return Short(time.Duration(ns)) }
		fmt.Fprintf(&b, "latency   p50 %v  p90 %v  p99 %v  p99.9 %v  p99.99 %v  max %v\n", short(l.P50),
			short(l.P90), short(l.P99), short(l.P999), short(l.P9999), short(l.Max))
		fmt.Fprintf(&b, "          of %s %s\n", Grouped(float64(l.Count)), s.timed())
	}
	for i := range r.Processes {
		r.Processes[i].print(&b, s.Scenario == Idle)
	}
	fmt.Fprintf(&b, "ring      %.2f MB of the topic, %.2f MB of the domain, %d sleepers woken, %d missed\n",
		float64(r.RingBytes)/1e6, float64(r.TotalBytes)/1e6, r.Wakes, r.Missed)
	_, err := io.WriteString(w, b.String())
	return err
}

// Work says in one line what was done.
func (r *Result) Work() string {
	s := &r.Spec
	return fmt.Sprintf("%s of %d bytes, %d to %d, %s, %s, wait %s, %d slots of %d bytes, %v after %v", s.Scenario, s.Size,
		s.Producers, s.Readers, pace(s), kindOf(s), s.Wait, s.Slots, s.SlotSize, s.Duration, s.Warmup)
}

func (r *Result) printRate(b *strings.Builder) {
	fmt.Fprintf(b, "rate      %s %s/s", Grouped(r.Rate), r.Spec.counted())
	if r.Spec.Readers > 1 {
		fmt.Fprintf(b, " over %d readers", r.Spec.Readers)
	}
	fmt.Fprintf(b, ", %.1f MB/s\n", r.Rate*float64(r.Spec.Size)/1e6)
}

// print writes the line of one process. One that only sleeps has no rate.
func (p *Process) print(b *strings.Builder, idle bool) {
	if idle {
		fmt.Fprintf(b, "%-9s %.3f %% of a core  %5.1f MB private\n", p.Role, 100*p.CPU, float64(p.Private)/1e6)
		return
	}
	fmt.Fprintf(b, "%-9s %14s messages/s  %5.1f %% of a core  %.6f allocations a message  %5.1f MB private",
		p.Role, Grouped(p.Rate), 100*p.CPU, p.Allocs, float64(p.Private)/1e6)
	if p.Behind > time.Millisecond {
		fmt.Fprintf(b, "  late by up to %v", p.Behind.Round(time.Microsecond))
	}
	b.WriteByte('\n')
}

// Busy is how many cores other programs may keep busy in a run that is believed as it stands.
const Busy = 0.15

// counted is what a rate counts.
func (s *Spec) counted() string {
	switch s.Scenario {
	case PingPong:
		return "round trips"
	case Request:
		return "requests"
	case Survey:
		return "surveys"
	}
	return "messages"
}

// timed is what latencies are of.
func (s *Spec) timed() string {
	end := map[Scenario]string{
		Stream: "to the receipt", PingPong: "there and back", Request: "to the reply", Survey: "until the last has answered",
		Wake: "to the receipt by who slept",
	}[s.Scenario]
	if s.Rate > 0 {
		return s.counted() + ", from when each was due " + end
	}
	return s.counted() + ", " + end
}

func pace(s *Spec) string {
	switch {
	case s.Scenario == Wake:
		return fmt.Sprintf("each after %v", s.Pause)
	case s.Scenario == Idle:
		return fmt.Sprintf("asleep on %d topics", s.Topics)
	case s.Rate > 0:
		return Grouped(s.Rate) + " offered a second"
	}
	return "as fast as possible"
}

func kindOf(s *Spec) string {
	if s.Exclusive {
		return "exclusive"
	}
	return "shared"
}

// Grouped writes a number with a comma every three digits.
func Grouped(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
