package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// brief are the flags of a run that only shows that it works.
var brief = []string{"--duration", "100ms", "--warmup", "20ms", "--stall-budget", "1m"}

// TestBenchInWords runs every scenario as a user would.
func TestBenchInWords(t *testing.T) {
	t.Setenv(toolVariable, "1") // the tool starts itself
	for _, args := range [][]string{
		{"oneway"}, {"oneway", "--rate", "1000", "--copy"}, {"pingpong", "--size", "64", "--exclusive"},
		{"fanout", "--readers", "2"}, {"request"}, {"survey", "--readers", "2"}, {"wake", "--pause", "1ms"}, {"fanin", "--producers", "2", "--wait", "yield", "--pin", "0"},
	} {
		dir := t.TempDir()
		code, out, errs := call(t, "", append(append([]string{"bench", "--shm-dir", dir}, args...), brief...)...)
		if code != exitOK {
			t.Errorf("%v: exit code %d: %s", args, code, errs)
		}
		for _, want := range []string{"machine ", "cache line there and back", "messages/s", "of a core", "allocations a message"} {
			if !strings.Contains(out, want) {
				t.Errorf("%v: %q does not say %q", args, out, want)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
			t.Errorf("%v: left behind: %v", args, left)
		}
	}
}

// TestBenchAsJSON reads what other programs would read, and the histogram's file.
func TestBenchAsJSON(t *testing.T) {
	t.Setenv(toolVariable, "1")
	dir := t.TempDir()
	file := filepath.Join(dir, "a.hgrm")
	code, out, errs := call(t, "", append([]string{"bench", "pingpong", "--json", "--shm-dir", dir, "--hgrm", file}, brief...)...)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var r bench.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Latency == nil || r.Latency.P50 <= 0 || r.Rate <= 0 || r.Spec.Size != 256 || len(r.Processes) != 2 {
		t.Errorf("result = %+v", r)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "#[Max") {
		t.Errorf("file = %q, error %v", text, err)
	}
}

// TestBenchFiles writes all files of two runs, compares the runs, and draws both.
func TestBenchFiles(t *testing.T) {
	t.Setenv(toolVariable, "1")
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"a", "b"} {
		args := []string{"bench", "pingpong", "--shm-dir", dir, "--every", "20ms", "--out", in(name + ".json"), "--hlog", in(name + ".hlog"), "--html", in(name + ".html")}
		if code, _, errs := call(t, "", append(args, brief...)...); code != exitOK {
			t.Fatalf("exit code %d: %s", code, errs)
		}
	}
	code, out, errs := call(t, "", "bench", "compare", in("a.json"), in("b.json"), "--html", in("both.html"))
	if code != exitOK || !strings.Contains(out, "p99.9") || !strings.Contains(out, "B/A") {
		t.Errorf("compare: exit code %d, %q, %s", code, out, errs)
	}
	for name, want := range map[string]string{"a.hlog": "Interval_Compressed_Histogram", "a.html": "<svg", "both.html": "b.json"} {
		if text, err := os.ReadFile(in(name)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v", name, want, err)
		}
	}
	code, out, _ = call(t, "", "bench", "compare", "--json", in("a.json"), in("b.json"))
	var row struct {
		What  string  `json:"what"`
		FileB string  `json:"file_b"`
		Ratio float64 `json:"ratio"`
	}
	first, _, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(first), &row); err != nil || code != exitOK || row.What != "rate" || row.FileB != "b.json" || row.Ratio <= 0 {
		t.Errorf("compare --json: exit code %d, %q, %v", code, first, err)
	}
}

