package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	mostAgain  = 6 // more failures than that are no accident
	timesAlone = 5 // how often a Go test must pass by itself
)

// evidence is what nobody explains by a busy machine.
var evidence = []string{
	"DATA RACE", "panic:", "fatal error:", "Sanitizer", "Invalid read", "Invalid write", "definitely lost",
	"SIGSEGV", "SIGBUS", "SIGABRT", "Aborted", "egmentation fault", "core dumped", "skipped: ",
}

// A failure is a test that failed, and what finds it again.
type failure struct {
	suite     suite
	name      string // as it is shown
	output    string
	pkg, test string // of a Go test
}

func (f failure) String() string { return f.suite.name + ": " + f.name }

// byItself says whether the suite can run this test alone.
func (f failure) byItself() bool { return f.test != "" && strings.Contains(f.suite.command, "$AGAIN") }

// environment makes the suite's command run this test only, again and again.
func (f failure) environment() []string {
	if !f.byItself() {
		return nil
	}
	top, _, _ := strings.Cut(f.test, "/")
	return []string{fmt.Sprintf("AGAIN=-run=^%s$ -count=%d -failfast -timeout=5m", top, timesAlone), "ONLY=" + f.pkg}
}

// proven says whether the output shows an error whatever a second run does.
func (f failure) proven() bool {
	return slices.ContainsFunc(evidence, func(word string) bool { return strings.Contains(f.output, word) })
}

// again runs by itself what failed beside others, and says which of it passes then.
func (s *sum) again() {
	if len(s.failures) == 0 || len(s.failures) > mostAgain || slices.ContainsFunc(s.failures, failure.proven) {
		return
	}
	var broken, unsteady []failure
	results := make(map[string]bool)
	for _, f := range s.failures {
		key := f.suite.name + strings.Join(f.environment(), " ")
		passed, known := results[key]
		if !known {
			passed = s.alone(f)
			results[key] = passed
		}
		if passed {
			unsteady = append(unsteady, f)
		} else {
			broken = append(broken, f)
		}
	}
	s.failures = broken
	s.failed -= len(unsteady)
	s.passed += len(unsteady)
	s.tell(unsteady)
}

// alone runs one failed test, or its suite, and reports whether all of it passed.
func (s *sum) alone(f failure) bool {
	name, least := f.suite.name+", again", s.ran[f.suite.name]
	if f.byItself() {
		name, least = f.String()+", again", timesAlone
	}
	t := suite{name, f.suite.command}.run(s.strict, f.environment()...)
	io.WriteString(s.out, t.out.String())
	return t.failed == 0 && t.passed >= least
}

// tell lists what is not steady, before the sum.
func (s *sum) tell(unsteady []failure) {
	if len(unsteady) == 0 {
		return
	}
	fmt.Fprintln(s.out, "\nunsteady: failed beside others (the output is above), passed alone:")
	for _, f := range unsteady {
		fmt.Fprintln(s.out, " ", f)
	}
}
