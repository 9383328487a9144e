package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// A Difference is one figure of two runs side by side.
type Difference struct {
	What            string  `json:"what"`
	A               float64 `json:"a"`
	B               float64 `json:"b"`
	Unit            string  `json:"unit"`
	Ratio           float64 `json:"ratio"` // B to A; 0 where A is 0
	SmallerIsBetter bool    `json:"smaller_is_better"`
}

// Differences are the figures that both runs have.
func Differences(a, b *Result) []Difference {
	list := []Difference{{What: "rate", A: a.Rate, B: b.Rate, Unit: "messages/s"}}
	if x, y := a.Latency, b.Latency; x != nil && y != nil {
		for _, l := range []struct {
			name string
			a, b int64
		}{
			{"p50", x.P50, y.P50}, {"p90", x.P90, y.P90}, {"p99", x.P99, y.P99}, {"p99.9", x.P999, y.P999},
			{"p99.99", x.P9999, y.P9999}, {"max", x.Max, y.Max},
		} {
			list = append(list, Difference{What: l.name, A: float64(l.a), B: float64(l.b), Unit: "ns", SmallerIsBetter: true})
		}
	}
	list = append(list, Difference{What: "processor", A: coresOf(a), B: coresOf(b), Unit: "cores", SmallerIsBetter: true})
	for i := range list {
		list[i].Ratio = divide(list[i].B, list[i].A)
	}
	return list
}

// coresOf is how many cores all processes of a run kept busy.
func coresOf(r *Result) float64 {
	var sum float64
	for i := range r.Processes {
		sum += r.Processes[i].CPU
	}
	return sum
}

// Doubts say why two runs should not be compared: each is a sentence. None is what one
// hopes for.
func Doubts(a, b *Result) []string {
	var list []string
	doubt := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if x, y := a.Work(), b.Work(); x != y {
		doubt("the work is not the same:\n  A  %s\n  B  %s", x, y)
	}
	if a.Regime != b.Regime || a.Regime == Changed {
		doubt("the cores were not equally far apart: A %s (%v, %v), B %s (%v, %v); measure again until they are", a.Regime, a.LineBefore, a.LineAfter,
			b.Regime, b.LineBefore, b.LineAfter)
	}
	if x, y := a.Machine, b.Machine; x.CPU != y.CPU || x.Cores != y.Cores || x.Kernel != y.Kernel {
		doubt("the machine is not the same: A %v, B %v", x, y)
	}
	if max(a.OtherCores, b.OtherCores) > Busy {
		doubt("other programs were at work: A %.1f cores, B %.1f", a.OtherCores, b.OtherCores)
	}
	if a.Missed+b.Missed > 0 {
		doubt("readers missed messages: A %d, B %d", a.Missed, b.Missed)
	}
	return list
}

// PrintComparison writes the figures of two runs side by side, and what is doubtful
// about comparing them.
func PrintComparison(out io.Writer, nameA, nameB string, a, b *Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(w, "\tA\tB\tB/A\t\t\n")
	for _, d := range Differences(a, b) {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%s\t\n", d.What, d.text(d.A), d.text(d.B), d.Ratio, d.verdict())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nA  %s\nB  %s\n", nameA, nameB)
	for _, doubt := range Doubts(a, b) {
		_, err = fmt.Fprintf(out, "doubtful: %s\n", doubt)
	}
	return err
}

func (d *Difference) text(v float64) string {
	switch d.Unit {
	case "ns":
		return Short(time.Duration(v)).String()
	case "cores":
		return fmt.Sprintf("%.2f cores", v)
	}
	return Grouped(v) + "/s"
}

// alike is how much two figures of one work differ on a machine that others use too.
const alike = 0.05

func (d *Difference) verdict() string {
	switch better := d.Ratio > 1 != d.SmallerIsBetter; {
	case d.Ratio == 0 || d.Ratio > 1-alike && d.Ratio < 1+alike:
		return "alike"
	case better:
		return "B is better"
	}
	return "A is better"
}
