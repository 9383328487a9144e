package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

type matrix struct {
	dir            string // of the domains, one a cell
	languages      []language
	out            io.Writer
	passed, failed int
	results        map[string]string
}

// newMatrix is a matrix of languages whose peers aren't built yet.
func newMatrix(out io.Writer, list []language) (*matrix, error) {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-conformance-")
	if err != nil {
		return nil, err
	}
	return &matrix{dir: dir, languages: list, out: out, results: make(map[string]string)}, nil
}

// run runs the cells that have part in their name, and says the exit code.
func (m *matrix) run(part string) int {
	m.prepare()
	for _, w := range m.languages {
		for _, r := range m.languages {
			m.pair(w, r, part)
		}
	}
	for _, r := range m.languages {
		m.golden(r, part)
		m.images(r, part)
	}
	for _, l := range m.languages {
		if l.refusals {
			m.refuse(l, part)
		}
	}
	for _, client := range m.languages {
		for _, server := range m.languages {
			m.requests(client, server, part)
		}
	}
	for _, l := range m.languages {
		m.presence(l, part)
	}
	m.nodes(part)
	for _, l := range m.languages {
		m.again(l, part)
	}
	m.print()
	fmt.Fprintf(m.out, "%d passed, %d failed, 0 skipped\n", m.passed, m.failed)
	if m.failed != 0 || m.passed == 0 {
		return 1
	}
	return 0
}

// prepare builds the peers; a language that has none takes no further part.
func (m *matrix) prepare() {
	var built []language
	for _, l := range m.languages {
		if err := l.prepare(); err != nil {
			m.count("conformance/"+l.name+"-is-built", err)
			continue
		}
		if l.check != nil {
			m.count("conformance/"+l.name+"-"+l.claim, l.check(l.run))
		}
		built = append(built, l)
	}
	m.languages = built
}

// pair runs the cells of a writer's and a reader's language.
func (m *matrix) pair(w, r language, part string) {
	for _, kind := range kinds {
		for _, col := range columns {
			c := cell{w, r, kind, col.what}
			if !col.possible(w, r) || !strings.Contains(c.name(), part) {
				continue
			}
			m.settle(c, m.runCell(c, col))
		}
	}
}

// golden runs the cells without a writer.
func (m *matrix) golden(r language, part string) {
	for _, kind := range kinds {
		for _, col := range columns {
			rings := goldenRings[col.what]
			c := cell{golden, r, kind, col.what}
			if rings != nil && strings.Contains(c.name(), part) {
				m.settle(c, m.runCell(c, column{run: func(s *stage) error { return s.readGolden(rings) }}))
			}
		}
	}
}

// settle notes how a cell went.
func (m *matrix) settle(c cell, err error) {
	m.count(c.name(), err)
	m.results[c.name()] = "ok"
	if err != nil {
		m.results[c.name()] = "FAILED"
	}
}

// runCell runs one cell in a domain of its own.
func (m *matrix) runCell(c cell, col column) error {
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	s := &stage{ctx: ctx, cell: c, dir: filepath.Join(m.dir, strings.ReplaceAll(c.name(), "/", "."))}
	defer os.RemoveAll(s.dir)
	defer s.end()
	return col.run(s)
}

func (m *matrix) count(name string, err error) {
	if err != nil {
		m.failed++
		fmt.Fprintf(m.out, "not ok %s: %v\n", name, err)
		return
	}
	m.passed++
	fmt.Fprintf(m.out, "ok %s\n", name)
}

// print shows the matrix: a row a writer and reader, a column each thing they do.
// A dash: this language has not got it, or it was not asked for.
func (m *matrix) print() {
	rows := [2]string{}
	for _, kind := range kinds {
		for _, col := range columns {
			rows[0] += fmt.Sprintf(" %-9s", kind)
			rows[1] += fmt.Sprintf(" %-9s", col.what)
		}
	}
	fmt.Fprintf(m.out, "\n%-16s%s\n%-16s%s\n", "", rows[0], "writer to reader", rows[1])
	for _, w := range append(slices.Clone(m.languages), golden) {
		for _, r := range m.languages {
			fmt.Fprintf(m.out, "%-16s", w.name+" to "+r.name)
			for _, kind := range kinds {
				for _, col := range columns {
					result, ok := m.results[cell{w, r, kind, col.what}.name()]
					if !ok {
						result = "-"
					}
					fmt.Fprintf(m.out, " %-9s", result)
				}
			}
			fmt.Fprintln(m.out)
		}
	}
	fmt.Fprintln(m.out)
}
