package splice

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/ringcast/ringcast/spec/models/walks"
)

// action is one step: what happens, to which of two, and how far.
type action struct {
	kind kind
	two  int
	far  num
}

type kind int

// What may happen.
const (
	published kind = iota
	putWhole
	putHalf
	putAlone
	putMany
	looked
	otherWants
	ringReplaced
	ringClosed
	subscribed
	subscribedPlainly
	askedToo
	succeeded
	isMetAgain
	listChanged
	withdrawn
	listComes
	lastListComes
	askComes
	rowRead
	rowComes
	dataComes
	holeGivenUp
	endsLooked
	snapshotCame
	askedAgain
	givenUp
	kinds
)

// deeds does each kind of action, and says how often it is drawn, of all that are.
var deeds = [kinds]struct {
	name   string
	weight int
	do     func(s *state, a action)
}{
	published:         {"a message is published", 24, func(s *state, a action) { s.publish(a.two) }},
	putWhole:          {"the next message is put on the lane", 24, func(s *state, a action) { s.put(false) }},
	putHalf:           {"half of a message is put on the lane", 3, func(s *state, a action) { s.putHalf(a.two == 0) }},
	putAlone:          {"the next message is put on the other's lane", 6, func(s *state, a action) { s.put(true) }},
	putMany:           {"a lap is published and put on the lane", 4, func(s *state, a action) { s.putMany(a.two) }},
	looked:            {"the forwarder looks what is wanted", 6, func(s *state, a action) { s.look(a.far) }},
	otherWants:        {"the other changes what it wants", 2, func(s *state, a action) { s.otherWants() }},
	ringReplaced:      {"the ring is replaced", 1, func(s *state, a action) { s.replace() }},
	ringClosed:        {"the ring is given up", 2, func(s *state, a action) { s.ringGivenUp() }},
	subscribed:        {"the asker wants the topic and its history", 5, func(s *state, a action) { s.subscribe(a.far, true) }},
	subscribedPlainly: {"the asker wants the topic", 2, func(s *state, a action) { s.subscribe(0, false) }},
	askedToo:          {"the asker wants the history, too", 2, func(s *state, a action) { s.askToo(a.far) }},
	succeeded:         {"the asker's forwarder is followed by another", 1, func(s *state, a action) { s.succeed() }},
	isMetAgain:        {"the asker meets the owner again", 2, func(s *state, a action) { s.metAgain() }},
	listChanged:       {"the list changes elsewhere", 2, func(s *state, a action) { s.newList(s.asker.wants) }},
	withdrawn:         {"the asker lets go of the topic", 2, func(s *state, a action) { s.withdraw() }},
	listComes:         {"the next list comes", 4, func(s *state, a action) { s.takeList(s.owner.version + 1) }},
	lastListComes:     {"the newest list comes", 6, func(s *state, a action) { s.takeList(s.asker.version) }},
	askComes:          {"the ask comes", 8, func(s *state, a action) { s.answer() }},
	rowRead:           {"the owner reads on", 12, func(s *state, a action) { s.read() }},
	rowComes:          {"a row comes", 12, func(s *state, a action) { s.takeRow() }},
	dataComes:         {"data comes", 24, func(s *state, a action) { s.comes(false) }},
	holeGivenUp:       {"a hole is given up", 2, func(s *state, a action) { s.comes(true) }},
	snapshotCame:      {"a snapshot comes", 6, func(s *state, a action) { s.snapshotComes() }},
	endsLooked:        {"a snapshot says the ends", 3, func(s *state, a action) { s.ends() }},
	askedAgain:        {"the asker asks anew", 2, func(s *state, a action) { s.askAgain() }},
	givenUp:           {"the asker gives up", 1, func(s *state, a action) { s.giveUp() }},
}

// troubles are what a walk may do without.
var troubles = []kind{putHalf, putAlone, putMany, otherWants, ringReplaced, ringClosed, subscribedPlainly, askedToo, succeeded, isMetAgain, listChanged, withdrawn, holeGivenUp, askedAgain, givenUp}

func (s *state) putMany(p int) {
	for range slots + 2 {
		s.publish(p)
		s.put(false)
	}
}

func (s *state) giveUp() {
	if s.asker.holds {
		s.asker.ghost.partial = true
		s.endCatchup(true)
	}
}

func (a action) String() string { return fmt.Sprintf("%s (%d, %d)", deeds[a.kind].name, a.two, a.far) }

func (s *state) do(a action) {
	deeds[a.kind].do(s, a)
	s.ghostOpened()
}

