package moves

// meet makes the owner's session a member's peer.
func (s *state) meet(m int) {
	x := &s.members[m]
	if x.owner == s.owner.session {
		return
	}
	s.part(m)
	x.owner, x.number = s.owner.session, 0
}

// part forgets the owner, but for where the member stood.
func (s *state) part(m int) {
	x := &s.members[m]
	if x.owner == 0 {
		return
	}
	if x.receivers[0].wanted != none || x.receivers[1].wanted != none {
		for p := range producers { // what began in a hole that was given up is not known any more, with one lane as with several
			if !x.places[p].known {
				x.ghost.owed[p] = 0
			}
		}
	}
	for r := range x.receivers {
		y := &x.receivers[r]
		if y.there {
			x.stood[r].session, x.stood[r].next = x.owner, y.next
		}
		*y = receiver{wanted: none, tail: none, stuck: y.stuck}
	}
	x.rows, x.since, x.owner = [2][producers]remote{}, [2]num{}, 0
}

// restart begins the member anew, where its predecessor stood.
func (s *state) restart(m int) {
	x := &s.members[m]
	s.part(m)
	x.ghost.away = true
	for p := range producers {
		if x.ghost.next[p] == 0 {
			x.places[p], x.ghost.owed[p] = place{next: x.places[p].next}, 0
		} else {
			x.places[p] = place{known: x.wants, next: x.ghost.next[p]}
		}
	}
	s.ways[m] = way{}
	s.removePeer(m) // it sees a greater session
}

// setWants changes the member's list.
func (s *state) setWants(m int, wants bool) {
	x := &s.members[m]
	if x.version++; x.version > 100 {
		s.ended = true
	}
	was := x.wants
	x.wants = wants
	if was == wants {
		return
	}
	x.ghost = ghost{}
	if !wants {
		for p := range producers {
			x.places[p].known = false
		}
		return
	}
	x.ghost.out = s.owner.peers[m].out != [2]bool{}
	for r := range x.receivers {
		x.since[r] = x.receivers[r].highest
	}
}

func (s *state) makeStatus(m, r int) {
	if x := &s.members[m]; x.owner != 0 && x.receivers[r].there {
		y := &s.ways[m].status[r]
		y.valid, y.taken, y.session = true, x.receivers[r].next, x.owner
	}
}

func (s *state) makeWant(m int) {
	x, y := &s.members[m], &s.ways[m].want
	y.valid, y.wants, y.version = true, x.wants, x.version
}

// takeSetup takes a snapshot: rows, the join, and the ends of producers.
func (s *state) takeSetup(m int) {
	x, w := &s.members[m], s.ways[m].setup
	if !w.valid || w.session != x.owner || w.number < x.number {
		return
	}
	x.number = w.number
	for r := range 2 {
		for p := range producers {
			s.takeSetupRow(m, r, p, &w)
		}
	}
	for r := range 1 + count(s.owner.peers[m].directed) {
		y := &x.receivers[r]
		if !y.there {
			s.join(m, r, &w)
		}
		if y.wanted != none && w.next[r] < y.wanted {
			continue // older than what it was wanted for
		}
		y.wanted, y.tabled, y.tail = none, w.next[r], w.next[r]
		if y.waiting {
			y.waiting = false
			s.drain(m, r)
		}
		s.tails(m, r)
	}
	s.pull(m)
}

func (s *state) takeSetupRow(m, r, p int, w *setup) {
	a := w.rows[r][p]
	if !a.here {
		return
	}
	x := &s.members[m]
	t := &x.rows[r][p]
	t.known = true
	if x.receivers[r].there {
		s.baseline(m, r, p, a)
	}
	t.last, t.lastAt = a.last, w.next[r]
	t.first, t.firstLane = a.first, a.firstLane
}

// join makes the receiver of a lane.
func (s *state) join(m, r int, w *setup) {
	x, y := &s.members[m], &s.members[m].receivers[r]
	n := w.next[r]
	*y = receiver{there: true, joined: n, next: n, highest: n, tabled: n, trail: w.trail[r], wanted: none, tail: none, stuck: y.stuck}
	if z := &x.stood[r]; z.session == x.owner && z.next < n {
		y.next, y.joined = z.next, z.next
		for y.next < y.trail {
			s.skip(m, r)
		}
	}
	for p := range producers {
		if t := &x.rows[r][p]; t.known {
			s.baseline(m, r, p, row{first: t.first, firstLane: t.firstLane})
		}
	}
}

// baseline sets what must come first of a producer (7.2).
func (s *state) baseline(m, r, p int, a row) {
	x := &s.members[m]
	at := &x.places[p]
	if at.known || !x.wants || a.firstLane < x.receivers[r].joined || a.firstLane < x.since[r] {
		return
	}
	at.known, at.next = true, max(at.next, a.first)
}

