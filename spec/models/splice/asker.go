package splice

// newList makes the next list.
func (s *state) newList(wants bool) bool {
	x := &s.asker
	if x.version >= versions-1 {
		s.ended = true
		return false
	}
	x.version++
	x.wants = wants
	x.told[x.version] = wants
	return true
}

// subscribe begins to want the topic, with what was published before or without.
func (s *state) subscribe(back num, history bool) {
	x := &s.asker
	if x.wants || !s.newList(true) {
		return
	}
	x.began = s.owner.entries
	x.ghost = ghost{asked: x.version, from: none, history: history, back: back}
	for p := range producers {
		x.ghost.done[p] = x.places[p].done
	}
	if history {
		s.askNow(x.version, back, false)
	}
}

// askToo asks for what was published before of a topic that is wanted already.
func (s *state) askToo(back num) {
	x := &s.asker
	if !x.wants || x.more.there || !s.newList(true) {
		return
	}
	if x.holds { // what the stream before it begins is read already
		x.more = nextAsk{there: true, ask: x.version, back: back}
		return
	}
	s.ghostToo(back)
	s.askNow(x.version, back, true)
}

// succeed lets another forwarder go on in the place of the asker's: it knows what was delivered, and where the
// holding began.
func (s *state) succeed() {
	x := &s.asker
	if !x.wants || !s.newList(true) {
		return
	}
	if x.holds && x.since != none {
		x.next = x.since
	}
	for p := range producers {
		at := &x.places[p]
		if next := x.ghost.next[p]; next != 0 {
			*at = place{known: true, begun: true, next: next, done: next}
			continue
		}
		*at = place{next: at.done, done: at.done}
	}
	x.ghost.partial = true
	x.tail, x.holds, x.count, x.more = true, false, 0, nextAsk{}
	if x.ghost.history {
		s.askNow(x.version, x.ghost.back, s.rules.Resumes)
	}
}

// askNow begins to hold, and a stream. already: the topic was wanted before.
func (s *state) askNow(version, back num, already bool) {
	x := &s.asker
	x.holds, x.skipped, x.count, x.since = true, false, 0, none
	for p := range producers {
		x.joins[p] = joining{next: x.places[p].done, stays: x.places[p].known && (x.places[p].begun || !s.rules.Begun)}
	}
	s.beginStream(version, back, already)
}

func (s *state) beginStream(version, back num, already bool) {
	x := &s.asker
	x.ask, x.back, x.already, x.reach, x.taken = version, back, already, none, 0
	if x.number++; x.number >= numbers {
		s.ended = true
	}
}

// snapshotComes says how far the lane is.
func (s *state) snapshotComes() {
	o, x := &s.owner, &s.asker
	if x.holds && x.already && x.reach == none && (!s.rules.Fresh || o.stream.there && o.number == x.number) {
		x.reach = o.entries
	}
}

// metAgain lets the asker take the owner for dead in the middle, and meet it again in its session: what was held is
// handed over, the lane is read on, and it asks anew.
func (s *state) metAgain() {
	x := &s.asker
	if !x.holds || !x.wants {
		return
	}
	x.ghost.partial = true
	s.endCatchup(true)
	s.askNow(x.version, x.ghost.back, s.rules.Resumes)
	x.skipped = s.rules.EndsToo
}

func (s *state) askAgain() {
	if x := &s.asker; x.holds && x.number < numbers-1 {
		x.number++
		x.taken = 0
	}
}

// withdraw lets go of the topic.
func (s *state) withdraw() {
	x := &s.asker
	if !x.wants || !s.newList(false) {
		return
	}
	for p := range producers {
		if x.holds && !x.joins[p].stays {
			x.places[p].done = max(x.places[p].done, x.joins[p].next)
		} else if x.places[p].known && !x.holds {
			x.places[p].done = max(x.places[p].done, x.places[p].next)
		}
		x.places[p].known, x.places[p].begun = false, false
		x.places[p].next = max(x.places[p].next, x.places[p].done)
	}
	x.holds, x.count, x.more = false, 0, nextAsk{}
}

// comes reads the next datagram of the lane, or gives it up.
func (s *state) comes(given bool) {
	o, x := &s.owner, &s.asker
	if x.next >= o.entries {
		return
	}
	e := o.lane[x.next]
	x.next++
	if given {
		s.gone[x.next-1] = true
		x.tail, x.skipped = true, true
		return
	}
	if x.wants {
		s.takeMessage(e)
	}
}

