package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/nodes"
)

// A run is one contender's part of a round.
type run struct {
	Who    string        `json:"who"`
	Figure bench.Figure  `json:"figure"`
	Failed string        `json:"failed,omitempty"`
	Before time.Duration `json:"line_before_ns"` // the cache line's round trip
	After  time.Duration `json:"line_after_ns"`
}

// A round is ours and some peers at one cell, one after the other. It is one line of a file.
type round struct {
	Cell    string        `json:"cell"`
	Time    time.Time     `json:"time"`
	Machine bench.Machine `json:"machine"`
	Version string        `json:"version"` // of ours
	Runs    []run         `json:"runs"`    // ours first: the Go package, and behind it the C library
}

// has reports whether a contender has a run in it.
func (r *round) has(who string) bool {
	return slices.ContainsFunc(r.Runs, func(one run) bool { return one.Who == who })
}

// Our own contenders: the Go package, and the C library.
const (
	ours       = nodes.Ours
	oursNative = nodes.OursInC
	ownRuns    = 2 // in each round
)

// A store is a folder of results: a file a day and machine, a line a round. Lines are only
// added, so that a measurement can be broken off at any time and goes on where it was.
type store struct{ dir string }

// load reads all rounds, by time.
func (s store) load() (all []round, err error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		list, err := readRounds(path)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b round) int { return a.Time.Compare(b.Time) })
	return all, nil
}

func readRounds(path string) (list []round, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var r round
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w; remove the line", path, n, err)
		}
		if len(r.Runs) == 0 || r.Runs[0].Who != ours {
			return nil, fmt.Errorf("%s, line %d: a round without ours; remove the line", path, n)
		}
		list = append(list, r)
	}
	return list, lines.Err()
}

// add writes a round at once.
func (s store) add(r *round) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(s.dir, fileOf(r)), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(text, '\n')); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// fileOf is a name of the day and the machine.
func fileOf(r *round) string {
	word := strings.FieldsFunc(strings.ToLower(r.Machine.CPU), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	return fmt.Sprintf("%s-%s-%d-cores.jsonl", r.Time.UTC().Format("2006-01-02"), strings.Join(word, "-"), r.Machine.Cores)
}
