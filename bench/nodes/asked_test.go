package nodes

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestUnmeasured: a host that can have no nodes meets no goal of them, and the row says what it lacks.
func TestUnmeasured(t *testing.T) {
	r := Unmeasured("nodes", errors.New("no network namespaces here: nft not found"))
	if r.Cell != "nodes p50" || !r.Judged || r.Met || r.Goal != 1 || !r.Smaller || strings.Contains(r.Note, "\n") || !strings.Contains(r.Note, "nft") {
		t.Errorf("%+v", r)
	}
}

// TestAskedWithoutOurs: where the forwarder was not built nothing runs, and no goal is met.
func TestAskedWithoutOurs(t *testing.T) {
	rows, err := MeasureAsked(t.Context(), Asked{Cell: "nodes", Size: 256, Open: 1, Rounds: 1, Peers: "none", At: Places{Forwarder: "/nowhere/ringcastd"}})
	if err != nil || len(rows) != 1 || rows[0].Met || !rows[0].Judged || !strings.Contains(rows[0].Note, "make build") {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestAbsentPeersMeetNoGoal: but the limits have none.
func TestAbsentPeersMeetNoGoal(t *testing.T) {
	for _, c := range allAsked(Places{}) {
		p := plan{contenders: []contender{{name: ours}, {name: c.name, needs: []string{"/nowhere/peer"}}}}
		_, absent := p.present("nodes", "us", work{size: 256, open: 1})
		r := unmet(absent)[0]
		limit := c.name == rawUDP || c.name == rawTCP
		if r.Met || r.Judged == limit || r.Note == "" {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// TestAskedIsJudged: a run without an answer does not count.
func TestAskedIsJudged(t *testing.T) {
	for _, c := range allAsked(Places{}) {
		tr := tried{contender: c}
		if err := tr.judge(&outcome{received: []received{{Received: 7, Ended: true, P50: 5}}}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if tr.judge(&outcome{received: []received{{Ended: true}}}) == nil {
			t.Errorf("%s: nothing was answered, and it counts", c.name)
		}
	}
}

// TestAskedMain refuses what is no work; the limits have no goal.
func TestAskedMain(t *testing.T) {
	if err := AskedMain(t.Context(), "{", io.Discard); err == nil {
		t.Error("taken")
	}
	if askedGoalOf(nats) != 1 || askedGoalOf(rawTCP) != 0 {
		t.Error("goals")
	}
}
