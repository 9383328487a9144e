package report

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
)

// A Curve is one line of a picture by labels: a value for each, 0 where there is none.
type Curve struct {
	Name   string
	Values []float64
}

// Curves draws curves over labels, the values on a logarithmic scale, as an SVG of its own, their names beside them.
// Without two values of one curve it is empty.
func Curves(title, unit string, labels []string, curves []Curve) (string, error) {
	p := newPicture(title, "", unit)
	p.beside = true
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.TickerFunc(powerTicks)
	p.X.Tick.Marker = plot.TickerFunc(func(float64, float64) (list []plot.Tick) {
		for i, text := range labels {
			list = append(list, plot.Tick{Value: float64(i), Label: text})
		}
		return list
	})
	p.X.Min, p.X.Max = -0.2, float64(len(labels))-0.8 // so that the outer labels are whole
	var lines []line
	for i, c := range curves {
		var points plotter.XYs
		for at, v := range c.Values {
			if v > 0 {
				points = append(points, plotter.XY{X: float64(at), Y: v})
			}
		}
		lines = append(lines, line{c.Name, points, colors[i%len(colors)], i >= len(colors)})
	}
	return p.svg(lines)
}

// powerTicks mark 1, 2 and 5 of each power of ten.
func powerTicks(low, high float64) []plot.Tick {
	list := durationTicks(low, high)
	for i := range list {
		list[i].Label = count(list[i].Value)
	}
	return list
}
