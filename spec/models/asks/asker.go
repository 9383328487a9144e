package asks

// want asks for a name.
func (s *state) want() {
	if x := &s.asker; !x.asks {
		x.asks = true
		x.progress = s.now
		s.beginStream()
	}
}

func (s *state) beginStream() {
	x := &s.asker
	x.number = (x.number + 1) % numbers
	x.got, x.next, x.full = [chunks]int{}, 0, false
	x.begun, x.askAt = s.now, s.now
}

func (s *state) ask(last bool) {
	x := &s.asker
	f := frame{number: x.number, next: x.next, last: last}
	for at, reading := range x.got {
		if reading != 0 && at >= x.next {
			f.mask |= 1 << at
		}
	}
	s.send(f)
}

// tickAsker asks again, begins anew, and gives up.
func (s *state) tickAsker() {
	x := &s.asker
	if s.now < x.stopped || !x.asks {
		return
	}
	if x.full {
		x.begun, x.progress, x.askAt = s.now, s.now, s.now+1
		return
	}
	s.read()
	switch {
	case !x.asks:
		return
	case s.now-x.progress >= giveUp:
		x.given++
		s.endAsk()
		return
	case s.rules.Anew && s.now-x.begun >= restart && s.now-x.progress >= restart:
		s.beginStream()
	}
	if s.now >= x.askAt {
		s.ask(false)
		x.askAt = s.now + askEach
	}
}

func (s *state) endAsk() {
	for range 2 {
		s.ask(true)
	}
	s.asker.asks = false
}

// takeChunk takes the first that comes of each.
func (s *state) takeChunk(f frame) {
	x := &s.asker
	if !x.asks || f.number != x.number {
		return
	}
	if f.at < x.next || x.got[f.at] != 0 {
		s.ask(false)
		return
	}
	x.got[f.at] = f.reading
	x.progress = s.now
	s.read()
	if x.asks {
		s.ask(false)
	}
}

// read goes on with what is here in order.
func (s *state) read() {
	x := &s.asker
	for x.asks && !x.full && x.got[x.next] != 0 {
		if x.got[x.next] != x.got[0] {
			s.violate("whole", "stream %d has chunk %d of reading %d, and chunk 0 of %d", x.number, x.next, x.got[x.next], x.got[0])
		}
		if x.next++; x.next == chunks {
			x.done++
			s.endAsk()
		}
	}
}
