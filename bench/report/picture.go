package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Size of a picture.
const (
	width  = 24 * vg.Centimeter
	height = 11 * vg.Centimeter
)

// colors tell the runs apart, also for most who see colors otherwise (after Okabe and
// Ito's palette).
var colors = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
}

// A line is one curve of a picture.
type line struct {
	name   string
	points plotter.XYs
	color  color.Color
	dashed bool
}

// percentiles draws the percentile curves of all runs that have latencies.
func percentiles(runs []Run) (string, error) {
	p := newPicture("Latency by percentile", "", "")
	p.X.Tick.Marker = plot.TickerFunc(nineTicks)
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(durationTicks)
	var lines []line
	for i, run := range runs {
		var points plotter.XYs
		nines := 0.0
		if run.Result.Latency != nil {
			nines = bench.Nines(1 - 1/float64(max(run.Result.Latency.Count, 2)))
		}
		for _, c := range run.Result.Curve() {
			points = append(points, plotter.XY{X: min(bench.Nines(c.Part), nines), Y: math.Max(float64(c.Latency), 1)})
		}
		lines = append(lines, line{run.Name, points, colors[i%len(colors)], false})
	}
	return p.below(lines)
}

// rates draws how fast messages came over time.
func rates(runs []Run) (string, error) {
	p := newPicture("Messages a second over time", "s", "")
	p.X.Tick.Marker = plot.TickerFunc(secondTicks)
	p.Y.Tick.Marker = plot.TickerFunc(countTicks)
	p.Y.Min = 0
	var lines []line
	for i, run := range runs {
		var points plotter.XYs
		for _, r := range run.Result.Rates {
			points = append(points, plotter.XY{X: r.At.Seconds(), Y: r.Rate})
		}
		lines = append(lines, line{run.Name, points, colors[i%len(colors)], false})
	}
	return p.below(lines)
}

// overTime draws p50 and p99 of each interval.
func overTime(runs []Run) (string, error) {
	p := newPicture("Latency over time: p50, and p99 dashed", "s", "")
	p.X.Tick.Marker = plot.TickerFunc(secondTicks)
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(durationTicks)
	var lines []line
	for i, run := range runs {
		var middle, tail plotter.XYs
		for _, one := range run.Result.Intervals {
			if one.Latency == nil {
				continue
			}
			at := (one.Start + one.Length/2).Seconds()
			middle = append(middle, plotter.XY{X: at, Y: float64(max(one.Latency.P50, 1))})
			tail = append(tail, plotter.XY{X: at, Y: float64(max(one.Latency.P99, 1))})
		}
		c := colors[i%len(colors)]
		lines = append(lines, line{run.Name, middle, c, false}, line{"", tail, c, true})
	}
	return p.below(lines)
}

// A picture is a plot on its way to SVG.
type picture struct {
	*plot.Plot
	beside bool // its legend stands to the right of it, and not in it
}

func newPicture(title, x, y string) picture {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Title.Padding = 3 * vg.Millimeter
	p.Legend.Top = true
	p.Legend.Left = true
	p.Legend.Padding = vg.Millimeter
	p.X.Padding, p.Y.Padding = vg.Millimeter, vg.Millimeter
	p.Add(plotter.NewGrid())
	return picture{Plot: p}
}

// legendLine is what of a picture's height a line of its legend takes.
const legendLine = 0.06

// below is svg with the lines below their legend; a single one needs none, since the page names it.
func (p picture) below(lines []line) (string, error) {
	lines = slices.Clone(lines)
	named, low, high := 0, math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		if len(l.points) < 2 {
			continue
		}
		if l.name != "" {
			named++
		}
		_, _, least, most := plotter.XYRange(l.points)
		low, high = min(low, least), max(high, most)
	}
	if named == 1 {
		for i := range lines {
			lines[i].name = ""
		}
	} else if named > 1 {
		_, logarithmic := p.Y.Scale.(plot.LogScale)
		p.Y.Max = headroom(min(low, p.Y.Min), high, min(0.5, legendLine*float64(named)), logarithmic)
	}
	return p.svg(lines)
}

