package main

import (
	"fmt"
	"io"
	"time"
)

// A tally counts results and prints them as they come.
type tally struct {
	strict bool // a skipped test has failed
	out    io.Writer

	passed, failed, skipped int
	failures                []string

	// Of the suite that runs.
	suite                      string
	began                      time.Time
	atPassed, atFailed, atSkip int
}

func (t *tally) begin(suite string) {
	t.suite, t.began = suite, time.Now()
	t.atPassed, t.atFailed, t.atSkip = t.passed, t.failed, t.skipped
	fmt.Fprintf(t.out, "== %s\n", suite)
}

func (t *tally) pass(string) { t.passed++ }

// fail counts a failed test and shows its output.
func (t *tally) fail(name, output string) {
	t.failed++
	t.failures = append(t.failures, t.suite+": "+name)
	fmt.Fprintf(t.out, "FAIL %s: %s\n", t.suite, name)
	t.show(output)
}

// skip counts a skipped test, which is a failure where nothing may be skipped.
func (t *tally) skip(name, reason string) {
	if t.strict {
		t.fail(name, "skipped: "+reason)
		return
	}
	t.skipped++
	fmt.Fprintf(t.out, "skip %s: %s\n", t.suite, name)
	t.show(reason)
}

func (t *tally) show(output string) {
	if output == "" {
		return
	}
	fmt.Fprint(t.out, output)
	if output[len(output)-1] != '\n' {
		fmt.Fprintln(t.out)
	}
}

// progress reports one finished package.
func (t *tally) progress(what string, passed, failed int) {
	fmt.Fprintf(t.out, "   %-44s %5d passed", what, passed)
	if failed > 0 {
		fmt.Fprintf(t.out, " %d FAILED", failed)
	}
	fmt.Fprintln(t.out)
}

// suiteEnd closes a suite. A command that failed without naming a failed test
// is a failure itself; one that ended well without naming any test is a test.
func (t *tally) suiteEnd(err error, rest string) {
	switch {
	case err != nil && t.failed == t.atFailed:
		t.fail(err.Error(), rest)
	case err != nil:
		t.show(rest)
	case t.passed == t.atPassed && t.failed == t.atFailed && t.skipped == t.atSkip:
		t.pass(t.suite)
	}
	fmt.Fprintf(t.out, "   %d passed, %d failed, %d skipped in %v\n",
		t.passed-t.atPassed, t.failed-t.atFailed, t.skipped-t.atSkip, time.Since(t.began).Round(100*time.Millisecond))
}

// close prints the sum and returns the exit code.
func (t *tally) close() int {
	if len(t.failures) > 0 {
		fmt.Fprintln(t.out, "\nfailed:")
	}
	for _, name := range t.failures {
		fmt.Fprintln(t.out, " ", name)
	}
	fmt.Fprintf(t.out, "\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
	if t.failed > 0 || t.passed == 0 {
		return 1
	}
	return 0
}
