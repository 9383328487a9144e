package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sumOf runs suites and returns the exit code, what was printed and its last line.
func sumOf(strict bool, suites ...string) (code int, out, last string) {
	var b bytes.Buffer
	code = run(suites, strict, &b)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	return code, b.String(), lines[len(lines)-1]
}

// printing is a suite that prints a text and exits with the code.
func printing(t *testing.T, text, exit string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return "suite: cat '" + path + "'; exit " + exit
}

func TestLineProtocol(t *testing.T) {
	text := "ok one\nok two\nnot ok three: it is not four\nskip five: no six\nchatter\n"
	code, out, last := sumOf(false, printing(t, text, "1"))
	if code != 1 || last != "2 passed, 1 failed, 1 skipped" {
		t.Errorf("code %d, %q", code, last)
	}
	for _, want := range []string{"FAIL suite: three\nit is not four", "skip suite: five\nno six", "chatter"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestSkippedFailsWhereNothingMayBeSkipped(t *testing.T) {
	code, _, last := sumOf(true, printing(t, "ok one\nskip five: no six\n", "0"))
	if code != 1 || last != "1 passed, 1 failed, 0 skipped" {
		t.Errorf("code %d, %q", code, last)
	}
}

func TestCommandsWithoutTests(t *testing.T) {
	for _, c := range []struct {
		name, suite string
		code        int
		last        string
	}{
		{"ends well", "build: true", 0, "1 passed, 0 failed, 0 skipped"},
		{"ends badly", "build: false", 1, "0 passed, 1 failed, 0 skipped"},
		{"is not there", "build: /nowhere/at/all", 1, "0 passed, 1 failed, 0 skipped"},
		{"passes and ends badly", "build: echo ok one; exit 3", 1, "1 passed, 1 failed, 0 skipped"},
		{"dies", "build: kill -9 $$", 1, "0 passed, 1 failed, 0 skipped"},
	} {
		if code, out, last := sumOf(false, c.suite); code != c.code || last != c.last {
			t.Errorf("%s: code %d, %q, want %d, %q\n%s", c.name, code, last, c.code, c.last, out)
		}
	}
}

func TestNothingRunIsNotSuccess(t *testing.T) {
	if code, _, last := sumOf(false); code == 0 || last != "0 passed, 0 failed, 0 skipped" {
		t.Errorf("code %d, %q", code, last)
	}
	if code, _, _ := sumOf(false, "no command"); code != 2 {
		t.Errorf("a suite without a command: code %d, want 2", code)
	}
}

func TestSuitesAddUp(t *testing.T) {
	code, _, last := sumOf(false, "a: echo ok x; echo ok y", "b: true", "c: echo ok z")
	if code != 0 || last != "4 passed, 0 failed, 0 skipped" {
		t.Errorf("code %d, %q", code, last)
	}
}

// TestLanesRunSideBySide has two suites that each wait for a file of the other.
func TestLanesRunSideBySide(t *testing.T) {
	dir := t.TempDir()
	meet := func(name, mine, theirs string) string {
		return name + ": cd '" + dir + "'; touch " + mine + "; for i in $(seq 600); do [ -e " + theirs + " ] && echo ok met && exit; sleep 0.1; done; echo not ok met: alone"
	}
	code, out, last := sumOf(false, meet("a", "x", "y"), "after a: true", "--", meet("b", "y", "x"))
	if code != 0 || last != "3 passed, 0 failed, 0 skipped" {
		t.Errorf("code %d, %q\n%s", code, last, out)
	}
}

// TestOutputStaysWhole wants each suite's lines together, though the suites print by turns.
func TestOutputStaysWhole(t *testing.T) {
	const slow = "for i in 1 2 3 4 5; do echo not ok $i: no; sleep 0.05; done"
	code, out, last := sumOf(false, "a: "+slow, "--", "b: "+slow)
	if code != 1 || last != "0 passed, 10 failed, 0 skipped" {
		t.Errorf("code %d, %q", code, last)
	}
	for _, name := range []string{"a", "b"} {
		want := "== " + name + "\n"
		for _, n := range "12345" {
			want += "FAIL " + name + ": " + string(n) + "\nno\n"
		}
		if want += "   0 passed, 5 failed, 0 skipped in "; !strings.Contains(out, want) {
			t.Errorf("output lacks\n%s\nin one piece:\n%s", want, out)
		}
	}
}

// TestTimesAreSaid of a shell that is busy until the kernel has counted 20 ticks for it, 0.2 s.
func TestTimesAreSaid(t *testing.T) {
	_, out, _ := sumOf(false, "busy: while read -r a b c d e f g h i j k l m user system rest </proc/$$/stat && [ $((user + system)) -lt 20 ]; do :; done")
	if !strings.Contains(out, "skipped in ") || !strings.Contains(out, "s of processor\n") || strings.Contains(out, " 0s of processor") {
		t.Errorf("no times, or none of processor, in\n%s", out)
	}
}

// event lines as go test -json prints them, shortened to what is read
const (
	passAndFail = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"run","Package":"p","Test":"TestB/one"}
{"Action":"output","Package":"p","Test":"TestB/one","Output":"    b_test.go:7: one is two\n"}
{"Action":"fail","Package":"p","Test":"TestB/one"}
{"Action":"run","Package":"p","Test":"TestB/two"}
{"Action":"pass","Package":"p","Test":"TestB/two"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p"}
{"Action":"start","Package":"q"}
{"Action":"skip","Package":"q"}
`
	doesNotBuild = `{"ImportPath":"p [p.test]","Action":"build-output","Output":"p_test.go:3: undefined: x\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Output":"FAIL p [build failed]\n"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}
`
	dies = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/deep"}
{"Action":"output","Package":"p","Test":"TestA/deep","Output":"panic: deep trouble\n"}
{"Action":"fail","Package":"p"}
`
	cutShort = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
`
)

func TestGoEvents(t *testing.T) {
	for _, c := range []struct {
		name, text, exit, last, want string
	}{
		{"a subtest fails", passAndFail, "1", "2 passed, 1 failed, 0 skipped", "FAIL suite: p TestB/one\n    b_test.go:7: one is two\n"},
		{"a package does not build", doesNotBuild, "1", "0 passed, 1 failed, 0 skipped", "undefined: x"},
		{"a program dies", dies, "1", "0 passed, 1 failed, 0 skipped", "FAIL suite: p TestA/deep (did not finish)\npanic: deep trouble\n"},
		{"go test is stopped", cutShort, "1", "1 passed, 1 failed, 0 skipped", "no result"},
	} {
		code, out, last := sumOf(false, printing(t, c.text, c.exit))
		if code != 1 || last != c.last || !strings.Contains(out, c.want) {
			t.Errorf("%s: code %d, %q, want %q and %q in\n%s", c.name, code, last, c.last, c.want, out)
		}
	}
}

// TestRealGoTest runs a package of its own under the real go test, so that a
// new form of events does not pass unseen.
func TestRealGoTest(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module sample\n\ngo 1.26\n",
		"a_test.go": `package sample

import "testing"

func TestPass(t *testing.T) {}
func TestSubs(t *testing.T) {
	t.Run("good", func(t *testing.T) {})
	t.Run("bad", func(t *testing.T) { t.Error("as intended") })
}
func FuzzSeeds(f *testing.F) {
	f.Add(1)
	f.Add(2)
	f.Fuzz(func(t *testing.T, n int) {})
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code, out, last := sumOf(true, "unit: cd '"+dir+"' && go test -json ./...")
	if code != 1 || last != "4 passed, 1 failed, 0 skipped" || !strings.Contains(out, "as intended") {
		t.Errorf("code %d, %q\n%s", code, last, out)
	}
}

// goTest is a suite that prints what a Go test's run would: it ends as beside says, and by
// itself five times as alone says.
func goTest(t *testing.T, beside, alone, output string) string {
	t.Helper()
	dir := t.TempDir()
	for _, end := range []string{beside, alone} {
		var lines strings.Builder
		for _, action := range []string{"run", "output", end} {
			fmt.Fprintf(&lines, `{"Action":%q,"Package":"m/p","Test":"TestX/y","Output":%q}`+"\n", action, output+"\n")
		}
		if err := os.WriteFile(filepath.Join(dir, end), []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return `go: cd '` + dir + `'; if [ -n "$AGAIN" ]; then [ "$ONLY" = m/p ] && [ "$AGAIN" = '-run=^TestX$ -count=5 -failfast -timeout=5m' ] || exit 1; ` +
		`for i in 1 2 3 4 5; do cat ` + alone + `; done; else cat ` + beside + `; fi; echo '{"Action":"pass","Package":"m/p"}'`
}

func TestFailedBesideOthersRunsAlone(t *testing.T) {
	for _, c := range []struct {
		name, suite string
		code        int
		last        string
		unsteady    bool
	}{
		{"steady alone", goTest(t, "fail", "pass", "late"), 0, "1 passed, 0 failed, 0 skipped", true},
		{"fails alone too", goTest(t, "fail", "fail", "late"), 1, "0 passed, 1 failed, 0 skipped", false},
		{"skipped alone", goTest(t, "fail", "skip", "late"), 1, "0 passed, 1 failed, 0 skipped", false},
		{"a race", goTest(t, "fail", "pass", "WARNING: DATA RACE"), 1, "0 passed, 1 failed, 0 skipped", false},
		{"a crash", goTest(t, "fail", "pass", "panic: index"), 1, "0 passed, 1 failed, 0 skipped", false},
	} {
		code, out, last := sumOf(false, c.suite)
		if code != c.code || last != c.last || strings.Contains(out, "\nunsteady: ") != c.unsteady {
			t.Errorf("%s: code %d, %q\n%s", c.name, code, last, out)
		}
	}
}

// TestWholeSuiteAgain: what can't run a test by itself runs again as a whole, and must do all that it did.
func TestWholeSuiteAgain(t *testing.T) {
	again := func(second string) string {
		mark := filepath.Join(t.TempDir(), "mark")
		return "s: if [ -e '" + mark + "' ]; then " + second + "; else touch '" + mark + "'; echo ok a; echo not ok b: late; fi"
	}
	if code, out, last := sumOf(false, again("echo ok a; echo ok b")); code != 0 || last != "2 passed, 0 failed, 0 skipped" || !strings.Contains(out, "s: b") {
		t.Errorf("code %d, %q\n%s", code, last, out)
	}
	if code, _, last := sumOf(false, again("echo ok a")); code != 1 || last != "1 passed, 1 failed, 0 skipped" {
		t.Errorf("a second run that leaves out the test: code %d, %q", code, last)
	}
}

// TestManyFailuresAreNoAccident: beyond six nothing runs again.
func TestManyFailuresAreNoAccident(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	code, _, last := sumOf(false, "s: if [ -e '"+mark+"' ]; then w=ok; else w='not ok'; touch '"+mark+"'; fi; for i in 1 2 3 4 5 6 7; do echo $w $i: late; done")
	if code != 1 || last != "0 passed, 7 failed, 0 skipped" {
		t.Errorf("code %d, %q", code, last)
	}
}
