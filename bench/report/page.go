package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// A Run is a result under the name that the page shows.
type Run struct {
	Name   string
	Result *bench.Result
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"took":    func(ns int64) time.Duration { return bench.Short(time.Duration(ns)) },
	"grouped": bench.Grouped,
	"percent": func(v float64) string { return fmt.Sprintf("%.2f", 100*v) },
	"mega":    func(v uint64) string { return fmt.Sprintf("%.1f", float64(v)/1e6) },
}).Parse(pageText))

// A picture that could not be drawn, because no run has what it shows, is empty.
type content struct {
	Title    string
	Runs     []Run
	Pictures []template.HTML
}

// Write writes the page about the runs, at least one. It allocates, and does not block
// but on w.
func Write(w io.Writer, title string, runs []Run) error {
	if len(runs) == 0 {
		return fmt.Errorf("a report about no run")
	}
	c := content{Title: title, Runs: runs}
	for _, draw := range []func([]Run) (string, error){percentiles, overTime, rates} {
		svg, err := draw(runs)
		if err != nil {
			return err
		}
		if svg != "" {
			c.Pictures = append(c.Pictures, template.HTML(svg)) // drawn by us; names in it are escaped by the canvas
		}
	}
	return page.Execute(w, c)
}
