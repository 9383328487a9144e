package uplink

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

var seed = flag.Uint64("uplink.seed", 0, "run this world alone")

var worlds = flag.Int("uplink.worlds", 100, "how many worlds to run")

// step is one action of one party.
func (w *world) step() {
	n := w.nodes[w.rnd.IntN(len(w.nodes))]
	p := n.people[w.rnd.IntN(len(n.people))]
	switch k := w.rnd.IntN(100); {
	case k < 10 && !w.calm:
		w.ask(p)
	case k < 13 && !w.calm:
		w.write(p)
	case k < 35:
		w.pull(n)
	case k < 60:
		w.deliver([2]int{n.index, w.rnd.IntN(len(w.nodes))}, !w.calm && w.rnd.IntN(60) == 0)
	case k < 75:
		w.work(p)
	case k < 88:
		w.readReply(p)
	case k < 91:
		w.look(p)
	case k < 95:
		n.router.Departed(n.clock(), n.put)
	case k < 97:
		if !w.calm {
			w.now += time.Duration(w.rnd.IntN(w.pace)) * time.Microsecond
		}
	case k < 98:
		n.busy = !w.calm && w.rnd.IntN(3) == 0
	case !w.calm:
		w.trouble(n, p)
	}
}

// trouble is what goes wrong, now and then.
func (w *world) trouble(n *simNode, p *process) {
	other := w.rnd.IntN(len(w.nodes))
	switch w.rnd.IntN(16) {
	case 0, 1:
		w.die(p)
	case 2:
		w.restart(n)
	case 3:
		w.part(n.index, other)
	case 4:
		if open := p.open(); len(open) > 0 {
			w.giveUp(open[w.rnd.IntN(len(open))])
		}
	default:
		w.heal(n.index, other)
	}
}

// heal lets i know j as it is now: its session and its epoch.
func (w *world) heal(i, j int) {
	if o := w.nodes[i].peers[j]; o != nil && o.Session != w.nodes[j].session {
		w.part(i, j)
	}
	w.meet(i, j)
}

// finish ends all trouble, and has everybody do what is left to do.
func (w *world) finish() {
	w.calm = true
	for i, n := range w.nodes {
		n.busy = false
		for j := range w.nodes {
			w.heal(i, j)
		}
	}
	for range 100 {
		if w.waiting() == nil {
			break
		}
		for range 1000 {
			w.step()
		}
	}
	if q := w.waiting(); q != nil {
		w.fail("request %d of %v to %v is open although nothing was lost and nothing is to be done", q.id, q.key, q.to)
	}
	for _, n := range w.nodes {
		n.router.Departed(n.clock(), n.put)
		for k := range n.router.away {
			if !n.Alive(k.source) {
				w.fail("request %v goes on, whose caller is gone", k)
			}
		}
	}
	w.now += 2 * simSpan
	for range 3000 {
		w.step()
	}
	for _, n := range w.nodes {
		for _, p := range n.people {
			for len(p.replies) > 0 {
				w.readReply(p)
			}
			w.look(p)
		}
	}
}

// waiting is a request that is open although nothing of it was lost.
func (w *world) waiting() *simRequest {
	for _, q := range w.requests {
		if q.outcome == "" && !q.lost {
			return q
		}
	}
	return nil
}

// notRun are the outcomes that say that a request did not run, and never will.
var notRun = map[string]bool{"no service": true, "overloaded": true, "overloaded here": true, "gone": true, "deadline": true}

// judge looks whether each request has ended once and with the truth.
func (w *world) judge() {
	for _, q := range w.requests {
		switch {
		case q.outcome == "":
			w.fail("request %d has no outcome", q.id)
		case q.outcome == "reply" && q.ran != 1:
			w.fail("request %d has a reply and ran %d times", q.id, q.ran)
		case notRun[q.outcome] && q.ran != 0:
			w.fail("request %d was told %q and ran", q.id, q.outcome)
		}
	}
	for _, n := range w.nodes {
		if away, here := n.router.Open(); away+here != 0 {
			w.fail("node %d keeps %d and %d requests", n.index+1, away, here)
		}
	}
}

func simulate(s uint64, f fault) (*world, error) {
	r := rand.New(rand.NewPCG(s, 1))
	w := newWorld(s, 2+r.IntN(3), f)
	w.pace = 1000 << r.IntN(6)
	for range 500 + r.IntN(1500) {
		w.step()
		if w.err != nil {
			return w, w.err
		}
	}
	w.finish()
	w.judge()
	return w, w.err
}

// TestWorlds runs many small domains with every fault: each request ends once and
// with the truth, no answer reaches another's request, and nothing waits for a message
// that was lost but its own request, and that until its time is over.
func TestWorlds(t *testing.T) {
	first, count := uint64(1), *worlds
	if *seed != 0 {
		first, count = *seed, 1
	}
	outcomes, mails := map[string]int{}, 0
	for s := first; s < first+uint64(count); s++ {
		w, err := simulate(s, 0)
		if err != nil {
			t.Fatalf("%v\nagain: go test ./internal/uplink -run TestWorlds -uplink.seed %d", err, s)
		}
		for _, q := range w.requests {
			outcomes[q.outcome]++
		}
		mails += w.mails
	}
	t.Logf("%d worlds, %d one-way messages, outcomes %v", count, mails, outcomes)
	if *seed == 0 {
		for _, o := range []string{"reply", "no service", "overloaded", "died", "node down", "gone", "canceled", "time"} {
			if outcomes[o] == 0 {
				t.Errorf("no request ended with %q", o)
			}
		}
	}
}

// TestSeedRepeats: a seed that is printed repeats its run, step by step.
func TestSeedRepeats(t *testing.T) {
	course := func(s uint64) string {
		w, err := simulate(s, faultTail)
		var b strings.Builder
		fmt.Fprintln(&b, w.now, err)
		for _, q := range w.requests {
			fmt.Fprintln(&b, q.id, q.key, q.to, q.outcome, q.ran, q.got)
		}
		for _, n := range w.nodes {
			fmt.Fprintf(&b, "%+v\n", n.router.count)
		}
		return b.String()
	}
	for s := uint64(1); s <= 100; s++ {
		if a, b := course(s), course(s); a != b {
			t.Fatalf("seed %d went two ways:\n%s\n%s", s, a, b)
		}
	}
}

// TestMutants leaves a rule out, and has the worlds find it.
func TestMutants(t *testing.T) {
	for f, name := range map[fault]string{faultSession: "session", faultTail: "tail", faultNodeDown: "node down", faultCaller: "caller", faultOrder: "order", faultTime: "time", faultElsewhere: "elsewhere", faultLateNo: "late refusal"} {
		found := error(nil)
		for s := uint64(1); s <= 1500 && found == nil; s++ {
			_, found = simulate(s, f)
		}
		if found == nil {
			t.Errorf("without the rule %q all is well", name)
		}
		t.Logf("%s: %v", name, found)
	}
}
