package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// A program does the work in one language.
type program struct {
	name    string
	command []string // as bench.Program has it; in the root of the repository
	slow    bool     // left out of the quick form
}

const javaPath = "cbindings/java/target/bench:cbindings/java/target/ringcast.jar:cbindings/java/target/lib/*:cbindings/java/target/bench-lib/*"

// programs are all beside Go, which is package bench itself. `make bench-languages`
// builds them.
func programs() []program {
	return []program{
		{name: "C", command: []string{"cbindings/build/bench-inline"}},
		{name: "C-calls", command: []string{"cbindings/build/bench-calls"}, slow: true}, // RC_NO_INLINE: every call goes to the library
		{name: "C++", command: []string{"cbindings/build/bench-cpp"}},
		{name: "Java", command: []string{"java", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-cp", javaPath, "Work", "--rehearse-ns", "2000000000"}},
		{name: "Python", command: []string{python, "cbindings/bench/python/work.py"}},
	}
}

// contender is the program at a cell's work.
func (l program) contender(s bench.Spec) bench.Contender {
	return bench.Program{Name: l.name, Command: l.command, Spec: s}.Contender()
}

const python = ".tools/python/bin/python"

// oneWay is one way of cbindings/bench/python/oneway.py as a contender.
func oneWay(way string, size int, d time.Duration) bench.Contender {
	return bench.Contender{Name: way, Measure: func(ctx context.Context) (bench.Figure, error) {
		ctx, cancel := context.WithTimeout(ctx, d+time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, python, "cbindings/bench/python/oneway.py", "--ways", way, "--sizes", strconv.Itoa(size),
			"--rounds", "1", "--seconds", fmt.Sprint(d.Seconds()))
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		cmd.WaitDelay = time.Second
		out, err := cmd.Output()
		if err != nil {
			return bench.Figure{}, fmt.Errorf("oneway.py: %w: %s", err, strings.TrimSpace(complaint.String()))
		}
		var row struct {
			Rate float64 `json:"per_second"`
		}
		if err := json.Unmarshal(out, &row); err != nil {
			return bench.Figure{}, fmt.Errorf("oneway.py: answer %q: %w", out, err)
		}
		return bench.Figure{Rate: row.Rate}, nil
	}}
}
