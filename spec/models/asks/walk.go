package asks

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Violation is an invariant that was broken, and how. The invariants are
//
//	whole  what the asker puts together is of one reading
//	kept   an ask of its own that was overtaken does not end the stream that it reads
//	again  calm, and 10 s after the last forged ask, what is asked for comes within 1.2 s, and so does what is asked for right after one more
type Violation struct{ Invariant, Detail string }

func (v Violation) String() string { return v.Invariant + ": " + v.Detail }

func (s *state) violate(invariant, format string, args ...any) {
	if s.broken.Invariant == "" {
		s.broken = Violation{invariant, fmt.Sprintf(format, args...)}
	}
}

// mix says how often what happens in one walk, of 100 steps.
type mix struct{ loss, twice, late, full, stops, forget, forge, wants int }

func drawMix(r *rand.Rand) mix {
	some := func(most int) int { return r.IntN(2) * r.IntN(most+1) }
	return mix{loss: some(60), twice: some(40), late: some(90), full: some(10), stops: some(4), forget: some(5), forge: some(50), wants: 1 + r.IntN(30)}
}

// step is 50 ms.
func (s *state) step(m *mix, r *rand.Rand) {
	s.now++
	often := func(percent int) bool { return r.IntN(100) < percent }
	switch {
	case often(m.wants):
		s.want()
	case often(m.full):
		s.asker.full = s.asker.next > 0 && !s.asker.full
	case often(m.stops):
		stop(s.now, &s.asker.stopped, r.IntN(stopFor))
	case often(m.stops):
		stop(s.now, &s.owner.stopped, r.IntN(stopFor))
	case often(m.forget):
		s.forget()
	}
	if often(m.forge) {
		s.forge(r)
	}
	s.tickOwner()
	s.tickAsker()
	for range 2 { // what is sent in this step may come in it
		for _, i := range r.Perm(framesMost) {
			s.pass(i, m, often)
		}
	}
}

// stop stops one for a while, and not again at once: it would be taken for dead.
func stop(now int, till *int, d int) {
	if now-*till > stopFor {
		*till = now + d
	}
}

// pass lets a frame come, or not, or not yet.
func (s *state) pass(i int, m *mix, often func(percent int) bool) {
	f := s.frames[i]
	till := s.owner.stopped
	if f.chunk {
		till = s.asker.stopped
	}
	switch {
	case !f.there, !f.waits && often(m.late) && s.now-f.sent < flight:
		return
	case s.now < till:
		s.frames[i].waits = true
		return
	case !f.waits && s.now-f.sent > flight, often(m.loss):
		s.frames[i].there = false
		return
	}
	s.frames[i].there = often(m.twice)
	if f.chunk {
		s.takeChunk(f)
		return
	}
	s.takeAsk(f)
}

// forge is what somebody else says in the asker's name.
func (s *state) forge(r *rand.Rand) {
	f := frame{number: (s.asker.number + numbers - 2 + r.IntN(8)) % numbers, forged: true}
	switch r.IntN(5) {
	case 0:
		f.number, f.next, f.mask = s.asker.number, r.IntN(chunks+2), r.IntN(1<<chunks)
	case 1:
		f.number, f.last = s.asker.number, true
	case 2:
		f.number = r.IntN(numbers)
	case 3:
		f.number = (s.asker.number + numbers/2 - 1) % numbers
	}
	if f.number == s.asker.number && f.next == 0 { // who begins a stream at the asker's own number says what it may: it sees all
		f.last = true
	}
	s.takeAsk(f)
}

// calm ends a walk: what is asked for when nothing forged counts any more comes soon.
func (s *state) calm(r *rand.Rand) {
	var m mix
	wait := once + flight + idle
	s.asker.stopped, s.owner.stopped, s.asker.full = 0, 0, false
	for range wait {
		s.step(&m, r)
	}
	s.asks(&m, r, "10 s")
	s.forge(r)
	for range 1 + r.IntN(3) {
		s.asks(&m, r, "one")
	}
}

// asks lets a name be asked for, which has to come.
func (s *state) asks(m *mix, r *rand.Rand, after string) {
	if s.broken.Invariant != "" {
		return
	}
	done := s.asker.done
	s.want()
	for range restart + askEach {
		s.step(m, r)
	}
	if s.asker.done != done+1 {
		s.violate("again", "after %s: stream %d did not come, the owner is at %d, begun %v", after, s.asker.number, s.owner.number, s.owner.begun)
	}
}

// stepsMost bounds a walk before its calm.
const stepsMost = 300

// Result is what a search said.
type Result struct {
	Walks, Steps int
	Done, Given  int // names that came whole, or were given up
	Broken       Violation
	Seed         uint64 // of the first walk that broke something
	Trace        string // of its last steps
}

// Search walks from the seed on, and stops at the first walk that breaks something. It takes a millisecond a walk, and memory for one.
func Search(rules *Rules, seed uint64, walks int) (r Result) {
	for ; r.Walks < walks; seed++ {
		s, trace := walk(rules, seed, &r)
		r.Walks++
		r.Done += s.asker.done
		r.Given += s.asker.given
		if s.broken.Invariant != "" {
			r.Seed, r.Broken, r.Trace = seed, s.broken, trace
			break
		}
	}
	return r
}

func walk(rules *Rules, seed uint64, r *Result) (*state, string) {
	rnd := rand.New(rand.NewPCG(seed, 406))
	s, m := newState(rules), drawMix(rnd)
	var lines []string
	for n := 5 + rnd.IntN(stepsMost); n > 0 && s.broken.Invariant == ""; n-- {
		s.step(&m, rnd)
		r.Steps++
		if testingTrace {
			o, x := &s.owner, &s.asker
			lines = append(lines, fmt.Sprintf("%d: asker %d next %d got %v asks %v | owner %v %d reading %d base %d made %d begun %v", s.now, x.number, x.next, x.got, x.asks, o.serving, o.number, o.reading, o.base, o.made, o.begun))
		}
	}
	if s.broken.Invariant == "" {
		s.calm(rnd)
	}
	return s, strings.Join(lines[max(0, len(lines)-60):], "\n")
}

// testingTrace has the steps of a walk kept.
var testingTrace bool