// TestReportBearsItsCommand: what was asked for as fanin is not called by the scenario that it is one of.
func TestReportBearsItsCommand(t *testing.T) {
	t.Setenv(toolVariable, "1")
	dir := t.TempDir()
	file := filepath.Join(dir, "report.html")
	if code, _, errs := call(t, "", append([]string{"bench", "fanin", "--shm-dir", dir, "--html", file}, brief...)...); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "<title>ringcast bench fanin</title>") || !strings.Contains(string(text), "<td>fanin</td>") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestBenchRefuses(t *testing.T) {
	for _, r := range []refusal{
		{"no such scenario", "", []string{"bench", "sideways"}, exitUsage, []string{"unknown command", "--help"}},
		{"small", "", []string{"bench", "oneway", "--size", "4"}, exitUsage, []string{"16 bytes to 16 MiB"}},
		{"waiting", "", []string{"bench", "oneway", "--wait", "hope"}, exitUsage, []string{"block, spin or yield"}},
		{"core", "", []string{"bench", "oneway", "--pin", "5000"}, exitUsage, []string{"core 5000"}},
		{"exclusive", "", []string{"bench", "fanin", "--exclusive"}, exitUsage, []string{"it takes one"}},
		{"latencies of a queue", "", []string{"bench", "oneway", "--hgrm", "x"}, exitUsage, []string{"--rate"}},
		{"nowhere", "", append([]string{"bench", "oneway", "--shm-dir", "/nowhere"}, brief...), exitFailed, []string{"/nowhere"}},
		{"log of a queue", "", []string{"bench", "oneway", "--hlog", "x"}, exitUsage, []string{"--rate"}},
		{"one to compare", "", []string{"bench", "compare", "x"}, exitUsage, []string{"an argument is missing"}},
		{"nothing to compare", "", []string{"bench", "compare", "/nowhere/a", "/nowhere/b"}, exitFailed, []string{"/nowhere/a"}},
		{"no run", "", []string{"bench", "compare", "main.go", "main.go"}, exitUsage, []string{"main.go", "--json"}},
		{"no rate", "", []string{"bench", "oneway", "--rate", "NaN"}, exitUsage, []string{"rate NaN"}},
		{"a pause before now", "", []string{"bench", "wake", "--pause", "-1s"}, exitUsage, []string{"pause of -1s"}},
		{"no topics", "", []string{"bench", "idle", "--topics", "-1"}, exitUsage, []string{"1 to 10000"}},
		{"one node", "", []string{"bench", "net", "--nodes", "1"}, exitUsage, []string{"want 2 to 16"}},
		{"no loss", "", []string{"bench", "loss", "--losses", "NaN"}, exitUsage, []string{"0 to 90"}},
		{"all lost", "", []string{"bench", "loss", "--losses", "0,100"}, exitUsage, []string{"0 to 90"}},
		{"small between nodes", "", []string{"bench", "net", "--size", "4"}, exitUsage, []string{"16 bytes"}},
		{"callers", "", []string{"bench", "request", "--callers", "-1"}, exitUsage, []string{"at least one of each"}},
		{"unknown peer", "", []string{"bench", "oneway", "--against", "pigeons"}, exitUsage, []string{"aeron", "pigeons"}},
		{"peer without surveys", "", []string{"bench", "survey", "--against", "unix"}, exitFailed, []string{"not measured at survey"}},
		{"peers that are not built", "", []string{"bench", "oneway", "--against", "aeron,zenoh"}, exitFailed, []string{"make peer-aeron", "make peer-zenoh"}},
		{"shell", "", []string{"completion", "tcsh"}, exitUsage, []string{"bash, zsh or fish"}},
		{"files of whom", "", []string{"bench", "oneway", "--against", "unix", "--html", "x"}, exitUsage, []string{"one run of ours"}},
		{"unknown peer between nodes", "", []string{"bench", "loss", "--against", "pigeons"}, exitUsage, []string{"want one of"}},
		{"a part of it", "", []string{"bench", "child"}, exitFailed, []string{"ringcast bench oneway"}},
	} {
		r.check(t)
	}
}

// TestBenchSaysWhyItMissed: readers that were put out are an exit code of their own, with what happened, the reason as far
// as the run shows one, and flags that help; nothing is said of what was not so.
func TestBenchSaysWhyItMissed(t *testing.T) {
	spec := bench.Spec{Scenario: bench.Stream, Producers: 3, Readers: 1, Wait: bench.Spin}
	crowded := bench.Result{Spec: spec, Missed: 12345, Machine: bench.Machine{Cores: 2}}
	alone, pinned, busy, none := crowded, crowded, crowded, crowded
	alone.Machine.Cores, alone.Spec.StallBudget = 8, 20*time.Second
	pinned.Machine.Cores, pinned.Spec.Pin, pinned.Spec.Wait = 8, []int{1, 0, 1}, bench.Block
	busy.Machine.Cores, busy.OtherCores, busy.Steal = 8, 1.26, 0.25
	none.Missed = 0
	if err := missedError(&none); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		result      *bench.Result
		says, never []string
	}{
		"more processes than cores": {&crowded, []string{"missed 12,345 messages", "500ms", "4 processes", "shared 2 cores", "--producers", "--wait block", "--stall-budget 10s"}, []string{"Other"}},
		"room for all":              {&alone, []string{"20s (the stall budget)", "--stall-budget 3m20s"}, []string{"shared", "Other"}},
		"more than are pinned":      {&pinned, []string{"shared 2 cores"}, []string{"--wait block"}},
		"others":                    {&busy, []string{"kept 1.3 cores busy", "took 25 % of the time"}, []string{"shared"}},
	} {
		err := missedError(c.result)
		var coded *exitError
		if !errors.As(err, &coded) || coded.code != exitMissed {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := err.Error() + advise(err)
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s: does not say %q", name, text, want)
			}
		}
		for _, no := range c.never {
			if strings.Contains(text, no) {
				t.Errorf("%s: %s: says %q", name, text, no)
			}
		}
	}
}