func (s *state) takeMessage(e entry) {
	x := &s.asker
	if e.position == none {
		for p := range producers {
			at := &x.places[p]
			if !at.known && e.last[p] != 0 && x.next > x.began { // nothing before it was promised
				at.known, at.next = true, max(at.next, e.last[p]+1)
			}
			if at.known && at.next <= e.last[p] {
				first := at.next
				at.next = e.last[p] + 1
				s.give(item{loss: true, producer: num(p), first: first, sequence: e.last[p]})
			}
		}
		return
	}
	p, q := s.owner.producer[e.position], s.owner.sequence[e.position]
	at := &x.places[p]
	switch {
	case !at.known && q >= at.next:
		at.known, at.next = true, q
	case q < at.next:
		return
	case q > at.next:
		s.give(item{loss: true, producer: p, first: at.next, sequence: q - 1})
	}
	at.next = q + 1
	s.give(item{loss: e.begun < x.began, producer: p, first: q, sequence: q})
}

// give hands over what the lane brings, or holds it.
func (s *state) give(i item) {
	x := &s.asker
	if x.holds && s.rules.Hold {
		if x.since == none {
			x.since = max(x.next-1, 0)
		}
		if j := &x.joins[i.producer]; j.first == 0 {
			j.first = i.first
		}
		x.held[x.count] = i
		x.count++
		return
	}
	if !x.holds {
		x.places[i.producer].done, x.places[i.producer].begun = i.sequence+1, true
	}
	s.tell(i)
}

func (s *state) tell(i item) {
	if i.loss {
		s.lost(int(i.producer), i.first, i.sequence)
		return
	}
	s.deliver(int(i.producer), i.sequence)
}

// takeRow takes the next row of the stream, or its end.
func (s *state) takeRow() {
	x, t := &s.asker, &s.owner.stream
	if !x.holds || !t.there || s.owner.number != x.number {
		return
	}
	if x.already && s.rules.Waits && (x.reach == none || x.next < x.reach) {
		return
	}
	if x.taken < t.count {
		s.join(t.rows[x.taken])
		x.taken++
	} else if t.read && x.more.there {
		more := x.more
		x.more = nextAsk{}
		s.beginStream(more.ask, more.back, true)
	} else if t.read {
		s.endCatchup(false)
	}
}

func (s *state) join(r row) {
	p := int(r.producer)
	j := &s.asker.joins[p]
	already := s.asker.already && s.rules.LaneFirst
	lane := already && j.first != 0 // the lane brings all from there on
	if at := &s.asker.places[p]; already && !lane && !j.given && !j.stays && at.known && !r.place && r.sequence >= at.next {
		j.next, j.given = max(j.next, at.next), true // a row said that all from there on comes
	}
	switch {
	case j.stays, s.asker.already && !s.rules.Takes:
	case lane && (r.place || r.sequence >= j.first):
	case r.place:
		if j.given {
			s.tellBefore(p, r.sequence+1)
		}
	default:
		s.deliverJoining(p, r.sequence)
	}
}

func (s *state) tellBefore(p int, below num) {
	if j := &s.asker.joins[p]; j.next < below {
		s.lost(p, j.next, below-1)
		j.next = below
	}
}

func (s *state) deliverJoining(p int, q num) {
	j := &s.asker.joins[p]
	if q < j.next {
		return
	}
	if j.given {
		s.tellBefore(p, q)
	}
	j.next, j.given = q+1, true
	s.deliver(p, q)
}

// endCatchup hands over what was held.
func (s *state) endCatchup(partial bool) {
	x := &s.asker
	for _, h := range x.held[:x.count] {
		s.handHeld(h)
	}
	x.holds, x.count, x.more = false, 0, nextAsk{}
	for p := range producers {
		j, at := &x.joins[p], &x.places[p]
		switch {
		case j.stays:
			at.done = max(at.done, at.next)
			continue
		case j.given && at.known:
			s.tellBefore(p, at.next)
		}
		if at.done = max(at.done, j.next); j.given {
			at.known, at.begun, at.next = true, true, j.next
		} else {
			at.next = max(at.next, j.next)
		}
	}
	x.tail = x.tail || partial || x.skipped && s.rules.Ends
}

func (s *state) handHeld(h item) {
	p := int(h.producer)
	j := &s.asker.joins[p]
	switch {
	case j.stays:
		s.tell(h)
	case !h.loss:
		s.deliverJoining(p, h.sequence)
	case h.sequence >= j.next:
		first := h.first
		if j.given || first < j.next {
			first = j.next
		}
		s.lost(p, first, h.sequence)
		j.next, j.given = h.sequence+1, true
	}
}

// ends looks at how far producers have got, the lane being read to its end.
func (s *state) ends() {
	o, x := &s.owner, &s.asker
	if !x.tail || x.next < o.entries {
		return
	}
	x.tail = false
	for p := range producers {
		if at := &x.places[p]; x.wants && at.known && at.next <= o.last[p] {
			first := at.next
			at.next = o.last[p] + 1
			s.give(item{loss: true, producer: num(p), first: first, sequence: o.last[p]})
		}
	}
}