// headroom is where an axis ends of which the values up to high leave a part free.
func headroom(low, high, part float64, logarithmic bool) float64 {
	more := part / (1 - part)
	if logarithmic {
		return high * math.Pow(high/low, more)
	}
	return high + (high-low)*more
}

// svg draws the lines that have at least two points. Without any it is empty.
func (p picture) svg(lines []line) (string, error) {
	drawn := false
	for _, l := range lines {
		if len(l.points) < 2 {
			continue
		}
		curve, err := plotter.NewLine(l.points)
		if err != nil {
			return "", fmt.Errorf("curve of %s: %w", l.name, err)
		}
		curve.Color, curve.Width = l.color, vg.Points(1.5)
		if l.dashed {
			curve.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		p.Add(curve)
		if l.name != "" {
			p.Legend.Add(l.name, curve)
		}
		drawn = true
	}
	if !drawn {
		return "", nil
	}
	canvas := vgsvg.New(width, height)
	p.Draw(p.withoutLegend(draw.New(canvas)))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	text := b.String()
	return text[strings.Index(text, "<svg"):], nil // what stands before belongs to a file of its own
}

// legendFont is how much wider a legend may be in the font that shows it than in the one that measures it.
const legendFont = 1.25

// withoutLegend is the canvas, or if the legend stands beside the plot what is left of the canvas when it was drawn.
func (p picture) withoutLegend(c draw.Canvas) draw.Canvas {
	if !p.beside {
		return c
	}
	legend := p.Legend
	p.Legend = plot.NewLegend()
	room := legend.Rectangle(c).Size().X * legendFont
	legend.Draw(draw.Crop(c, width-room, 0, 0, -vg.Centimeter))
	return draw.Crop(c, 0, -room-2*vg.Millimeter, 0, 0)
}

// nineTicks mark 0, 90, 99 per cent and so on.
func nineTicks(low, high float64) []plot.Tick {
	var list []plot.Tick
	for n := math.Ceil(low); n <= high+0.001; n++ { // the end is a logarithm, and may be a little below
		list = append(list, plot.Tick{Value: min(n, high), Label: bench.Percent(n) + "%"})
	}
	return list
}

// durationTicks mark 1, 2 and 5 of each power of ten of nanoseconds.
func durationTicks(low, high float64) []plot.Tick {
	var list []plot.Tick
	for step := math.Pow(10, math.Floor(math.Log10(math.Max(low, 1)))); step <= high; step *= 10 {
		for _, k := range []float64{1, 2, 5} {
			if v := k * step; v >= low && v <= high {
				list = append(list, plot.Tick{Value: v, Label: time.Duration(v).String()})
			}
		}
	}
	return list
}

// secondTicks mark some 5 to 12 round numbers of seconds.
func secondTicks(low, high float64) []plot.Tick {
	step := math.Pow(10, math.Floor(math.Log10(math.Max(high-low, 1e-6))))
	for _, k := range []float64{0.1, 0.2, 0.5, 1} {
		if (high-low)/(k*step) <= 12 {
			step *= k
			break
		}
	}
	var list []plot.Tick
	for n := math.Ceil(low / step); n*step <= high; n++ {
		list = append(list, plot.Tick{Value: n * step, Label: fmt.Sprintf("%.4g", n*step)})
	}
	return list
}

// countTicks write large numbers with k and M.
func countTicks(low, high float64) []plot.Tick {
	list := plot.DefaultTicks{}.Ticks(low, high)
	for i := range list {
		if list[i].Label != "" {
			list[i].Label = count(list[i].Value)
		}
	}
	return list
}

func count(v float64) string {
	switch {
	case math.Abs(v) >= 1e6:
		return fmt.Sprintf("%g M", v/1e6)
	case math.Abs(v) >= 1e3:
		return fmt.Sprintf("%g k", v/1e3)
	}
	return fmt.Sprintf("%g", v)
}