// skip gives the hole at next up.
func (s *state) skip(m, r int) {
	y := &s.members[m].receivers[r]
	y.next++
	y.highest = max(y.highest, y.next)
	y.wanted = max(y.wanted, y.highest)
	s.members[m].ghost.holes = true
}

// tails tells what producers lost at their end (7.3).
func (s *state) tails(m, r int) {
	x := &s.members[m]
	y := &x.receivers[r]
	if y.tail == none || y.next < y.tail {
		return
	}
	y.tail = none
	for p := range producers {
		t := &x.rows[r][p]
		if !t.known || t.lastAt == 0 || y.next < t.lastAt {
			continue
		}
		t.lastAt = 0
		if x.wants && x.places[p].known && x.places[p].next <= t.last {
			s.lost(m, p, t.last)
		}
	}
}

// hears says whether a member's receiver is there for the present session of the owner.
func (s *state) hears(m, r int) bool {
	x := &s.members[m]
	return x.owner == s.owner.session && x.receivers[r].there && !x.receivers[r].stuck
}

// takeData takes a datagram of a lane, whenever it comes.
func (s *state) takeData(m, r int, at num) {
	y := &s.members[m].receivers[r]
	if !s.hears(m, r) || at < y.next || at > y.next+window || at >= s.owner.head[laneOf(m, r)] || y.held[at] != 0 {
		return
	}
	y.highest = max(y.highest, at+1)
	y.held[at] = 1
	s.pull(m)
	s.drain(m, r)
}

func (s *state) takeHeartbeat(m, r int) {
	if !s.hears(m, r) {
		return
	}
	y, lane := &s.members[m].receivers[r], laneOf(m, r)
	y.trail, y.highest = max(y.trail, s.trail(lane)), max(y.highest, s.owner.head[lane])
	s.drain(m, r)
}

// giveUp is the end of the time of the hole at next.
func (s *state) giveUp(m, r int) {
	y := &s.members[m].receivers[r]
	if s.hears(m, r) && y.next < y.highest && y.held[y.next] == 0 {
		s.skip(m, r)
		s.drain(m, r)
	}
}

// drain reads what is there of a lane, in its order.
func (s *state) drain(m, r int) {
	y := &s.members[m].receivers[r]
	for !y.waiting {
		switch {
		case y.held[y.next] != 0 && !s.read(m, r, y.next):
			y.waiting, y.wanted = true, max(y.wanted, y.next+1)
		case y.held[y.next] != 0:
			y.next++
		case y.next < y.trail:
			s.skip(m, r)
		default:
			s.tails(m, r)
			s.pull(m)
			return
		}
	}
}

// read takes a datagram in the lane's order; it says false where rows are not here.
func (s *state) read(m, r int, at num) bool {
	x := &s.members[m]
	d := &s.owner.lane[laneOf(m, r)][at]
	for p := range producers {
		s.readRow(m, r, p, d.rows[p])
	}
	if d.producer < 0 || d.sequence == 0 {
		return true
	}
	p := int(d.producer)
	if !x.rows[r][p].known {
		return x.receivers[r].tabled > at // the snapshot had none: it is dropped
	}
	if !x.wants {
		return true
	}
	switch to := &x.places[p]; {
	case !to.known && d.sequence >= to.next:
		to.known, to.next = true, d.sequence
	case d.sequence < to.next:
		return true
	case d.sequence > to.next:
		s.lost(m, p, d.sequence-1)
	}
	s.deliver(m, p, d.sequence)
	return true
}

// readRow takes a row that stands in a lane (7.4).
func (s *state) readRow(m, r, p int, a row) {
	if !a.here {
		return
	}
	x := &s.members[m]
	x.rows[r][p].known = true
	s.baseline(m, r, p, a)
	if x.wants && x.places[p].known && x.places[p].next <= a.last {
		s.lost(m, p, a.last)
	}
}

// pull hands over what is held past holes of producers that miss nothing (6).
func (s *state) pull(m int) {
	x := &s.members[m]
	for again := true; again; {
		again = false
		for r := range x.receivers {
			again = s.pullLane(m, r) || again
		}
	}
}

func (s *state) pullLane(m, r int) (got bool) {
	x := &s.members[m]
	y := &x.receivers[r]
	if !y.there || !x.wants {
		return false
	}
	for at := y.next; at < places; at++ {
		d := &s.owner.lane[laneOf(m, r)][at]
		if y.held[at] != 1 || d.sequence == 0 || d.producer < 0 {
			continue
		}
		p := int(d.producer)
		if to := &x.places[p]; x.rows[r][p].known && to.known && to.next == d.sequence {
			y.held[at] = 2
			s.deliver(m, p, d.sequence)
			got = true
		}
	}
	return got
}
