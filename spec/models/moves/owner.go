package moves

// choose returns the lane that is right for the topic now. later says that the text lets it stay where it
// is for a while.
func (s *state) choose() (lane num, later bool) {
	o := &s.owner
	wanted, who, gone := 0, 0, false
	for m := range members {
		if s.takesTopic(m) {
			wanted++
			who = m
		} else if o.peers[m].gone && s.rules.Gone {
			gone = true
		}
	}
	own, p := num(1+who), &o.peers[who]
	switch {
	case wanted == 0:
		return o.current, false
	case wanted > 1 || !p.directed || !p.joined[1]:
		return 0, false
	case o.current == own:
		return own, false
	case gone || s.rules.Tethered && p.out[1]:
		return 0, false
	}
	return own, o.current == 0
}

// chosen goes on with the topic's move to the lane that is right; it says false while members must take first
// what lies on its lanes. stay has it stay where it is for longer, if it may.
func (s *state) chosen(stay bool) bool {
	o := &s.owner
	lane, later := s.choose()
	if lane == o.current || later && stay { // also of a move that is not wanted any more, or given up
		o.moving = false
		return true
	}
	o.moving = true
	if !s.cleared() {
		return false
	}
	o.moving = false
	s.move(lane)
	return true
}

// optional says whether the present move is no need.
func (s *state) optional() bool {
	_, later := s.choose()
	return later
}

// cleared says whether a move need not wait any longer.
func (s *state) cleared() bool {
	o := &s.owner
	if !s.rules.Await {
		return true
	}
	for m := range members {
		if !s.takesTopic(m) {
			continue
		}
		for r := range 2 {
			lane := laneOf(m, r)
			p := &o.peers[m]
			switch {
			case !p.joined[r] || p.taken[r] >= o.end[lane]:
			case p.out[r] && s.rules.Patience:
				o.uneven = true
			default:
				return false
			}
		}
	}
	return true
}

// move lets the topic go on on another lane.
func (s *state) move(lane num) {
	o := &s.owner
	for m := range members {
		if !s.takesTopic(m) {
			s.members[m].ghost.absent = true
		}
	}
	for p := range producers {
		o.told[p] = false
		on := &o.rows[lane][p]
		known := !s.rules.RowAnew && on.announced && on.last == o.last[p]
		if o.uneven && s.rules.Rows && o.begun[p] && !known {
			o.passed[p] = true
		}
	}
	o.current, o.uneven = lane, false
}

// counted brings up to date who wants the topic, after anything that may change it.
func (s *state) counted() {
	o := &s.owner
	for m := range members {
		takes := s.takesTopic(m)
		o.uneven = o.uneven || takes && !o.takes[m]
		o.takes[m] = takes
	}
}

func (s *state) wanted() (n int) {
	for m := range members {
		n += count(s.takesTopic(m))
	}
	return n
}

func count(x bool) int {
	if x {
		return 1
	}
	return 0
}

// lets says whether a lane's members let a datagram out.
func (s *state) lets(lane int) bool {
	o := &s.owner
	if o.head[lane] >= places-1 {
		s.ended = true
		return false
	}
	for m := range members {
		p, r := &o.peers[m], receiverOf(m, num(lane))
		if r == none || !p.present || !p.joined[r] || p.out[r] || lane == 0 && !s.takesTopic(m) {
			continue
		}
		if o.head[lane] >= p.taken[r]+window {
			return false
		}
	}
	return true
}

func (s *state) put(lane int, d datagram) {
	o := &s.owner
	o.lane[lane][o.head[lane]] = d
	o.head[lane]++
	if d.producer >= 0 || d.rows != [producers]row{} {
		o.end[lane] = o.head[lane]
	}
}

// putOther puts a datagram of other topics on a lane.
func (s *state) putOther(m, r int) {
	lane := laneOf(m, r)
	if (lane == 0 || s.owner.peers[m].directed) && s.lets(lane) && s.owner.head[lane] < places-4 {
		s.put(lane, datagram{producer: none})
	}
}

// send sends a producer's next message, or passes it over where nobody wants the topic.
func (s *state) send(p int, stay bool) {
	o := &s.owner
	if o.last[p] >= sequences-2 {
		s.ended = true
		return
	}
	if s.wanted() == 0 {
		s.pass(p)
		return
	}
	if !s.chosen(stay) || !s.lets(int(o.current)) {
		return
	}
	lane, sequence := o.current, o.last[p]+1
	d := datagram{producer: num(p), sequence: sequence}
	if !o.begun[p] {
		o.begun[p], o.first[p], o.began[p] = true, sequence, lane
	}
	if !o.told[p] {
		d.rows[p] = s.announce(p)
	}
	s.lies[p][sequence] = lying{lane, o.head[lane]}
	s.put(int(lane), d)
	o.rows[lane][p].last, o.last[p] = sequence, sequence
	s.owe(p, sequence)
}

// pass notes a message that nobody wants.
func (s *state) pass(p int) {
	o := &s.owner
	if !o.begun[p] {
		return
	}
	o.last[p]++
	if o.told[p] {
		o.rows[o.current][p].last = o.last[p]
	}
	o.passed[p] = true
}

