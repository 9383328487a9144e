package nodes

import (
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// TestJudge holds ours to what it says, and a lossy peer to nothing but an answer.
func TestJudge(t *testing.T) {
	good := received{Received: 10, Ended: true}
	for _, c := range []struct {
		name     string
		lossy    bool
		received received
		fails    bool
	}{
		{ours, false, good, false},
		{ours, false, received{Received: 10, Ended: true, Missing: 2, Told: 2}, false},
		{ours, false, received{Received: 10, Ended: true, Missing: 2, Told: 1}, true},
		{ours, false, received{Received: 10, Ended: true, Disorder: 1}, true},
		{ours, false, received{Received: 10}, true},
		{inC, false, received{Received: 10, Ended: true, Missing: 2, Told: 1}, true},
		{raw, true, received{Received: 10, Missing: 5, Disorder: 1}, false},
		{raw, true, received{}, true},
		{zeromq, false, received{Received: 10, Disorder: 1}, true},
	} {
		tr := tried{contender: contender{name: c.name, lossy: c.lossy}}
		err := tr.judge(&outcome{received: []received{good, c.received}})
		if (err != nil) != c.fails {
			t.Errorf("%s, %+v: %v", c.name, c.received, err)
		}
	}
}

// TestCompared prefers pairs of one regime, and takes all where there are none.
func TestCompared(t *testing.T) {
	const near, far = 100 * time.Nanosecond, 500 * time.Nanosecond
	round := func(a, b float64, first, second time.Duration) bench.Round {
		return bench.Round{{Figure: bench.Figure{Rate: a}, Before: first, After: first}, {Figure: bench.Figure{Rate: b}, Before: second, After: second}}
	}
	c := column{scale: 1, of: bench.RateOf}
	r := c.compared("x", "peer", []bench.Round{round(10, 5, near, near), round(9, 1, near, far)})
	if r.Ratio != 2 || r.Runs != 1 || r.Regime != string(bench.Near) {
		t.Errorf("one pair in one regime: %+v", r)
	}
	r = c.compared("x", "peer", []bench.Round{round(9, 3, near, far)})
	if r.Ratio != 3 || r.Runs != 1 || r.Regime != string(bench.Changed) {
		t.Errorf("no pair in one regime: %+v", r)
	}
}

// TestFigure takes the slower receiver's rate and the later one's latency.
func TestFigure(t *testing.T) {
	o := outcome{received: []received{{Rate: 5, P99: 100}, {Rate: 7, P99: 900}}}
	if f := o.figure(); f.Rate != 5 || f.Latency.P99 != 900 {
		t.Errorf("figure %+v %+v", f, f.Latency)
	}
}

// TestElsewhere leaves out what is one's own.
func TestElsewhere(t *testing.T) {
	before := busyness{processes: time.Second}
	after := busyness{processes: 3 * time.Second, stolen: time.Second}
	if got := after.elsewhere(before, time.Second, 2*time.Second); got != 1 {
		t.Errorf("elsewhere = %g cores, want 1", got)
	}
}

// TestMissingPeer wants a row that says why a peer is not there.
func TestMissingPeer(t *testing.T) {
	p := plan{contenders: []contender{{name: ours}, {name: "gone", needs: []string{"bin/peers/gone"}}, {name: "small", most: 100}}}
	list, absent := p.present("cell", "k/s", work{size: 1024})
	if len(list) != 1 || len(absent) != 2 || !strings.Contains(absent[0].Note, "not built here") || !strings.Contains(absent[1].Note, "1024") {
		t.Errorf("list %v, absent %v", list, absent)
	}
}

// TestEveryWorkHasReceivers: a cell that forgot them would have nothing to judge.
func TestEveryWorkHasReceivers(t *testing.T) {
	p := plan{contenders: []contender{{name: ours}}}
	if list, _ := p.present("cell", "k/s", work{size: 1024}); len(list) != 1 || list[0].receivers != usual {
		t.Errorf("list %+v", list)
	}
	if _, err := measure(t.Context(), &contender{name: ours}, work{size: 1024}); err == nil || !strings.Contains(err.Error(), "receivers") {
		t.Errorf("without receivers: %v", err)
	}
}
