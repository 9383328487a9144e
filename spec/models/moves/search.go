package moves

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// stepsMost bounds the actions of one walk.
const stepsMost = 400

// Result is what a search said.
type Result struct {
	Walks, Steps int
	Ended        int // walks that came to a bound of the model, and were not looked at to their end
	Limits       int // walks with a loss that is not knowable (spec/wire.md, 7 and 15.7)
	Broken       Violation
	Seed         uint64 // of the first walk that broke something
	Trace        string // of it, made short
}

// Search walks from the seed on, and stops at the first walk that breaks something. It takes some 30 us a walk, and
// memory for one.
func Search(rules *Rules, seed uint64, walks int) (r Result) {
	for ; r.Walks < walks; seed++ {
		var w walk
		s := w.draw(rules, rand.New(rand.NewPCG(seed, 330)), stepsMost)
		r.Walks++
		r.Steps += len(w.actions)
		r.Ended += count(s.ended)
		r.Limits += count(s.limits > 0)
		if s.broken.Invariant == "" {
			continue
		}
		w.shorten(rules)
		r.Seed, r.Broken, r.Trace = seed, w.again(rules).broken, w.trace(rules)
		break
	}
	return r
}

// trace tells a walk step by step.
func (w *walk) trace(rules *Rules) string {
	var b strings.Builder
	s := newState(rules)
	for _, a := range w.actions {
		s.do(a)
		fmt.Fprintf(&b, "%-50s %v\n", a, s)
	}
	if w.stuck != none {
		fmt.Fprintf(&b, "receiver %d of member %d stands still\n", w.stuck%2, w.stuck/2)
	}
	fmt.Fprintf(&b, "then calm: %v\n", w.again(rules).broken)
	return b.String()
}

// String shows what a reader of a trace needs.
func (s *state) String() string {
	o := &s.owner
	var b strings.Builder
	fmt.Fprintf(&b, "on %d", o.current)
	if o.moving {
		b.WriteString(" moving")
	}
	fmt.Fprintf(&b, " head %v end %v last %v", o.head, o.end, o.last)
	for m := range members {
		p, x := &o.peers[m], &s.members[m]
		fmt.Fprintf(&b, " | %d:", m)
		if p.present {
			fmt.Fprintf(&b, " joined %v taken %v out %v wants %v;", p.joined, p.taken, p.out, p.wants)
		}
		fmt.Fprintf(&b, " wants %v next %d %d places %v expects %v owed %v", x.wants, x.receivers[0].next, x.receivers[1].next, x.places, x.ghost.next, x.ghost.owed)
	}
	return b.String()
}
