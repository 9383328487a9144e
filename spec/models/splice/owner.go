package splice

// publish puts a message into the ring, which waits for the forwarder.
func (s *state) publish(p int) {
	o := &s.owner
	if o.tail >= positions-1 {
		s.ended = true
		return
	}
	if (o.open || o.kept != 0) && o.tail-o.cursor >= slots {
		return
	}
	o.sent[p]++
	o.producer[o.tail], o.sequence[o.tail] = num(p), o.sent[p]
	o.tail++
}

// replace puts another ring in the place of one that was read to its end.
func (s *state) replace() {
	if o := &s.owner; !o.open && o.kept == 0 || o.cursor == o.tail {
		o.base = o.tail
	}
}

// wanted says whether anybody wants the topic.
func (o *owner) wanted() bool { return o.wants || o.other }

// look begins to forward the topic, or ends that. back: so far before the tail, as far as the ring has it.
func (s *state) look(back num) {
	o := &s.owner
	if !o.wanted() {
		o.kept = 0
	}
	switch {
	case o.open == o.wanted():
	case o.open:
		s.closes()
	default:
		at := o.tail
		if o.kept != 0 {
			at = o.kept - 1
		}
		at, o.kept = max(at-back, o.oldest()), 0
		o.open, o.cursor, o.opened = true, at, at
		for v, x := range o.marks {
			if x == opens {
				o.marks[v] = max(at, o.stood)
			}
		}
	}
}

// closes ends the forwarding.
func (s *state) closes() {
	o := &s.owner
	o.stood = max(o.stood, o.cursor+num(count(o.part != none)))
	o.open, o.part = false, none
}

// giveUp ends it though it is wanted: it begins again soon.
func (s *state) ringGivenUp() {
	if s.owner.open {
		s.owner.kept = s.owner.cursor + 1
		s.closes()
	}
}

func (s *state) otherWants() {
	s.owner.other = !s.owner.other
	if !s.owner.wanted() {
		s.look(0)
	}
}

// alone says whether a message may go on the lane of the other, who alone wants it.
func (o *owner) alone() bool { return o.other && !o.wants }

// putHalf puts the first half of the next message.
func (s *state) putHalf(apart bool) {
	if o := &s.owner; o.open && o.cursor < o.tail && o.part == none && o.sequence[o.cursor] > o.last[o.producer[o.cursor]] {
		o.part, o.apart = o.entries, apart && o.alone()
	}
}

// put puts the next message, or the rest of it, which goes where it was begun. apart: on the other's lane.
func (s *state) put(apart bool) {
	o := &s.owner
	if !o.open || o.cursor == o.tail || !o.wanted() {
		return
	}
	apart = apart && o.alone()
	if o.part != none {
		apart = o.apart
	}
	p := o.producer[o.cursor]
	if o.sequence[o.cursor] <= o.last[p] { // it was sent before
		o.cursor++
		o.part = none
		return
	}
	if !apart {
		e := entry{position: o.cursor, begun: o.entries}
		if o.part != none {
			e.begun = o.part
		}
		o.lane[o.entries] = e
		o.entries++
	}
	o.gone[p] = o.gone[p] || apart
	o.last[p], o.lastAt[p] = o.sequence[o.cursor], o.lists
	o.cursor++
	o.stood = max(o.stood, o.cursor)
	if o.part = none; apart {
		s.tellRows()
	}
}

// takeList takes a list of the asker's; those before it that did not come are lost.
func (s *state) takeList(version num) {
	o, x := &s.owner, &s.asker
	if version <= o.version || version > x.version {
		return
	}
	was := o.wants
	o.wants = x.told[version]
	if o.wants && !was {
		o.since = version
	}
	at := num(opens)
	if o.open {
		at = s.splice()
	} else if !s.rules.Opened {
		at = o.tail
	}
	for v := o.version + 1; v <= version; v++ {
		o.marks[v] = at
	}
	o.version = version
	o.lists++
	s.ghostCounted()
	s.tellRows()
	if !o.wanted() {
		s.look(0)
	}
}

// tellRows puts rows on the lane that the asker reads, of what went on the other's (15.6).
func (s *state) tellRows() {
	o := &s.owner
	if !o.wants || o.gone == [producers]bool{} {
		return
	}
	o.lane[o.entries] = entry{position: none, last: o.last}
	o.entries++
	o.gone = [producers]bool{}
}

// answer begins the asker's stream.
func (s *state) answer() {
	o, x := &s.owner, &s.asker
	ask := x.ask
	if !s.rules.FirstList {
		ask = x.version
	}
	if !x.holds || x.number <= o.number || o.version < ask || !o.open {
		return
	}
	o.number = x.number
	if !s.rules.Versions {
		ask = o.since
	}
	w := o.marks[ask]
	if !s.rules.Counted {
		w = s.splice()
	}
	t := &o.stream
	*t = o.stream
	t.there, t.read, t.count = true, false, 0
	t.at, t.end = max(w-x.back, o.oldest()), w
	t.counted = w
	if !s.rules.ToSplice {
		t.end = s.splice()
	}
}

// read reads one row of the ring, or ends the stream.
func (s *state) read() {
	o, t := &s.owner, &s.owner.stream
	if !t.there || t.read {
		return
	}
	if t.at = max(t.at, o.oldest()); t.at < t.end {
		t.rows[t.count] = row{producer: o.producer[t.at], sequence: o.sequence[t.at]}
		t.count++
		t.at++
		return
	}
	t.read = true
	for p := range producers {
		silent := s.rules.Place && s.sentBelow(p, t.counted)
		if o.last[p] != 0 && (silent || s.rules.PlaceAll) {
			t.rows[t.count] = row{place: true, producer: num(p), sequence: o.last[p]}
			t.count++
		}
	}
}

// sentBelow says whether nothing of a producer was put on a lane at or behind a position.
func (s *state) sentBelow(p int, position num) bool {
	o := &s.owner
	for at := position; at < max(o.cursor, o.stood); at++ {
		if o.producer[at] == num(p) && o.sequence[at] <= o.last[p] {
			return false
		}
	}
	return true
}
