package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const (
	nearLine = 110 * time.Nanosecond
	farLine  = 510 * time.Nanosecond
)

// scripted makes a contender of given rates, and notes whose turn it was.
func scripted(name string, turns *[]string, rates ...float64) Contender {
	i := 0
	return Contender{Name: name, Measure: func(context.Context) (Figure, error) {
		*turns = append(*turns, name)
		rate := rates[i%len(rates)]
		i++
		return Figure{Rate: rate}, nil
	}}
}

// lines makes a probe of given times; the last one stays.
func lines(list ...time.Duration) func() time.Duration {
	return func() time.Duration {
		first := list[0]
		if len(list) > 1 {
			list = list[1:]
		}
		return first
	}
}

// TestAlternateTakesTurns wants A B A B, and an end when there are pairs enough.
func TestAlternateTakesTurns(t *testing.T) {
	var turns []string
	rounds, err := Alternate(context.Background(), []Contender{scripted("a", &turns, 10), scripted("b", &turns, 5)},
		Rounds{Want: 3, Most: 10, Probe: lines(nearLine)})
	if err != nil || len(rounds) != 3 || strings.Join(turns, "") != "ababab" {
		t.Fatalf("%d rounds, turns %v, error %v: want 3 rounds in turn", len(rounds), turns, err)
	}
	got := Compare(rounds, 1, RateOf, RateOf)
	want := Comparison{Ours: 10, Theirs: 5, Ratio: 2, Regime: Near, Line: nearLine, Pairs: 3}
	if got != want {
		t.Errorf("comparison = %+v, want %+v", got, want)
	}
}

// TestPairsOfOneRegime changes the regime in the second of four rounds, and runs
// the others near, far, far: only the far ones are compared.
func TestPairsOfOneRegime(t *testing.T) {
	var turns []string
	probe := lines(nearLine, nearLine, nearLine, // round 1 near
		nearLine, farLine, // round 2: a near, b while it changes
		farLine, farLine, // round 3 far
		farLine, farLine) // round 4 far
	rounds, err := Alternate(context.Background(),
		[]Contender{scripted("a", &turns, 100, 100, 30, 10), scripted("b", &turns, 50, 50, 10, 10)},
		Rounds{Want: 3, Most: 4, Probe: probe})
	if err != nil || len(rounds) != 4 {
		t.Fatalf("%d rounds, error %v", len(rounds), err)
	}
	got := Compare(rounds, 1, RateOf, RateOf)
	want := Comparison{Ours: 20, Theirs: 10, Ratio: 2, Spread: got.Spread, Regime: Far, Line: farLine, Pairs: 2, Discarded: 2}
	if got != want {
		t.Errorf("comparison = %+v, want %+v", got, want)
	}
	if got := MedianIn(rounds, 0, Near, RateOf); got != 100 { // rounds 1 and 2
		t.Errorf("median of the near ones = %v, want 100", got)
	}
	if got := MedianIn(rounds, 0, Changed, RateOf); got != 0 {
		t.Errorf("median of none = %v", got)
	}
	if got.Spread != 0.5 { // ratios 1 and 3: quartiles 1.5 and 2.5 around 2
		t.Errorf("spread = %v, want 0.5", got.Spread)
	}
}

// TestAgainUntilTheRegimeFits runs the second contender again, once because the
// regime changed and once because it was the other one, and keeps the one that fits.
func TestAgainUntilTheRegimeFits(t *testing.T) {
	var turns []string
	rounds, err := Alternate(context.Background(), []Contender{scripted("a", &turns, 10), scripted("b", &turns, 1, 2, 3, 5)},
		Rounds{Want: 1, Most: 1, Again: 5, Probe: lines(nearLine, nearLine, farLine, farLine, nearLine, nearLine)})
	if err != nil || strings.Join(turns, "") != "abbbb" {
		t.Fatalf("turns %v, error %v: want b four times", turns, err)
	}
	if got := Compare(rounds, 1, RateOf, RateOf); got.Pairs != 1 || got.Theirs != 5 || got.Regime != Near {
		t.Errorf("comparison = %+v, want the last run of b", got)
	}
}

func TestNoPairInOneRegime(t *testing.T) {
	var turns []string
	rounds, err := Alternate(context.Background(), []Contender{scripted("a", &turns, 1), scripted("b", &turns, 1)},
		Rounds{Want: 1, Most: 2, Probe: lines(nearLine, farLine, nearLine, farLine, nearLine)})
	if err != nil || len(rounds) != 2 {
		t.Fatalf("%d rounds, error %v: want both that are allowed", len(rounds), err)
	}
	if got := Compare(rounds, 1, RateOf, RateOf); got.Pairs != 0 || got.Discarded != 2 || got.Ratio != 0 {
		t.Errorf("comparison = %+v, want none", got)
	}
}

func TestAlternateEndsInTime(t *testing.T) {
	var turns []string
	rounds, err := Alternate(context.Background(), []Contender{scripted("a", &turns, 1), scripted("b", &turns, 1)},
		Rounds{Want: 5, Most: 100, Until: time.Now().Add(-time.Second), Probe: lines(nearLine)})
	if err != nil || len(rounds) != 1 {
		t.Errorf("%d rounds, error %v: want one", len(rounds), err)
	}
}

func TestAlternateNamesWhoFailed(t *testing.T) {
	bad := errors.New("no legs")
	_, err := Alternate(context.Background(), []Contender{{Name: "snail", Measure: func(context.Context) (Figure, error) { return Figure{}, bad }}},
		Rounds{Want: 1, Most: 1, Probe: lines(nearLine)})
	if !errors.Is(err, bad) || !strings.Contains(err.Error(), "snail") {
		t.Errorf("error = %v", err)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := Median(c.values); got != c.want {
			t.Errorf("median of %v = %v, want %v", c.values, got, c.want)
		}
	}
}

// TestProgram runs a contender outside: it gets the work as flags, a directory of
// its own that goes away, and its answer is read.
func TestProgram(t *testing.T) {
	dir := t.TempDir()
	script := `printf '{"rate":12.5,"latency_ns":{"p50":42,"p99":99}}'; echo "$@" > ` + filepath.Join(dir, "args")
	p := Program{Name: "other", Command: []string{"/bin/sh", "-c", script, "sh"}, Scratch: dir,
		Spec: Spec{Scenario: PingPong, Size: 64, Exclusive: true, Wait: Spin, Pin: []int{0}, Duration: time.Second}}
	f, err := p.Contender().Measure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want := (Figure{Rate: 12.5, Latency: &Percentiles{P50: 42, P99: 99}}); !reflect.DeepEqual(f, want) {
		t.Errorf("figure = %+v, want %+v", f, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, "args"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--scenario pingpong", "--size 64", "--wait spin", "--exclusive 1", "--pin 0,0", "--duration-ns 1000000000", "--dir " + dir} {
		if !strings.Contains(string(text), want) {
			t.Errorf("flags %q: want %q among them", text, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "ringcast-peer-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestProgramThatFails(t *testing.T) {
	for name, script := range map[string]string{"ends badly": "echo gone wrong >&2; exit 3", "says nothing": "echo gone wrong"} {
		p := Program{Name: "other", Command: []string{"/bin/sh", "-c", script}, Spec: Spec{Scenario: Stream}}
		if _, err := p.Contender().Measure(context.Background()); err == nil || !strings.Contains(err.Error(), "gone wrong") {
			t.Errorf("%s: error = %v, want what it said", name, err)
		}
	}
}
