package asks

// mayBegin says whether an ask begins a stream.
func (s *state) mayBegin(f frame) bool {
	o := &s.owner
	if f.last || s.rules.Begins && f.next != 0 {
		return false
	}
	if len(o.begun) == 0 {
		return true
	}
	last := o.begun[len(o.begun)-1]
	if s.now-last.at < apart {
		return false
	}
	for _, b := range o.begun {
		if s.rules.Once && b.number == f.number && (!s.rules.Forgets || s.now-b.at < once) {
			return false
		}
	}
	return above(f.number, last.number) || s.rules.Lower && (!s.rules.Waits || s.now-o.last >= quiet)
}

// takeAsk begins a stream, or goes on with one.
func (s *state) takeAsk(f frame) {
	o := &s.owner
	if !o.serving || o.number != f.number {
		if !s.mayBegin(f) {
			return
		}
		if o.serving && !f.forged && f.number != s.asker.number && o.number == s.asker.number && s.now-o.last < quiet && s.asker.asks {
			s.violate("kept", "stream %d is ended by an ask for %d that was overtaken", o.number, f.number)
		}
		*o = owner{serving: true, number: f.number, reading: o.reading + 1, begun: append(o.begun[:len(o.begun):len(o.begun)], begunAt{f.number, s.now}), stopped: o.stopped}
		if s.rules.Forgets {
			for o.begun[0].at+once <= s.now {
				o.begun = o.begun[1:]
			}
		}
	}
	o.heard, o.last = s.now, s.now
	if f.last {
		o.serving = false
		return
	}
	if f.next >= o.base && f.next <= o.made {
		o.base = f.next
		o.have |= f.mask
	}
	o.made = max(o.made, min(o.base+window, chunks))
	for at := o.base; at < o.made; at++ {
		if o.have>>at&1 == 0 {
			s.send(frame{chunk: true, number: o.number, at: at, last: at == chunks-1, reading: o.reading})
		}
	}
}

// tickOwner ends a stream of which nothing is heard.
func (s *state) tickOwner() {
	if o := &s.owner; s.now >= o.stopped && o.serving && s.now-o.heard > idle {
		o.serving = false
	}
}

// forget lets the owner take the asker for dead, and meet it again.
func (s *state) forget() {
	if o := &s.owner; s.now-o.last >= giveUp {
		begun := o.begun
		if !s.rules.Kept {
			begun = nil
		}
		*o = owner{reading: o.reading, stopped: o.stopped, last: o.last, begun: begun}
	}
}
