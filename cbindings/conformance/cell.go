package main

import (
	"fmt"
	"time"
)

// messages is how many one cell writes: enough to wrap around some 60 times. Of few slots
// fewMessages do, some 100 times.
const (
	messages    = 3000
	fewMessages = 400
)

// cellPatience bounds one cell; it takes a fraction of a second.
const cellPatience = 2 * time.Minute

// A cell is one pair of a writer and a reader, and what they do.
type cell struct {
	writer, reader language
	kind           string // of the ring
	what           string // one of the column's
}

// A column is a kind of cell.
type column struct {
	what   string
	groups bool // needs peers that have queue groups
	run    func(s *stage) error
}

var columns = []column{
	{"reliable", false, func(s *stage) error { return s.stream("reliable", "reliable") }},
	{"latest", false, func(s *stage) error { return s.stream("latest", "latest") }},
	{"live", false, func(s *stage) error { return s.stream("reliable", "latest") }},
	{"few", false, (*stage).few},
	{"killed", false, (*stage).killed},
	{"group", true, (*stage).group},
	{"abandoned", true, (*stage).abandoned},
}

var kinds = []string{"shared", "exclusive"}

func (c cell) name() string {
	return fmt.Sprintf("conformance/%s-to-%s/%s/%s", c.writer.name, c.reader.name, c.kind, c.what)
}

// possible says whether both peers have what the column needs.
func (c column) possible(w, r language) bool { return !c.groups || w.groups && r.groups }
