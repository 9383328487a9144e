package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// An event is one line of go test -json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build events
	Test        string
	Output      string
	FailedBuild string
}

// events follows the tests of one go test -json run.
type events struct {
	total    *tally
	packages map[string]*pkg
	builds   map[string]string // compiler output by import path
}

// A pkg is one package under test.
type pkg struct {
	open           map[string]bool   // tests that have begun and not ended
	parents        map[string]bool   // tests that have subtests
	failedParents  map[string]bool   // tests of which a subtest failed
	output         map[string]string // by test; "" is the package itself
	passed, failed int
}

func newEvents(total *tally) *events {
	return &events{total: total, packages: make(map[string]*pkg), builds: make(map[string]string)}
}

// take handles one line and reports whether it was an event.
func (e *events) take(line string) bool {
	var ev event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &ev) != nil || ev.Action == "" {
		return false
	}
	switch {
	case strings.HasPrefix(ev.Action, "build-"):
		e.builds[ev.ImportPath] += ev.Output
	case ev.Test == "":
		e.packageEvent(&ev)
	default:
		e.testEvent(e.pkg(ev.Package), &ev)
	}
	return true
}

func (e *events) pkg(path string) *pkg {
	p := e.packages[path]
	if p == nil {
		p = &pkg{
			open:          make(map[string]bool),
			parents:       make(map[string]bool),
			failedParents: make(map[string]bool),
			output:        make(map[string]string),
		}
		e.packages[path] = p
	}
	return p
}

func (e *events) testEvent(p *pkg, ev *event) {
	name := ev.Package + " " + ev.Test
	switch ev.Action {
	case "run":
		p.open[ev.Test] = true
		if parent, ok := parentOf(ev.Test); ok {
			p.parents[parent] = true
		}
	case "output":
		if !isMark(ev.Output) {
			p.output[ev.Test] += ev.Output
		}
	case "pass":
		if !p.parents[ev.Test] {
			p.passed++
			e.total.pass(name)
		}
		p.end(ev.Test)
	case "fail":
		e.failTest(p, ev.Test, name)
	case "skip":
		e.total.skip(name, p.output[ev.Test])
		p.end(ev.Test)
	}
}

// isMark reports whether a line only says what the events say too.
func isMark(line string) bool {
	line = strings.TrimLeft(line, " ")
	return strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- FAIL: ")
}

// failTest counts a failed test once: where a subtest failed, the subtest was
// counted and its parents only show what they printed.
func (e *events) failTest(p *pkg, test, name string) {
	if p.failedParents[test] {
		e.total.show(p.output[test])
	} else {
		p.failed++
		e.total.failTest(failure{name: name, output: p.output[test], pkg: pkgOf(name), test: test})
	}
	if parent, ok := parentOf(test); ok {
		p.failedParents[parent] = true
	}
	p.end(test)
}

func (p *pkg) end(test string) {
	delete(p.open, test)
	delete(p.output, test)
}

// packageEvent takes what is said of a package as a whole.
func (e *events) packageEvent(ev *event) {
	p := e.pkg(ev.Package)
	switch ev.Action {
	case "output":
		p.output[""] += ev.Output
	case "fail":
		e.unfinished(ev.Package, p)
		if p.failed == 0 {
			p.failed++
			e.total.fail(ev.Package, e.builds[ev.FailedBuild]+p.output[""])
		}
		e.done(ev.Package, p)
	case "pass", "skip":
		e.done(ev.Package, p)
	}
}

// unfinished fails the tests that had begun when their program died: a panic,
// a time-out, an exit.
func (e *events) unfinished(path string, p *pkg) {
	for _, test := range slices.Sorted(maps.Keys(p.open)) {
		if !p.parents[test] {
			e.failTest(p, test, path+" "+test+" (did not finish)")
		}
	}
}

func (e *events) done(path string, p *pkg) {
	if p.passed+p.failed > 0 {
		e.total.progress(path, p.passed, p.failed)
	}
	delete(e.packages, path)
}

// close fails the packages that never ended: go test itself was stopped.
func (e *events) close() {
	for _, path := range slices.Sorted(maps.Keys(e.packages)) {
		p := e.packages[path]
		e.unfinished(path, p)
		if p.failed == 0 {
			e.total.fail(path, "no result\n"+p.output[""])
		}
	}
}

// pkgOf returns the package of a test's full name.
func pkgOf(name string) string {
	pkg, _, _ := strings.Cut(name, " ")
	return pkg
}

// parentOf returns the test that a subtest belongs to.
func parentOf(test string) (string, bool) {
	i := strings.LastIndexByte(test, '/')
	if i < 0 {
		return "", false
	}
	return test[:i], true
}
