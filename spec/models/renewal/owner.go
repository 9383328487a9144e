package renewal

// publish puts a message into the ring.
func (s *state) publish() bool {
	if s.published == messages || s.reads && s.published-s.cursor == slots {
		return false
	}
	s.published++
	s.oldest = max(s.oldest, s.published-slots)
	return true
}

// send puts the next message, or a part of it, on the lane.
func (s *state) send(rules *Rules) bool {
	if s.phase != sends || !s.reads || s.cursor == s.published || !s.members[stays].offered() && !s.members[joins].offered() {
		return false
	}
	if s.cursor < s.oldest { // the ring has gone on
		s.cursor, s.half = s.oldest, false
	}
	d := datagram{seq: s.cursor}
	switch {
	case s.cursor != large:
	case s.half:
		d.part = end
	default:
		d.part = begin
	}
	l := &s.lanes[s.session]
	if l.firstAt == laneMost {
		l.firstAt, l.first = l.sent, s.cursor
		if !rules.First {
			l.first = 0
		}
	}
	l.data[l.sent] = d
	l.sent++
	s.half = d.part == begin
	if !s.half {
		s.cursor++
	}
	s.owe(d)
	return true
}

// owe notes who has to get what is sent.
func (s *state) owe(d datagram) {
	for i := range s.members {
		m := &s.members[i]
		if m.offered() && d.part != end && d.seq >= m.place { // what is sent anew to who has begun behind it he does not get
			m.owed = min(m.owed, d.seq)
		}
		if !m.offered() && s.hurried {
			m.excuse(d.seq)
		}
	}
}

// excuse lets a message be lost to a member.
func (m *member) excuse(seq int8) {
	m.excused |= 1 << seq
	if !m.known {
		m.unknown |= 1 << seq
	}
}

// ask wants a new session.
func (s *state) ask() bool {
	if s.phase != sends || s.session+1 == sessions {
		return false
	}
	s.phase = asked
	return true
}

// beginSession begins it, once the members have all that was sent, or in a hurry.
func (s *state) beginSession(rules *Rules, hurry bool) bool {
	if s.phase != asked || hurry == (s.settled() || !rules.Waits) {
		return false
	}
	if !s.settled() && rules.Back {
		place := s.place()
		if hurry {
			for seq := place; seq < s.oldest; seq++ { // it released them
				s.members[stays].excuse(seq)
				s.members[joins].excuse(seq)
			}
		}
		s.cursor, s.half = place, false
	}
	if rules.Anew {
		s.half = false
	}
	s.hurried = s.hurried || hurry
	s.phase, s.reads = awaits, rules.Stays
	s.session++
	for i := range s.members {
		m := &s.members[i]
		m.awaited = m.session >= 0
		m.said, m.counted, m.member, m.taken = false, false, false, 0
	}
	return true
}

// goOn ends the waiting, once all have said what they want, or in a hurry.
func (s *state) goOn(rules *Rules, hurry bool) bool {
	if s.phase != awaits || hurry == (!s.members[stays].awaited && !s.members[joins].awaited || !rules.Wanted) {
		return false
	}
	s.hurried = s.hurried || hurry
	s.phase, s.reads = sends, true
	return true
}

// heardWant takes what a member of this session wants.
func (s *state) heardWant(m *member, rules *Rules) bool {
	if m.session != s.session || m.said && m.counted == m.wants {
		return false
	}
	m.said, m.counted = true, m.wants
	m.awaited = m.awaited && rules.Joined && !m.member
	return true
}

// heardStatus takes what a member of this session has taken.
func (s *state) heardStatus(m *member) bool {
	if m.session != s.session || !m.joined || m.member && m.taken == m.next {
		return false
	}
	m.member, m.taken = true, m.next
	m.awaited = m.awaited && !m.said
	return true
}
