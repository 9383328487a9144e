package main

import (
	"fmt"
	"strings"
	"time"
)

// A tally counts the results of one suite and keeps what it will print. One goroutine at a time.
type tally struct {
	suite  suite
	strict bool // a skipped test has failed
	began  time.Time
	out    strings.Builder

	passed, failed, skipped int
	failures                []failure
}

func newTally(suite suite, strict bool) *tally {
	t := &tally{suite: suite, strict: strict, began: time.Now()}
	fmt.Fprintf(&t.out, "== %s\n", suite.name)
	return t
}

func (t *tally) pass(string) { t.passed++ }

// fail counts a failed test and shows its output.
func (t *tally) fail(name, output string) {
	t.failTest(failure{name: name, output: output})
}

// failTest is fail for a test that may be found again.
func (t *tally) failTest(f failure) {
	f.suite = t.suite
	t.failed++
	t.failures = append(t.failures, f)
	fmt.Fprintf(&t.out, "FAIL %s: %s\n", t.suite.name, f.name)
	t.show(f.output)
}

// skip counts a skipped test, which is a failure where nothing may be skipped.
func (t *tally) skip(name, reason string) {
	if t.strict {
		t.fail(name, "skipped: "+reason)
		return
	}
	t.skipped++
	fmt.Fprintf(&t.out, "skip %s: %s\n", t.suite.name, name)
	t.show(reason)
}

func (t *tally) show(output string) {
	if output == "" {
		return
	}
	t.out.WriteString(output)
	if output[len(output)-1] != '\n' {
		t.out.WriteByte('\n')
	}
}

// progress reports one finished package.
func (t *tally) progress(what string, passed, failed int) {
	fmt.Fprintf(&t.out, "   %-44s %5d passed", what, passed)
	if failed > 0 {
		fmt.Fprintf(&t.out, " %d FAILED", failed)
	}
	t.out.WriteByte('\n')
}

// end closes the suite, whose processes used so much time of processors. A command that failed
// without naming a failed test is a failure itself; one that ended well without naming any test
// is a test.
func (t *tally) end(err error, rest string, used time.Duration) {
	switch {
	case err != nil && t.failed == 0:
		t.fail(err.Error(), rest)
	case err != nil:
		t.show(rest)
	case t.passed == 0 && t.failed == 0 && t.skipped == 0:
		t.pass(t.suite.name)
	}
	const tenth = 100 * time.Millisecond
	fmt.Fprintf(&t.out, "   %d passed, %d failed, %d skipped in %v, %v of processor\n",
		t.passed, t.failed, t.skipped, time.Since(t.began).Round(tenth), used.Round(tenth))
}
