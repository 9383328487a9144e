package sizes

// Bounds of a search.
type Bounds struct {
	Nodes     int
	Datagrams int8 // on the lane
	Stops     int8 // of nodes, together
	Silences  int8 // in which one is taken for dead that lives
	Forgeries int8 // Hellos of who is not there
	Changes   int8 // of ways
}

const (
	nodes = 2 // at most
	never = 1<<7 - 1
)

// Ways, as bits.
const (
	group = uint8(1)
	alone = uint8(2)
	both  = group | alone
)

// Ages of Probes and echoes.
const (
	old = iota // of a round before this one
	current
	ages
)

// What the owner does.
const (
	rests = iota
	due   // a round is to begin
	asks  // one has begun
)

// A node is as it is, and as the owner knows it.
type node struct {
	up     bool
	wide   uint8 // the ways that carry large datagrams
	joined bool  // it reads the lane
	stood  bool  // it has a place in the lane, which outlives it
	next   int8  // that
	setup  int8  // what a Setup under way says; -1: there is none
	probes [ages]uint8
	echoes [ages]uint8 // under way

	peer      bool
	earlier   bool  // of the life before
	spoofed   bool  // of a Hello that somebody else said
	proved    bool  // it has echoed a short Probe
	wants     bool  // its Want has come
	echoed    uint8 // the ways by which it has, in this round
	shown     bool  // it has by both, in this round or before
	thought   bool  // it went, and is thought of
	remembers bool  // it was thought of when it came

	owed    int8  // the first datagram that went when it had been counted; never: it has not been
	changed bool  // a way has become narrow, and that could not yet be known
	excused uint8 // bits of datagrams that may be too large for it
}

type state struct {
	sent  int8
	sizes uint8 // bits of datagrams that are large
	large bool
	round uint8
	left  Bounds // what may still happen
	nodes [nodes]node
}

// newState has nobody there, and ways as its bits say.
func newState(ways uint8, bounds Bounds) state {
	s := state{left: bounds}
	for i := range s.nodes {
		s.nodes[i] = node{wide: ways >> (2 * i) & both, setup: -1, owed: never}
	}
	return s
}

// spend takes one of what is bounded.
func spend(left *int8) bool {
	if *left == 0 {
		return false
	}
	*left--
	return true
}

// settle forgets what makes no difference any more, so that fewer states are told apart.
func (s *state) settle(rules *Rules) {
	read := s.sent
	for i := range s.nodes {
		n := &s.nodes[i]
		if rules.Number { // echoes of before do not count
			n.probes[old], n.echoes[old] = 0, 0
			if s.round != asks {
				n.probes[current], n.echoes[current] = 0, 0
			}
		}
		n.probes[current] &^= n.echoes[current]
		if n.stood {
			n.owed = max(n.owed, n.next)
			n.excused &^= 1<<n.next - 1
			read = min(read, n.next)
		}
	}
	s.sizes &^= 1<<read - 1
}
