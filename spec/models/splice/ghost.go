package splice

import "fmt"

// Violation is an invariant that was broken, and how. The invariants are
//
//	once     no message comes twice
//	order    nothing is missing between two without word, and word of a loss stands at its place
//	since    of each producer everything from the counted position on comes, or word of it: nothing is left out
//	         before the first that comes
//	history  what the ring held at back positions before that, until it was read, comes
//	cause    nothing is told as lost where nothing happened that explains it
//	tail     at rest the asker has all of a producer of which it knows, or word of it
//
// The counted position is the first that is put on a lane, whole, when the owner has a list that asks, and forwards.
type Violation struct{ Invariant, Detail string }

func (v Violation) String() string { return v.Invariant + ": " + v.Detail }

// ghost is what the asker's application could know, since it wants the topic.
type ghost struct {
	next    [producers]num // what it expects; 0: nothing has come
	done    [producers]num // it had everything below before
	asked   num            // version of the first list
	counted bool
	from    num // the counted position; none: not yet
	back    num
	history bool // it asked with its first list
	partial bool // it gave up
	too     tooAsk
}

// tooAsk is the history that was asked for last of a topic that was wanted already.
type tooAsk struct {
	asked, from, back num
	known             [producers]bool // something of the producer had come
}

// ghostToo notes it, with the list that is made now.
func (s *state) ghostToo(back num) {
	x := &s.asker
	x.ghost.too = tooAsk{asked: x.version, from: none, back: back}
	for p := range producers {
		x.ghost.too.known[p] = x.ghost.next[p] != 0
	}
}

func (s *state) violate(invariant, format string, args ...any) {
	if s.broken.Invariant == "" {
		s.broken = Violation{invariant, fmt.Sprintf(format, args...)}
	}
}

// done says whether the walk is over.
func (s *state) done() bool { return s.ended || s.broken.Invariant != "" }

// ghostCounted notes the counted position.
func (s *state) ghostCounted() {
	x, o := &s.asker, &s.owner
	if g := &x.ghost; x.wants && !g.counted && o.version >= g.asked {
		g.counted = true
	}
	s.ghostOpened()
}

// ghostOpened notes it where forwarding begins later.
func (s *state) ghostOpened() {
	o, g := &s.owner, &s.asker.ghost
	at := max(o.cursor+num(count(o.part != none)), o.stood)
	if g.counted && g.from == none && o.open {
		g.from = at
	}
	if t := &g.too; t.asked != 0 && t.from == none && o.version >= t.asked && o.open {
		t.from = at
	}
}

// positionOf is where a message lies.
func (s *state) positionOf(p int, q num) num {
	for at := range s.owner.tail {
		if s.owner.producer[at] == num(p) && s.owner.sequence[at] == q {
			return at
		}
	}
	return none
}

// owedFrom is the first sequence of a producer at or behind the counted position; none: there is none, or nothing is owed.
func (s *state) owedFrom(p int) num {
	g := &s.asker.ghost
	if g.from == none {
		return none
	}
	for at := g.from; at < max(s.owner.cursor, s.owner.stood); at++ {
		if s.owner.producer[at] == num(p) {
			return s.owner.sequence[at]
		}
	}
	return none
}

func (s *state) deliver(p int, q num) {
	g := &s.asker.ghost
	switch {
	case g.next[p] != 0 && q < g.next[p]:
		s.violate("once", "%d of producer %d comes, %d is next", q, p, g.next[p])
	case g.next[p] != 0 && q > g.next[p]:
		s.violate("order", "%d of producer %d comes, %d is next", q, p, g.next[p])
	case g.next[p] == 0:
		s.begins(p, q)
	}
	g.next[p] = q + 1
}

// begins looks at the first word of a producer.
func (s *state) begins(p int, first num) {
	for at := range s.owner.tail {
		if s.owner.producer[at] == num(p) && s.owner.sequence[at] < first && s.owesHistory(p, at) {
			s.violate("history", "producer %d begins with %d, the ring has %d", p, first, s.owner.sequence[at])
		}
	}
	owed := s.owedFrom(p)
	if owed == none || first <= owed {
		return
	}
	for q := owed; q < first; q++ { // a hole that was given up before anything of it was known
		if !s.wasGone(p, q) {
			s.violate("since", "producer %d begins with %d, it is owed from %d on", p, first, owed)
			return
		}
	}
}

// wasGone says whether a message was in a datagram that was given up.
func (s *state) wasGone(p int, q num) bool {
	at := s.positionOf(p, q)
	for i := range s.owner.entries {
		if s.owner.lane[i].position == at {
			return s.gone[i]
		}
	}
	return false
}

// inHistory says whether a position is one of those before the counted one that have to come: the ring had them
// all the time.
func (s *state) inHistory(at num) bool {
	o, g := &s.owner, &s.asker.ghost
	return g.history && !g.partial && g.from != none && at < g.from && at >= max(g.from-g.back, o.oldest())
}

// owesHistory says whether a message has to come because of a history.
func (s *state) owesHistory(p int, at num) bool {
	o, g := &s.owner, &s.asker.ghost
	if o.sequence[at] < g.done[p] {
		return false
	}
	t := &g.too
	return s.inHistory(at) || t.asked != 0 && !g.partial && !t.known[p] && t.from != none && at < t.from && at >= max(t.from-t.back, o.oldest())
}

func (s *state) lost(p int, first, last num) {
	g := &s.asker.ghost
	switch {
	case g.next[p] != 0 && first != g.next[p]:
		s.violate("order", "%d..%d of producer %d are lost, %d is next", first, last, p, g.next[p])
	case g.next[p] == 0:
		s.begins(p, first)
	}
	for q := first; q <= last; q++ {
		at := s.positionOf(p, q)
		switch {
		case at == none:
			s.violate("cause", "%d of producer %d is lost, which was not published", q, p)
		case g.from != none && at >= g.from && at < max(s.owner.cursor, s.owner.stood) && !s.wasGone(p, q):
			s.violate("cause", "%d of producer %d is lost, which the lane brings", q, p)
		case s.inHistory(at) && s.asker.joins[p].given:
			s.violate("history", "%d of producer %d is lost, which the ring has", q, p)
		}
	}
	g.next[p] = last + 1
}
