// Command testsum runs the suites of the repository and ends with one sum over
// all of them.
//
//	testsum 'unit: go test -json ./...' 'race: go test -json -race ./...' -- 'python: python3 tests/run.py'
//
// A suite is a name and a shell command. "--" begins another lane: lanes run
// side by side, the suites of a lane one after the other. What builds in the
// same folder belongs in one lane. A line says when a suite begins. When it has
// ended, everything that it printed comes in one piece, with the time that it took
// and the processor time that its processes used. testsum understands two forms of
// output: the events of go test -json, and lines of the forms
//
//	ok NAME
//	not ok NAME: reason
//	skip NAME: reason
//
// A suite that prints neither counts as one test, passed if the command ends
// well; that is how builds take part. Lines of any other form are kept and
// shown if the suite fails. Of a Go test with subtests only the subtests count.
//
// What failed while the lanes ran side by side runs again alone, when all is over: a Go test
// whose command names $AGAIN and $ONLY five times by itself, any other suite as a whole. If it
// passes every time it is listed as unsteady, and counts as passed. Crashes, findings of a race
// detector or sanitizer, skipped tests, and more than six failures are never run again.
//
// The last line is "N passed, N failed, N skipped". The exit code is 0 only if
// something passed and nothing failed; with CI=true a skipped test has failed.
package main