// mix is how often each kind of action is drawn in one walk: each trouble is left out in every other.
func drawMix(r *rand.Rand) (weights [kinds]int, sum int) {
	for k := range deeds {
		weights[k] = deeds[k].weight
	}
	for _, k := range troubles {
		if r.IntN(2) == 0 {
			weights[k] = 0
		}
	}
	for _, w := range weights {
		sum += w
	}
	return weights, sum
}

// walk is a run of the model: what was done, less what changed nothing, then calm.
type walk struct{ actions []action }

// stepsMost bounds the actions of one walk.
const stepsMost = 160

func (w *walk) draw(rules *Rules, r *rand.Rand) *state {
	s := newState(rules)
	weights, sum := drawMix(r)
	for n := r.IntN(stepsMost) + 5; n > 0 && !s.done(); n-- {
		x, k := r.IntN(sum), kind(0)
		for ; x >= weights[k]; k++ {
			x -= weights[k]
		}
		a, before := action{k, r.IntN(2), num(r.IntN(4))}, *s
		if s.do(a); *s != before {
			w.actions = append(w.actions, a)
		}
	}
	s.calm()
	return s
}

// again does what a walk did.
func (w *walk) again(rules *Rules) *state {
	s := newState(rules)
	for _, a := range w.actions {
		if s.do(a); s.done() {
			return s
		}
	}
	s.calm()
	return s
}

// calm ends a walk: everything comes that can. Then the account is looked at.
func (s *state) calm() {
	for range 2 * positions {
		if s.done() {
			return
		}
		s.takeList(s.asker.version)
		for _, k := range []kind{looked, putWhole, askComes, rowRead, rowComes, dataComes, snapshotCame, endsLooked} {
			s.do(action{kind: k})
		}
	}
	s.checkRest()
}

// checkRest looks at the account at rest.
func (s *state) checkRest() {
	x, o := &s.asker, &s.owner
	if s.done() || !x.wants {
		return
	}
	if x.holds {
		s.violate("tail", "the asker still holds")
	}
	for p := range producers {
		owed := s.owedFrom(p)
		for at := range o.cursor {
			if x.ghost.next[p] == 0 && o.producer[at] == num(p) && s.owesHistory(p, at) {
				s.violate("history", "nothing of producer %d came, the ring has %d", p, o.sequence[at])
			}
		}
		switch n := x.ghost.next[p]; {
		case n == 0 && owed != none && !s.allGone(p, owed):
			s.violate("since", "nothing of producer %d came, it is owed from %d on", p, owed)
		case n != 0 && n <= o.last[p]:
			s.violate("tail", "%d of producer %d is next, %d were sent", n, p, o.last[p])
		}
	}
}

func (s *state) allGone(p int, from num) bool {
	for q := from; q <= s.owner.last[p]; q++ {
		if !s.wasGone(p, q) {
			return false
		}
	}
	return true
}

// shorten leaves out what is not needed to break the same invariant.
func (w *walk) shorten(rules *Rules) {
	broken := w.again(rules).broken.Invariant
	w.actions = walks.Shorten(w.actions, func(a []action) bool {
		shorter := walk{a}
		return shorter.again(rules).broken.Invariant == broken
	})
}

// Result is what a search said.
type Result struct {
	Walks, Steps int
	Ended        int // walks that came to a bound of the model, and were not looked at to their end
	Broken       Violation
	Seed         uint64 // of the first walk that broke something
	Trace        string // of it, made short
}

// Search walks from the seed on, and stops at the first walk that breaks something. It takes some 50 us a walk, and
// memory for one.
func Search(rules *Rules, seed uint64, walks int) (r Result) {
	for ; r.Walks < walks; seed++ {
		var w walk
		s := w.draw(rules, rand.New(rand.NewPCG(seed, 378)))
		r.Walks++
		r.Steps += len(w.actions)
		r.Ended += count(s.ended)
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
		o, x := &s.owner, &s.asker
		fmt.Fprintf(&b, "%-55s tail %d cursor %d version %d of %d wants %v open %v marks %v | counted %d next %d of %d holds %v %d places %v expects %v\n",
			a, o.tail, o.cursor, o.version, x.version, o.wants, o.open, o.marks[:x.version+1], x.ghost.from, x.next, o.entries, x.holds, x.count, x.places, x.ghost.next)
	}
	fmt.Fprintf(&b, "then calm: %v\n", w.again(rules).broken)
	return b.String()
}
