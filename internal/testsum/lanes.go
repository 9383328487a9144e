package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
)

// parseLanes reads 'name: command' arguments, with "--" between lanes.
func parseLanes(args []string) ([][]suite, error) {
	lanes := [][]suite{nil}
	for _, arg := range args {
		if arg == "--" {
			lanes = append(lanes, nil)
			continue
		}
		name, command, ok := strings.Cut(arg, ": ")
		if !ok {
			return nil, fmt.Errorf("%q is not of the form 'name: command'", arg)
		}
		last := len(lanes) - 1
		lanes[last] = append(lanes[last], suite{name, command})
	}
	return lanes, nil
}

// A sum adds up the suites of all lanes and prints each when it has ended.
type sum struct {
	strict bool // a skipped test has failed

	mu                      sync.Mutex // what follows, so that a suite's output stays whole
	out                     io.Writer
	passed, failed, skipped int
	failures                []failure
	ran                     map[string]int // tests of each suite
}

// run runs the lanes side by side, the suites of each in their order.
func (s *sum) run(lanes [][]suite) {
	var all sync.WaitGroup
	for _, lane := range lanes {
		all.Go(func() {
			for _, suite := range lane {
				s.say("-- %s begins\n", suite.name)
				s.add(suite.run(s.strict))
			}
		})
	}
	all.Wait()
	s.again()
}

func (s *sum) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}

// add takes a suite that has ended.
func (s *sum) add(t *tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed += t.passed
	s.failed += t.failed
	s.skipped += t.skipped
	if s.ran == nil {
		s.ran = make(map[string]int)
	}
	s.ran[t.suite.name] = t.passed + t.failed
	s.failures = append(s.failures, t.failures...)
	io.WriteString(s.out, t.out.String())
}

// close prints the sum and returns the exit code.
func (s *sum) close() int {
	if len(s.failures) > 0 {
		fmt.Fprintln(s.out, "\nfailed:")
	}
	for _, f := range s.failures {
		fmt.Fprintln(s.out, " ", f)
	}
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	if s.failed > 0 || s.passed == 0 {
		return 1
	}
	return 0
}
