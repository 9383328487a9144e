package node

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// TestMain lets the test's own program be a peer's: messages lie in files.
func TestMain(m *testing.M) {
	if os.Getenv("RINGCAST_NODE_TEST") != "" {
		Peer{Begin: func(w *Work) (string, func(), error) { return w.Dir, func() {}, os.MkdirAll(w.Dir, 0o700) }, Open: openFiles}.Main()
		return
	}
	os.Exit(m.Run())
}

// files is a link for round trips: one message lies in a file until it is taken.
type files struct{ out, in string }

func openFiles(w *Work) (Link, error) {
	a, b := filepath.Join(w.Place, "a"), filepath.Join(w.Place, "b")
	if w.Role == Ping || w.Role == Ask || w.Role == Produce {
		return &files{a, b}, nil
	}
	return &files{b, a}, nil
}

func (f *files) Send(payload []byte) error {
	for i := 0; i < 60_000; i++ { // while the one before is not taken
		if _, err := os.Stat(f.out); err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := os.WriteFile(f.out+"-new", payload, 0o600); err != nil {
		return err
	}
	return os.Rename(f.out+"-new", f.out)
}

func (f *files) Receive(take func([]byte) error) error {
	payload, err := os.ReadFile(f.in)
	if err != nil {
		time.Sleep(time.Millisecond)
		return nil
	}
	if err := os.Remove(f.in); err != nil {
		return err
	}
	return take(payload)
}

func (f *files) Close() error { return nil }

// TestProgram runs each scenario, and wants a figure.
func TestProgram(t *testing.T) {
	t.Setenv("RINGCAST_NODE_TEST", "1")
	for name, more := range map[string][]string{
		"stream": {"--rate", "200"}, "pingpong": nil, "request": {"--rate", "50"}, "idle": nil,
	} {
		args := append([]string{"--scenario", name, "--size", "64", "--warmup-ns", "20000000", "--duration-ns", "100000000", "--dir",
			filepath.Join(t.TempDir(), "peer"), "--slots", "64"}, more...)
		out, err := exec.Command(os.Args[0], args...).Output()
		rest, ready := bytes.CutPrefix(out, []byte("ready\n"))
		var f bench.Figure
		if err == nil {
			err = json.Unmarshal(rest, &f)
		}
		trips := name == "pingpong" || name == "request" // a stream's reader may have no core for all of the window
		if err != nil || !ready || f.Missing != 0 || trips && (f.Rate == 0 || f.Latency == nil) {
			t.Errorf("%s: %q, figure %+v, %v", name, out, f, err)
		}
	}
}

// TestBooks counts what is missing and refuses what comes twice or is not what was written.
func TestBooks(t *testing.T) {
	b := newBooks(&Work{Size: 64, Touched: 64}, 1)
	payload := make([]byte, 64)
	for _, tag := range []uint64{1, 2, 5, 6 | bench.LastMark} {
		bench.Fill(payload, tag, 0)
		if err := b.take(payload); err != nil {
			t.Fatal(err)
		}
	}
	if b.account.Missing != 2 || b.open != 0 {
		t.Errorf("missing %d, open %d", b.account.Missing, b.open)
	}
	bench.Fill(payload, 5, 0)
	if err := b.take(payload); err == nil || !strings.Contains(err.Error(), "came after") {
		t.Errorf("a message that comes twice: %v", err)
	}
	payload[20]++
	if err := b.take(payload); err == nil || !strings.Contains(err.Error(), "not what was written") {
		t.Errorf("a damaged message: %v", err)
	}
}

// TestWindow opens after the warm-up, and counts what comes until the end.
func TestWindow(t *testing.T) {
	b := newBooks(&Work{Warmup: time.Second, Duration: time.Second}, 1)
	b.start, b.end = 1e9, 2e9
	for i := uint64(0); i <= 21; i++ {
		b.n = i
		b.turn(i * 1e8)
		b.record(i*1e8, i)
	}
	if b.account.Rate != 10 || b.times.TotalCount() != 10 {
		t.Errorf("rate %v, %d latencies", b.account.Rate, b.times.TotalCount())
	}
}

// TestParts puts each latency of a stream at a pace into its 20 ms, and leaves out what came after the last whole one.
func TestParts(t *testing.T) {
	b := newBooks(&Work{Role: Consume, Rate: 1000, Duration: 2*bench.PartLength + bench.PartLength/2}, 1)
	b.start, b.end = 1, 1e12
	b.turn(1)
	part := uint64(bench.PartLength)
	for _, at := range []uint64{0, 1, part, 2 * part} {
		b.record(b.from+at, 1000+at/part)
	}
	if len(b.parts) != 2 || b.parts[0].TotalCount() != 2 || b.parts[1].TotalCount() != 1 || b.times.TotalCount() != 4 {
		t.Errorf("%d parts, %d latencies in all", len(b.parts), b.times.TotalCount())
	}
	if got := bench.TailsOf(nil, b.parts); len(got) != 2 || got[1] != 1001 {
		t.Errorf("p99 of the parts: %v", got)
	}
	if b := newBooks(&Work{Role: Consume, Duration: time.Second}, 1); b.parts != nil {
		t.Error("a stream without a pace has parts")
	}
}

// TestTouched: what is not touched is not looked at, and the length always.
func TestTouched(t *testing.T) {
	w, err := parse([]string{"-size", "64", "-touched", "16"})
	if err != nil {
		t.Fatal(err)
	}
	b, payload := newBooks(w, 1), make([]byte, 64)
	bench.Fill(payload[:w.Touched], 1, 2)
	payload[40] = 7
	if err := b.take(payload); err != nil || b.stamp != 2 {
		t.Errorf("stamp %d, %v", b.stamp, err)
	}
	if err := b.take(payload[:48]); err == nil {
		t.Error("a shorter message is taken")
	}
	if w, err := parse([]string{"-size", "64"}); err != nil || w.Touched != 64 {
		t.Errorf("%+v, %v: want all of it", w, err)
	}
	for _, wrong := range []string{"8", "72"} {
		if _, err := parse([]string{"-size", "64", "-touched", wrong}); err == nil {
			t.Errorf("-touched %s is taken", wrong)
		}
	}
}