// announce makes a producer's row, the first on its lane since the topic is there.
func (s *state) announce(p int) row {
	o := &s.owner
	on := &o.rows[o.current][p]
	r := row{here: true, first: o.last[p] + 1, firstLane: o.head[o.current], last: o.last[p]}
	if !s.rules.RowLast {
		r.last = on.last
	}
	if s.owed(p) {
		r.first = o.first[p]
	}
	if !on.announced {
		on.first, on.firstLane = r.first, r.firstLane
	}
	on.announced, on.last = true, o.last[p]
	o.told[p], o.passed[p] = true, false
	return r
}

// owed says whether a member that wants the topic has not taken where a producer began.
func (s *state) owed(p int) bool {
	o := &s.owner
	lane := o.began[p]
	for m := range members {
		r := receiverOf(m, lane)
		if r != none && s.takesTopic(m) && o.rows[lane][p].announced && o.peers[m].taken[r] <= o.rows[lane][p].firstLane {
			return true
		}
	}
	return false
}

// tellRow puts the row of a producer that went on elsewhere, though nothing follows.
func (s *state) tellRow(p int) {
	o := &s.owner
	if !o.passed[p] || s.wanted() == 0 || !s.chosen(true) || !s.lets(int(o.current)) || !o.passed[p] {
		return
	}
	d := datagram{producer: none}
	if o.told[p] {
		d.rows[p] = row{here: true, first: o.last[p] + 1, firstLane: o.head[o.current], last: o.last[p]}
		o.passed[p] = false
	} else {
		d.rows[p] = s.announce(p)
	}
	s.put(int(o.current), d)
}

func (s *state) addPeer(m int) {
	p := &s.owner.peers[m]
	if p.present {
		return
	}
	*p = peer{present: true, directed: p.directed, gone: p.gone}
	s.counted()
}

// removePeer is the end of a member, or of a session of it.
func (s *state) removePeer(m int) {
	p := &s.owner.peers[m]
	if !p.present {
		return
	}
	*p = peer{directed: p.directed, gone: p.gone || s.takesTopic(m)}
	s.members[m].ghost.away = true
	s.counted()
}

// makeSetup sends a snapshot to a member.
func (s *state) makeSetup(m int) {
	o := &s.owner
	if !o.peers[m].present {
		return
	}
	if o.number++; o.number > 100 {
		s.ended = true
	}
	x := setup{valid: true, session: o.session, number: o.number}
	for r := range 2 {
		lane := laneOf(m, r)
		x.next[r], x.trail[r] = o.head[lane], s.trail(lane)
		for p := range producers {
			on := &o.rows[lane][p]
			if !on.announced {
				continue
			}
			x.rows[r][p] = row{here: true, first: on.first, firstLane: on.firstLane, last: on.last}
			if !s.rules.SetupLast {
				x.rows[r][p].last = o.last[p]
			}
		}
	}
	s.ways[m].setup = x
}

func (s *state) takeStatus(m, r int) {
	y, p := &s.ways[m].status[r], &s.owner.peers[m]
	if !y.valid || !p.present || y.session != s.owner.session || r == 1 && !p.directed {
		return
	}
	if !p.joined[r] {
		p.joined[r], p.taken[r] = true, y.taken
	}
	p.taken[r] = max(p.taken[r], y.taken)
	s.counted()
}

func (s *state) takeWant(m int) {
	y, p := &s.ways[m].want, &s.owner.peers[m]
	if !y.valid || !p.present || y.version <= p.version {
		return
	}
	p.wants, p.version = y.wants, y.version
	s.counted()
}

// holdsUp says whether the lane, or the topic's move, waits for a member.
func (s *state) holdsUp(m, r int) bool {
	o, p, lane := &s.owner, &s.owner.peers[m], laneOf(m, r)
	if !p.present || !p.joined[r] || p.out[r] {
		return false
	}
	waits := s.rules.PutOut && o.moving && !s.optional() && s.takesTopic(m) && p.taken[r] < o.end[lane]
	return waits || o.head[lane] >= p.taken[r]+window
}

// putOut puts out a member that holds up a lane, or a move.
func (s *state) putOut(m, r int) {
	if s.holdsUp(m, r) {
		s.owner.peers[m].out[r] = true
		s.members[m].ghost.out = true
	}
}

// takeBack waits again for a member that has caught up.
func (s *state) takeBack(m, r int) {
	if p := &s.owner.peers[m]; s.owner.head[laneOf(m, r)]-p.taken[r] <= 1 {
		p.out[r] = false
	}
}

// rest gives the window of a directed lane back that its member has taken.
func (s *state) rest(m int) {
	o, lane := &s.owner, laneOf(m, 1)
	if p := &o.peers[m]; p.present && p.joined[1] && p.taken[1] == o.head[lane] {
		o.floor[lane] = o.head[lane]
	}
}

// restartOwner begins a new session; back is how many messages each producer goes back.
func (s *state) restartOwner(back num) {
	o := &s.owner
	o.session++
	s.resetOwner()
	for p := range producers {
		if o.last[p] >= back {
			o.last[p] -= back
		}
	}
	for m := range members {
		s.ways[m] = way{}
		g := &s.members[m].ghost
		g.over = true
		for p := range producers {
			if g.next[p] == 0 || g.next[p] > o.last[p]+1 {
				g.owed[p] = 0 // nobody can know of it; or it comes again
			}
		}
	}
}
