package renewal

// hear takes word of the owner's session: nothing more of the last one is read.
func (s *state) hear(m *member, rules *Rules) bool {
	if m.session == s.session {
		return false
	}
	m.session, m.joined, m.begun = s.session, false, -1
	if !rules.Known {
		m.place, m.known = 0, false
	}
	return true
}

// enter joins the lane at its end, and looks what of the producer lies before that.
func (s *state) enter(i int) (ok bool, broken string) {
	m := &s.members[i]
	if m.session != s.session || m.joined {
		return false, ""
	}
	l := &s.lanes[s.session]
	m.joined, m.join, m.next, m.since = true, l.sent, l.sent, 0
	last := int8(-1)
	for _, d := range l.data[:l.sent] {
		if d.part != begin {
			last = d.seq
		}
	}
	if m.wants && m.known {
		broken = s.tell(i, last)
	}
	return true, broken
}

// subscribe begins to want the topic.
func (s *state) subscribe(m *member) bool {
	if m.wants {
		return false
	}
	m.wants, m.since = true, m.next
	return true
}

// take reads the next datagram of its session's lane.
func (s *state) take(i int) (ok bool, broken string) {
	m := &s.members[i]
	if m.session < 0 || !m.joined || m.next == s.lanes[m.session].sent {
		return false, ""
	}
	l, at := &s.lanes[m.session], m.next
	m.next++
	if !m.wants || at < m.since {
		return true, ""
	}
	if at == l.firstAt && !m.known && at >= m.join {
		m.known, m.place = true, max(m.place, l.first)
	}
	d := l.data[at]
	if !m.known && d.seq >= m.place {
		m.known, m.place = true, d.seq
	}
	if d.seq < m.place {
		return true, "" // it was delivered before
	}
	switch {
	case d.part == begin:
		m.begun = d.seq
		return true, s.tell(i, d.seq-1)
	case d.part == end && m.begun != d.seq:
		return true, s.tell(i, d.seq) // its beginning is not here
	}
	if broken = s.tell(i, d.seq-1); broken == "" {
		broken = m.get(d.seq, delivered)
	}
	m.place = d.seq + 1
	return true, broken
}

// get notes what becomes of a message.
func (m *member) get(seq int8, what int8) (broken string) {
	for _, later := range m.got[seq:] {
		if later != nothing {
			return "once"
		}
	}
	m.got[seq] = what
	return ""
}

// tell tells as lost what is missing up to a message.
func (s *state) tell(i int, last int8) (broken string) {
	m := &s.members[i]
	for ; m.place <= last; m.place++ {
		if b := m.get(m.place, told); b != "" {
			return b
		}
		switch {
		case m.excused>>m.place&1 != 0:
		case m.place >= m.owed:
			return "whole"
		case m.place != large: // of which the end may come to who has not the beginning
			return "promised"
		}
	}
	return ""
}
