package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/peers"
)

const (
	nearLine = 100 * time.Nanosecond
	farLine  = 500 * time.Nanosecond
)

// roundOf is a round of ours and some others, all at one distance of the cores. The C library has the figure of the Go package where none is given.
func roundOf(cell string, line time.Duration, figures map[string]bench.Figure) round {
	r := round{Cell: cell, Time: time.Unix(1, 0), Runs: []run{{Who: ours, Figure: figures[ours], Before: line, After: line}}}
	for who, f := range figures {
		if who != ours {
			r.Runs = append(r.Runs, run{Who: who, Figure: f, Before: line, After: line})
		}
	}
	if _, apart := figures[oursNative]; !apart {
		r.Runs = append(r.Runs, run{Who: oursNative, Figure: figures[ours], Before: line, After: line})
	}
	return r
}

func rated(v float64) bench.Figure { return bench.Figure{Rate: v} }

func late(rate float64, p99 int64) bench.Figure {
	return bench.Figure{Rate: rate, Latency: &bench.Percentiles{P50: p99 / 2, P99: p99}}
}

// TestCells wants the fixed table: so many cells, each with a name of its own and a work that can be done.
func TestCells(t *testing.T) {
	seen := make(map[string]bool)
	for _, c := range allCells() {
		if seen[c.name] {
			t.Errorf("two cells are called %q", c.name)
		}
		seen[c.name] = true
		c = c.timed(length{time.Second, time.Second, time.Second, time.Second})
		switch {
		case c.measure == commands:
		case c.between():
			if err := c.work.Check(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		default:
			if _, err := c.spec.Complete(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	if len(seen) != 36+9+1+24+4 {
		t.Errorf("%d cells, want 74", len(seen))
	}
	for _, p := range peers.All {
		if len(newcomer[p.Name]) == 0 {
			t.Errorf("no commands of a newcomer to %s", p.Title)
		}
	}
}

// TestRoomAtAPace wants rings that hold, at a pace, what comes while a reader has no core for 2 ms; 4 MiB are never carried at that pace.
func TestRoomAtAPace(t *testing.T) {
	for _, c := range allCells() {
		if c.spec.Scenario != bench.Stream || c.spec.Rate == 0 || c.spec.Size > 64<<10 {
			continue
		}
		if room := time.Duration(float64(c.spec.Slots) / c.spec.Rate * float64(time.Second)); room < 2*time.Millisecond {
			t.Errorf("%s: %d slots are room for %v", c.name, c.spec.Slots, room)
		}
	}
}

// lineOf is the composed line of one cell.
func lineOf(t *testing.T, name string, rounds ...round) *line {
	t.Helper()
	for _, l := range compose(rounds, 3, alikeLibrary) {
		if l.cell.name == name {
			return &l
		}
	}
	t.Fatalf("no cell %q", name)
	return nil
}

func (l *line) row(peer string) *row {
	for i := range l.rows {
		if l.rows[i].peer.Name == peer {
			return &l.rows[i]
		}
	}
	return nil
}

// TestPairsOfOneRegime takes the regime with most pairs, the newest of it, and counts the rest as discarded.
func TestPairsOfOneRegime(t *testing.T) {
	const name = "one-way 64 B 1-1"
	at := func(line time.Duration, a, b float64) round {
		return roundOf(name, line, map[string]bench.Figure{ours: rated(a), "unix": rated(b)})
	}
	l := lineOf(t, name, at(farLine, 1, 9), at(nearLine, 100, 1), at(nearLine, 10, 5), at(nearLine, 12, 5), at(nearLine, 11, 5))
	r := l.row("unix")
	if r.Pairs != 3 || r.Ours != 11 || r.Theirs != 5 || r.Regime != bench.Near || r.Discarded != 1 || !r.ahead() {
		t.Errorf("row %+v", r.Comparison)
	}
	if l.ahead() {
		t.Error("ahead of peers that have not been run")
	}
	changed := at(nearLine, 1, 2)
	changed.Runs[1].After = farLine
	if r := lineOf(t, name, changed).row("unix"); r.Pairs != 0 || r.Discarded != 1 || r.ahead() {
		t.Errorf("a pair in which the regime changed: %+v", r.Comparison)
	}
}

// TestLatenciesWhereBothCarry compares p99 only where both carry the rate, else the rate.
func TestLatenciesWhereBothCarry(t *testing.T) {
	const name = "one-way 64 B 1-3, 100 k/s"
	r := lineOf(t, name, roundOf(name, farLine, map[string]bench.Figure{
		ours: late(300_000, 2000), "zeromq": late(299_000, 1000), "unix": late(150_000, 10), "iceoryx2": late(300_000, 4000)}))
	for peer, want := range map[string]struct {
		what  measure
		ahead bool
	}{"zeromq": {tail, false}, "unix": {rate, true}, "iceoryx2": {tail, true}} {
		if got := r.row(peer); got.what != want.what || got.ahead() != want.ahead {
			t.Errorf("%s: compared %s, ahead %v; want %+v", peer, got.what, got.ahead(), want)
		}
	}
}

// TestBetweenNodes takes all pairs, whatever the cores did, and peers that are there.
func TestBetweenNodes(t *testing.T) {
	const name = "two nodes 1024 B, loss 1 %"
	near := roundOf(name, nearLine, map[string]bench.Figure{ours: rated(10), "aeron": rated(5)})
	far := roundOf(name, farLine, map[string]bench.Figure{ours: rated(12), "aeron": rated(5)})
	l := lineOf(t, name, near, far)
	if r := l.row("aeron"); r.Pairs != 2 || r.Ours != 11 || r.Discarded != 0 {
		t.Errorf("row %+v", r.Comparison)
	}
	if l.row("unix") != nil {
		t.Error("a socket of one node has a row between nodes")
	}
}

// TestFailures: a peer that fails is not ahead; one that cannot is no reason to be behind.
func TestFailures(t *testing.T) {
	const name = "one-way 64 B 1-1"
	r := roundOf(name, nearLine, map[string]bench.Figure{ours: rated(1)})
	r.Runs = append(r.Runs, run{Who: "unix", Failed: "no such luck\nmore"})
	row := lineOf(t, name, r).row("unix")
	if !row.ahead() || !strings.Contains(row.String(), "failed: no such luck") {
		t.Errorf("a peer that fails: %s", row)
	}
	request := lineOf(t, "request 256 B")
	if row := request.row("aeron"); !row.ahead() || !strings.Contains(row.String(), "cannot") {
		t.Errorf("a peer that cannot: %s", row)
	}
	if row := request.row("unix"); row.ahead() || row.ran() {
		t.Errorf("a row that was not run: %s", row)
	}
}

// TestTroubles: what a peer lost, and runs of it that failed, stand beside its figures.
func TestTroubles(t *testing.T) {
	const name = "one-way 64 B 1-1"
	lossy := roundOf(name, nearLine, map[string]bench.Figure{ours: rated(1), "unix": {Rate: 2, Missing: 3}})
	whole := roundOf(name, nearLine, map[string]bench.Figure{ours: rated(1), "unix": rated(2)})
	failed := roundOf(name, nearLine, map[string]bench.Figure{ours: rated(1)})
	failed.Runs = append(failed.Runs, run{Who: "unix", Failed: "no message came"})
	row := lineOf(t, name, lossy, whole, failed).row("unix")
	if text := row.String(); row.Pairs != 2 || !strings.HasSuffix(text, "2+0, messages lost in 1, 1 failed") {
		t.Errorf("a peer with troubles: %s", text)
	}
	if text := lineOf(t, name, whole).row("unix").String(); !strings.HasSuffix(text, "1+0") {
		t.Errorf("a peer without troubles: %s", text)
	}
	newer := whole
	newer.Version = "newer"
	if text := lineOf(t, name, whole, whole, newer).row("unix").String(); !strings.HasSuffix(text, "3+0, 2 of an earlier version") {
		t.Errorf("pairs of two versions: %s", text)
	}
}

// TestNames: a cell whose name has a comma can be asked for, and a list may have spaces.
func TestNames(t *testing.T) {
	const list = "one-way 256 B 1-1, 100 k/s,idle processor, memory"
	for name, want := range map[string]bool{"one-way 256 B 1-1, 100 k/s": true, "idle processor": true, "memory at start": true, "one-way 256 B 1-1": false} {
		if wanted(list, name, false) != want {
			t.Errorf("%q of %q: want %v", name, list, want)
		}
	}
	if !wanted("aeron, nats", "nats", true) || wanted("aeron, nats", "unix", true) {
		t.Error("a list of peers with a space in it")
	}
}

// TestOneFailure: a peer that failed once is tried again, and one whose runs were only never alike has not failed.
func TestOneFailure(t *testing.T) {
	const name = "one-way 64 B 1-1"
	failed := roundOf(name, nearLine, map[string]bench.Figure{ours: rated(1)})
	failed.Runs = append(failed.Runs, run{Who: "unix", Failed: nothingCame})
	failed.Version = "v"
	p := &plan{programs: t.TempDir(), want: 1, peers: "unix", version: "v"}
	if err := os.WriteFile(filepath.Join(p.programs, "unix-node"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	c := lineOf(t, name).cell
	if p.next(&c, []round{failed}, patience) == nil {
		t.Error("not tried again behind one failure")
	}
	if p.next(&c, []round{failed, failed}, patience) != nil {
		t.Error("tried again behind two failures, and nothing else")
	}
	apart := roundOf(name, nearLine, map[string]bench.Figure{ours: rated(1), "unix": rated(2)})
	apart.Runs[1].After = farLine
	if row := lineOf(t, name, failed, apart).row("unix"); row.ahead() || row.failed != "" {
		t.Errorf("a failure and a run whose distance changed: %s, ahead %v", row, row.ahead())
	}
}

// TestFloors: what cannot be told apart is no difference.
func TestFloors(t *testing.T) {
	const name = "idle processor"
	l := lineOf(t, name, roundOf(name, nearLine, map[string]bench.Figure{
		ours: {CPU: 0.0004}, "unix": {CPU: 0.0001}, "aeron": {CPU: 0.03}, "nats": {CPU: 0.0002}}))
	if a, b := l.row("unix"), l.row("aeron"); !a.ahead() || a.Ratio != 1 || !b.ahead() || b.Ratio > 0.04 {
		t.Errorf("rows %s, %s", a, b)
	}
}

// TestVerdict counts a cell that was not run as behind, names those behind and their causes.
func TestVerdict(t *testing.T) {
	const name = "one-way 64 B 1-1"
	figures := map[string]bench.Figure{ours: rated(10)}
	for _, p := range peers.All {
		figures[p.Name] = rated(5)
	}
	causes := []cause{{"uni*", "one-way*", "sockets are magic"}}
	ahead, behind := verdict(compose([]round{roundOf(name, nearLine, figures)}, 3, alikeLibrary), causes)
	if ahead != 2 || len(behind) != 72 { // that of the commands, too
		t.Errorf("ahead in %d, behind %d lines", ahead, len(behind))
	}
	figures["unix"] = rated(20)
	_, behind = verdict(compose([]round{roundOf(name, nearLine, figures)}, 3, alikeLibrary), causes)
	if !strings.Contains(behind[0], "unix socket") || !strings.HasSuffix(behind[0], "sockets are magic") {
		t.Errorf("first of those behind: %s", behind[0])
	}
	var out bytes.Buffer
	if err := printTable(&out, compose(nil, 3, alikeLibrary), compose(nil, 3, goPackage), nil); err != nil || !strings.Contains(out.String(), "ahead in 1 of 74 cells\n") {
		t.Errorf("an empty table ends in %q, %v", out.String()[max(0, out.Len()-200):], err)
	}
}

// TestStore writes rounds and reads them back, by time; a line that is none is named.
func TestStore(t *testing.T) {
	s := store{filepath.Join(t.TempDir(), "results")}
	if all, err := s.load(); err != nil || len(all) != 0 {
		t.Fatalf("an empty store: %v, %v", all, err)
	}
	for _, at := range []int64{200_000, 100} {
		r := roundOf("x", nearLine, map[string]bench.Figure{ours: rated(float64(at)), "unix": late(1, 5)})
		r.Time, r.Machine = time.Unix(at, 0), bench.Machine{CPU: "AMD EPYC", Cores: 2}
		if err := s.add(&r); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.load()
	if err != nil || len(all) != 2 || all[0].Runs[0].Figure.Rate != 100 || all[1].Runs[1].Figure.Latency.P99 != 5 {
		t.Fatalf("read back: %+v, %v", all, err)
	}
	path := filepath.Join(s.dir, "1970-01-01-amd-epyc-2-cores.jsonl")
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.load(); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a line that is no round: %v", err)
	}
}

// TestSchedule goes through the cells by importance, and asks for the rows that lack pairs.
func TestSchedule(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"unix", "zeromq"} {
		if err := os.WriteFile(filepath.Join(dir, name+"-node"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	p := &plan{programs: dir, want: 1, cells: "ping-pong 64 B,memory", peers: "unix,zeromq,aeron", version: "v"}
	list := p.schedule()
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	const spin = "ping-pong 64 B, spin"
	if got := strings.Join(names, "; "); got != spin+"; memory at start; ping-pong 64 B, default; ping-pong 64 B, after a pause" {
		t.Fatalf("order of cells: %s", got)
	}
	one := roundOf(spin, nearLine, map[string]bench.Figure{ours: late(1, 1), "unix": late(1, 1)})
	one.Version = "v"
	for _, want := range []struct {
		version string
		peers   int
	}{{"v", 1}, {"w", 2}} {
		p.version = want.version
		if task := p.next(&list[0], []round{one}, 2); task == nil || len(task.peers) != want.peers {
			t.Errorf("version %s: %+v, want %d peers", want.version, task, want.peers)
		}
	}
	p.peers, p.version = "unix", "v"
	if task := p.next(&list[0], []round{one}, 2); task != nil {
		t.Errorf("beside a socket alone a round is wanted: %+v", task)
	}
	one.Runs[1].After = farLine
	if p.next(&list[0], []round{one}, 2) == nil || p.next(&list[0], []round{one, one}, 2) != nil {
		t.Error("rounds that count for nothing: want two at most for one pair")
	}
}

// TestMatches sets runs of different rounds beside each other that were made at one distance of the cores.
func TestMatches(t *testing.T) {
	const name = "one-way 64 B 1-1"
	at := func(a, b time.Duration, x, y float64) round {
		r := roundOf(name, a, map[string]bench.Figure{ours: rated(x), "unix": rated(y)})
		r.Runs[1].Before, r.Runs[1].After = b, b
		return r
	}
	r := lineOf(t, name, at(nearLine, farLine, 10, 2), at(farLine, nearLine, 4, 5), at(farLine, farLine, 6, 3), at(nearLine, farLine, 20, 1)).row("unix")
	if r.Pairs != 2 || r.Regime != bench.Far || r.Ours != 5 || r.Theirs != 2.5 || r.Discarded != 2 {
		t.Errorf("four rounds, far twice on our side and three times on theirs: %+v", r.Comparison)
	}
	const close = 50 * time.Nanosecond
	if r := lineOf(t, name, at(close, 2*close, 10, 2)).row("unix"); r.Pairs != 0 {
		t.Errorf("cores twice as far from each other: %+v", r.Comparison)
	}
	other := at(nearLine, nearLine, 10, 2)
	other.Version = "before"
	other.Runs[1].After = farLine
	if r := lineOf(t, name, other, at(farLine, nearLine, 1, 2)).row("unix"); r.Pairs != 0 {
		t.Errorf("ours of another version: %+v", r.Comparison)
	}
}

// TestCauses reads the file of causes and takes the first that fits.
func TestCauses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causes")
	if err := os.WriteFile(path, []byte("# why\n\naeron one-way 64 B*: lines\n* *: anything\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := readCauses(path)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := causeOf(list, "one-way 64 B 1-1", "aeron"), causeOf(list, "request 256 B", "unix"); a != "lines" || b != "anything" {
		t.Errorf("causes %q and %q", a, b)
	}
	if err := os.WriteFile(path, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readCauses(path); err == nil || !strings.Contains(err.Error(), "want PEER CELL") {
		t.Errorf("a line that is no cause: %v", err)
	}
}

// TestReport writes the document with a picture of what there is, and none of what there is not.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	var rounds []round
	for _, size := range []string{"64 B", "256 B"} {
		rounds = append(rounds, roundOf("one-way "+size+" 1-1", nearLine, map[string]bench.Figure{ours: rated(10), "unix": rated(5)}))
	}
	path := filepath.Join(dir, "benchmarks.md")
	if err := writeReport(path, rounds, compose(rounds, 3, alikeLibrary), compose(rounds, 3, goPackage), nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	for _, want := range []string{"| one-way 64 B 1-1 | unix socket | rate | 10 /s | 5 /s | 2.00 | 10 /s | 2.00 |", "| one-way 1024 B 1-1 | all | not run |",
		"| one-way 64 B 1-1 | NATS | not run |", "pictures/one-way.svg", "## Behind", "of 74 cells",
		"| unix socket | 3 | 3 | 2.00 | 3 | 2.00 |\n"} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("the document lacks %q (%v)", want, err)
		}
	}
	if strings.Contains(string(text), "loss.svg") {
		t.Error("a picture of cells that were not run")
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "pictures", "one-way.svg")); err != nil || !strings.HasPrefix(string(svg), "<svg") {
		t.Errorf("picture begins with %.20q, %v", svg, err)
	}
}

// TestTypicalTail compares by the parts where all runs have them, and says beside it what they leave out.
func TestTypicalTail(t *testing.T) {
	const name = "one-way 256 B 3-1, 100 k/s"
	parted := func(p99, usual int64, stalled float64) bench.Figure {
		f := late(offeredOnNode, p99)
		f.Tail = &bench.Tail{Parts: 30, Typical: usual, Stalled: stalled}
		return f
	}
	own := map[string]bench.Figure{ours: parted(4e6, 20e3, 0.1), "aeron": parted(50e3, 30e3, 0), "iceoryx2": late(offeredOnNode, 3e6)}
	l := lineOf(t, name, roundOf(name, nearLine, own))
	if r := l.row("aeron"); r.what != typical || r.Ours != 20e3 || r.Theirs != 30e3 || !r.ahead() {
		t.Errorf("beside Aeron: %s, %v to %v", r.what, r.Ours, r.Theirs)
	}
	if r := l.row("iceoryx2"); r.what != tail || r.Ours != 4e6 || r.ahead() {
		t.Errorf("beside a run without parts: %s, %v to %v", r.what, r.Ours, r.Theirs)
	}
	var b strings.Builder
	writeStalls(&b, []line{*l})
	if want := "| " + name + " | Aeron C | 4ms | 50µs |"; !strings.Contains(b.String(), want) || !strings.Contains(b.String(), " 10 % | 0 % |") {
		t.Errorf("%s\nwants %q", b.String(), want)
	}
	own["aeron"] = bench.Figure{Rate: offeredOnNode / 2, Tail: own["aeron"].Tail}
	if r := lineOf(t, name, roundOf(name, nearLine, own)).row("aeron"); r.what != rate {
		t.Errorf("beside one that does not carry the rate: %s", r.what)
	}
	for apart, want := range map[string]measure{"two nodes 256 B, loss 0 %, 10 k/s": between, "two nodes 256 B, loss 1 %, 10 k/s": tail} {
		own := map[string]bench.Figure{ours: parted(9e6, 1e6, 0), "aeron": parted(3e6, 2e6, 0)}
		for who, f := range own {
			f.Rate = offeredBetween
			own[who] = f
		}
		if r := lineOf(t, apart, roundOf(apart, nearLine, own)).row("aeron"); r.what != want || r.ahead() != (want == between) {
			t.Errorf("%s: %s, %v to %v", apart, r.what, r.Ours, r.Theirs)
		}
	}
}
