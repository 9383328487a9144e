package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// lineLimit bounds one line of output: an event carries at most one line of a
// test, and a longer one is a test that has gone wild.
const lineLimit = 16 << 20

// A suite is a name and a shell command.
type suite struct{ name, command string }

// run runs the command, with more in its environment, and counts what every line of it says.
func (s suite) run(strict bool, environment ...string) *tally {
	total := newTally(s, strict)
	cmd := exec.Command("sh", "-c", s.command)
	cmd.Env = append(os.Environ(), environment...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		total.end(err, s.command+"\n", 0)
		return total
	}
	rest := readLines(stdout, total)
	err = cmd.Wait()
	total.end(err, rest+errs.String(), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	return total
}

// readLines takes what it understands and returns the rest.
func readLines(in io.Reader, total *tally) string {
	var rest strings.Builder
	events := newEvents(total)
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, lineLimit)
	for lines.Scan() {
		line := lines.Text()
		if !events.take(line) && !takeLine(line, total) {
			fmt.Fprintln(&rest, line)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(&rest, "output of the suite:", err)
		io.Copy(io.Discard, in) // or the suite would wait for a reader
	}
	events.close()
	return rest.String()
}

// takeLine understands the line protocol of suites that are not in Go.
func takeLine(line string, total *tally) bool {
	for _, form := range []struct {
		prefix string
		count  func(name, reason string)
	}{
		{"ok ", func(name, _ string) { total.pass(name) }},
		{"not ok ", total.fail},
		{"skip ", total.skip},
	} {
		if text, ok := strings.CutPrefix(line, form.prefix); ok {
			name, reason, _ := strings.Cut(text, ": ")
			form.count(name, reason)
			return true
		}
	}
	return false
}
