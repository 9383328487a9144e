package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	if len(args) > 0 {
		return peer(args, out)
	}
	m, err := newMatrix(out)
	if err != nil {
		fmt.Fprintln(out, "not ok conformance:", err)
		return 1
	}
	defer os.RemoveAll(m.dir)
	return m.run()
}

// messages is how many one cell writes: enough to wrap around some 80 times.
const messages = 3000

// cellPatience bounds one cell; it takes a fraction of a second.
const cellPatience = 2 * time.Minute

// A language is one implementation, with the program that is its peer.
type language struct{ name, program string }

// A cell is one pair of a writer and a reader, and what they do.
type cell struct {
	writer, reader language
	kind, mode     string
	killed         bool
}

func (c cell) name() string {
	name := fmt.Sprintf("conformance/%s-to-%s/%s/%s", c.writer.name, c.reader.name, c.kind, c.mode)
	if c.killed {
		name += "/killed"
	}
	return name
}

type matrix struct {
	dir            string
	languages      []language
	out            io.Writer
	passed, failed int
	results        map[string]string
}

// newMatrix builds the peers.
func newMatrix(out io.Writer) (*matrix, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if text, err := exec.Command("make", "-s", "-C", "cbindings", "build/conformance-peer").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the peer in C: %w\n%s", err, text)
	}
	c, err := filepath.Abs("cbindings/build/conformance-peer")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-conformance-")
	if err != nil {
		return nil, err
	}
	return &matrix{dir: dir, languages: []language{{"go", self}, {"c", c}}, out: out, results: make(map[string]string)}, nil
}

// cells lists the whole matrix.
func (m *matrix) cells() []cell {
	var list []cell
	for _, w := range m.languages {
		for _, r := range m.languages {
			for _, kind := range []string{"shared", "exclusive"} {
				list = append(list, cell{w, r, kind, "reliable", false}, cell{w, r, kind, "latest", false}, cell{w, r, kind, "reliable", true})
			}
		}
	}
	return list
}

func (m *matrix) run() int {
	m.count("conformance/c-has-no-go-in-it", noGo(m.languages[1].program))
	for i, c := range m.cells() {
		err := m.runCell(c, fmt.Sprintf("cell%d", i))
		m.count(c.name(), err)
		m.results[c.name()] = "ok"
		if err != nil {
			m.results[c.name()] = "FAILED"
		}
	}
	m.print()
	fmt.Fprintf(m.out, "%d passed, %d failed, 0 skipped\n", m.passed, m.failed)
	if m.failed != 0 {
		return 1
	}
	return 0
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
func (m *matrix) print() {
	columns := []cell{{kind: "shared", mode: "reliable"}, {kind: "shared", mode: "latest"}, {kind: "shared", mode: "reliable", killed: true},
		{kind: "exclusive", mode: "reliable"}, {kind: "exclusive", mode: "latest"}, {kind: "exclusive", mode: "reliable", killed: true}}
	fmt.Fprintf(m.out, "\n%-12s", "")
	for _, c := range columns {
		fmt.Fprintf(m.out, " %-9s", c.kind)
	}
	fmt.Fprintf(m.out, "\n%-12s", "")
	for _, c := range columns {
		what := c.mode
		if c.killed {
			what = "killed"
		}
		fmt.Fprintf(m.out, " %-9s", what)
	}
	for _, w := range m.languages {
		for _, r := range m.languages {
			fmt.Fprintf(m.out, "\n%-12s", w.name+" to "+r.name)
			for _, c := range columns {
				c.writer, c.reader = w, r
				fmt.Fprintf(m.out, " %-9s", m.results[c.name()])
			}
		}
	}
	fmt.Fprint(m.out, "\n\n")
}

// runCell runs one pair in a domain directory of its own.
func (m *matrix) runCell(c cell, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	dir := filepath.Join(m.dir, name)
	count := fmt.Sprint(messages)
	reader, err := start(ctx, dir, "ready", c.reader.program, "read", "t", count)
	if err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	defer reader.end()
	if c.killed {
		victim, err := start(ctx, dir, "claimed", c.writer.program, "claim", "t", c.kind, c.mode)
		if err != nil {
			return fmt.Errorf("writer to be killed: %w", err)
		}
		victim.end()
	}
	writer, err := start(ctx, dir, "", c.writer.program, "write", "t", c.kind, c.mode, count)
	if err != nil {
		return fmt.Errorf("writer: %w", err)
	}
	defer writer.end()
	if text, err := writer.wait(); err != nil {
		return fmt.Errorf("writer: %w: %s", err, text)
	}
	text, err := reader.wait()
	if err != nil {
		return fmt.Errorf("reader: %w: %s", err, text)
	}
	return checkCount(text, c.mode)
}

// checkCount says whether the reader got what it should: on reliable rings everything,
// otherwise something, with every gap told.
func checkCount(text, mode string) error {
	var got, missed int
	if _, err := fmt.Sscanf(text, "got %d missed %d", &got, &missed); err != nil {
		return fmt.Errorf("reader says %q: %w", text, err)
	}
	if got+missed != messages || mode == "reliable" && missed != 0 || got < 1 {
		return fmt.Errorf("%d messages came, %d did not, %d were sent", got, missed, messages)
	}
	return nil
}
