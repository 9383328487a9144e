package moves

import "fmt"

// Violation is an invariant that was broken, and how. The invariants are
//
//	once        no message comes twice
//	order       nothing is missing between two without word, and word of a loss stands at its place
//	beginning   of a producer that began when the member wanted its topic, nothing is missing before the first
//	sent        nothing is told as lost that was never sent
//	repairable  nothing is told as lost that still lies in a lane and will come
//	cause       nothing is told as lost where nothing happened that explains it
//	tail        at rest a member has all, or word of it
//	ends        a move comes to its end
//	progress    what is sent after all trouble comes
type Violation struct{ Invariant, Detail string }

func (v Violation) String() string { return v.Invariant + ": " + v.Detail }

// ghost is what a member's application could know, and what happened to the member.
type ghost struct {
	next [producers]num // what it expects; 0: nothing has come
	owed [producers]num // from here on it is owed everything, or word of it; 0: nothing
	// Since it wants the topic:
	away   bool // it was taken for dead, or began anew
	out    bool // it was put out
	holes  bool // it gave a hole up
	over   bool // the owner's session ended
	absent bool // the topic went to another lane while the owner did not know that it wants it
}

func (s *state) violate(invariant, format string, args ...any) {
	if s.broken.Invariant == "" {
		s.broken = Violation{invariant, fmt.Sprintf(format, args...)}
	}
}

// done says whether the walk is over.
func (s *state) done() bool { return s.ended || s.broken.Invariant != "" }

// owe notes who has to have a message that was sent, or word of it.
func (s *state) owe(p int, sequence num) {
	for m := range members {
		x := &s.members[m]
		if s.takesTopic(m) && x.wants && x.version == s.owner.peers[m].version && x.ghost.owed[p] == 0 && sequence >= x.places[p].next {
			x.ghost.owed[p] = sequence
		}
	}
}

func (s *state) deliver(m, p int, sequence num) {
	x := &s.members[m]
	x.places[p].next = sequence + 1
	switch g := x.ghost.next[p]; {
	case g != 0 && sequence < g:
		s.violate("once", "member %d has %d of producer %d, %d is next", m, sequence, p, g)
	case g != 0 && sequence > g:
		s.violate("order", "member %d has %d of producer %d, %d is next", m, sequence, p, g)
	case g == 0:
		s.begins(x, m, p, sequence)
	}
	x.ghost.next[p] = sequence + 1
}

// begins looks whether a producer begins where it has to. It may be later where its first row was in a hole, or the
// member was away (7, not knowable).
func (s *state) begins(x *member, m, p int, first num) {
	switch g := &x.ghost; {
	case g.owed[p] == 0 || first <= g.owed[p]:
	case g.holes || g.out || g.absent:
		s.limits++
	default:
		s.violate("beginning", "member %d begins producer %d with %d, it is owed %d", m, p, first, g.owed[p])
	}
}

// lost tells a member that everything of a producer up to last is lost.
func (s *state) lost(m, p int, last num) {
	x := &s.members[m]
	first := x.places[p].next
	x.places[p].next = last + 1
	switch g := x.ghost.next[p]; {
	case g != 0 && first != g:
		s.violate("order", "member %d lost %d..%d of producer %d, %d is next", m, first, last, p, g)
	case g == 0:
		s.begins(x, m, p, first)
	}
	for q := first; q <= last; q++ {
		if q >= sequences || q > s.owner.last[p] && !x.ghost.over {
			s.violate("sent", "member %d lost %d of producer %d, which was not sent", m, q, p)
			return
		}
		if x.ghost.owed[p] != 0 && q >= x.ghost.owed[p] {
			s.explained(m, p, q)
		}
	}
	x.ghost.next[p] = last + 1
}

// explained looks whether a message may be told as lost.
func (s *state) explained(m, p int, q num) {
	x := &s.members[m]
	g, at := &x.ghost, s.lies[p][q]
	if r := receiverOf(m, at.lane); at.lane != none && r != none && x.owner == s.owner.session {
		y, k := &x.receivers[r], &s.owner.peers[m]
		comes := y.there && at.at >= y.next && at.at >= y.joined && at.at >= s.trail(int(at.lane))
		switch {
		case !comes || g.out || k.out[r] || !k.present:
		case g.absent:
			s.limits++ // 15.7: while it was away the topic left its lane
			return
		default:
			s.violate("repairable", "member %d lost %d of producer %d, which lies at %d of lane %d and will come", m, q, p, at.at, at.lane)
		}
	}
	if !g.away && !g.out && !g.holes && !g.over {
		s.violate("cause", "member %d lost %d of producer %d, and nothing happened", m, q, p)
	}
}
