package moves

// Rounds of the calm: far more than anything needs that ends.
const (
	calmRounds = 14
	lastRounds = 6
)

// calm ends a walk: everything comes that can, but at the stuck receiver; who holds something up is put out, and what is
// no need is given up. Then the accounts are looked at, and one message more is sent.
func (s *state) calm(stuck int) {
	if s.done() {
		return
	}
	if stuck != none {
		s.members[stuck/2].receivers[stuck%2].stuck = true
	}
	for range calmRounds {
		for m := range members {
			if s.calmMember(m); s.done() {
				return
			}
		}
		s.calmMove()
		for p := range producers {
			s.tellRow(p)
		}
	}
	if s.owner.moving {
		s.violate("ends", "the topic is still on its way to another lane")
		return
	}
	for m := range members {
		for p := range producers {
			s.checkTail(m, p)
		}
	}
	s.checkProgress()
}

// calmMove goes on with a move; nothing but a change of what is wanted begins one on lane 0 where nothing is sent.
func (s *state) calmMove() {
	if s.owner.current == 0 && !s.owner.moving {
		return
	}
	if !s.chosen(false) && s.optional() {
		s.chosen(true)
	}
}

// stuckAnywhere says whether a member can't be at rest.
func (x *member) stuckAnywhere() bool { return x.receivers[0].stuck || x.receivers[1].stuck }

// checkTail holds the invariant tail.
func (s *state) checkTail(m, p int) {
	x := &s.members[m]
	g := &x.ghost
	switch {
	case !x.wants || g.owed[p] == 0 || g.over || x.stuckAnywhere() || g.next[p] == s.owner.last[p]+1:
	case g.next[p] == 0 && (g.holes || g.out || g.absent):
		s.limits++ // it never heard of that producer
	default:
		s.violate("tail", "member %d knows %d of the %d messages of producer %d", m, g.next[p]-1, s.owner.last[p], p)
	}
}

// checkProgress holds the invariant progress.
func (s *state) checkProgress() {
	o := &s.owner
	if s.done() || o.last[0] >= sequences-3 || max(o.head[0], o.head[1], o.head[2]) > places-4 {
		return
	}
	before, wanted := o.last[0], s.wanted() != 0
	for range lastRounds {
		if o.last[0] == before {
			s.send(0, true)
		}
		for m := range members {
			s.calmMember(m)
		}
		if s.done() {
			return
		}
	}
	if wanted && o.last[0] == before {
		s.violate("progress", "nothing can be sent")
	}
	for m := range members {
		x := &s.members[m]
		if x.wants && x.ghost.owed[0] != 0 && o.last[0] > before && x.ghost.next[0] < o.last[0]+1 && !x.stuckAnywhere() {
			s.violate("progress", "member %d has not got the last message", m)
		}
	}
}

// calmMember lets everything come to a member, and its words to the owner.
func (s *state) calmMember(m int) {
	s.addPeer(m)
	s.meet(m)
	s.calmSetup(m)
	s.makeWant(m)
	s.takeWant(m)
	p := &s.owner.peers[m]
	for r := range 1 + count(p.directed) {
		lane := laneOf(m, r)
		s.takeHeartbeat(m, r)
		for at := s.trail(lane); at < s.owner.head[lane]; at++ {
			s.takeData(m, r, at)
		}
		s.makeStatus(m, r)
		s.takeStatus(m, r)
		if s.members[m].receivers[r].stuck {
			s.putOut(m, r)
		}
		if p.joined[r] && p.taken[r] == s.owner.head[lane] {
			p.out[r] = false
		}
	}
	s.calmSetup(m)
}

// calmSetup brings a snapshot to a member that asks for one.
func (s *state) calmSetup(m int) {
	x := &s.members[m].receivers
	if x[0].there && (x[1].there || !s.owner.peers[m].directed) && x[0].wanted == none && x[1].wanted == none {
		return
	}
	s.makeSetup(m)
	s.takeSetup(m)
}
