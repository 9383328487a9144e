package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

// Size of the curve that Plot draws, in characters.
const (
	plotWidth  = 72
	plotHeight = 12
)

// Plot draws the percentile curve with characters: latency upwards, on a logarithmic
// scale; to the right the part of all that was not slower, each step of a nine as wide
// as the one before. Without latencies it draws nothing.
func (r *Result) Plot(w io.Writer) error {
	curve := r.Curve()
	if len(curve) == 0 || r.Latency.Count < 10 {
		return nil
	}
	nines := Nines(1 - 1/float64(r.Latency.Count))
	low, high := math.Log(float64(max(r.Latency.Min, 1))), math.Log(float64(max(r.Latency.Max, 2)))
	var rows [plotHeight][plotWidth]rune
	for i := range rows {
		for x := range rows[i] {
			rows[i][x] = ' '
		}
	}
	next := 0
	for x := range plotWidth {
		part := 1 - math.Pow(10, -nines*float64(x)/(plotWidth-1))
		for next < len(curve)-1 && curve[next].Part < part {
			next++
		}
		y := (math.Log(float64(max(curve[next].Latency, 1))) - low) / max(high-low, 1e-9) * (plotHeight - 1)
		rows[plotHeight-1-int(y+0.5)][x] = '•'
	}
	var b strings.Builder
	for i, row := range rows {
		at := time.Duration(math.Exp(high - (high-low)*float64(i)/(plotHeight-1)))
		fmt.Fprintf(&b, "%9v ┤%s\n", Short(at), strings.TrimRight(string(row[:]), " "))
	}
	b.WriteString(strings.Repeat(" ", 10) + "└" + axis(nines) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// axis is the line below the curve: each percentile begins at its place.
func axis(nines float64) string {
	line := []rune(strings.Repeat("─", plotWidth))
	free := 0
	for i := range 8 {
		label := []rune("0%")
		if i > 0 {
			label = []rune(Percent(float64(i)) + "%")
		}
		at := int(float64(i) / nines * (plotWidth - 1))
		if at < free || at+len(label) > plotWidth {
			continue
		}
		copy(line[at:], label)
		free = at + len(label) + 1
	}
	return string(line)
}

// Nines says how many nines a part of the whole has: 1 for 0.9, 3 for 0.999.
func Nines(part float64) float64 { return -math.Log10(1 - min(part, 1-1e-12)) }

// Percent is the percentile with so many nines, without its sign: 90, 99, 99.9.
func Percent(nines float64) string {
	return fmt.Sprintf("%.*f", max(int(nines)-2, 0), 100-100*math.Pow(10, -nines))
}

// Short is a duration with three digits.
func Short(d time.Duration) time.Duration {
	for step := time.Duration(1); ; step *= 10 {
		if d/step < 1000 {
			return d.Round(step)
		}
	}
}
