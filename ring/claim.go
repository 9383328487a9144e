package ring

// claimShared claims the next position of a shared ring (spec/ring.md, Publish,
// steps 1 to 8). It never blocks and never allocates. ErrFull: the readers, or a
// writer within its commit deadline, are in the way.
func (p *Producer) claimShared() (uint64, error) {
	r := p.ring
	looked := false // behind a quarantined claim: the clock is read once a call
	for holes := uint64(0); holes <= r.capacity(); {
		at("tail")
		t := r.ctl.tail.Load() // pairs(tail)
		lap := r.lap(t)
		a := r.claim(t)
		at("look")
		w := word(a.Load()) // pairs(claim)
		switch {
		case w.lap() == lap:
			at("help")
			r.ctl.tail.CompareAndSwap(t, t+1) // help
			continue
		case w == sealWord && t == 0:
			return 0, ErrRetired // pairs(seal)
		case w.lap() > lap || w.lap()+1 < lap:
			if r.ctl.tail.Load() != t {
				continue
			}
			return 0, r.spoiled(t, "claim word of another lap")
		}
		if !r.room(&p.gate, t) {
			r.blame(&p.gate, t)
			return 0, ErrFull
		}
		if w.state() == stateQuarantined && !looked {
			looked = true
			if r.reclaim(&p.gate, t) {
				continue
			}
		}
		stamped, err := p.claimOver(t, lap, w)
		switch {
		case err != nil:
			return 0, err
		case stamped == claimed:
			p.lookForward(t)
			p.mayHurryShared()
			return t, nil
		case stamped == stepped:
			holes++
		}
	}
	return 0, ErrStalled
}

// A slot of more lines is not asked for ahead: where the cores are near its misses
// overlap well enough by themselves, and asking cost more than it saved.
const (
	mostLinesAhead = 17
	lineSize       = 64
)

// linesAhead is how many lines of a slot are asked for before it is claimed.
func (r *Ring) linesAhead() uint64 {
	if lines := r.stride / lineSize; lines <= mostLinesAhead {
		return lines
	}
	return 0
}

// lookForward asks for the lines of the slot behind position t, which we have claimed,
// if the position before was ours, too: then the next will be. On a shared ring each
// locked instruction waits for all stores before it, so that the misses of consecutive
// messages do not overlap by themselves.
func (p *Producer) lookForward(t uint64) {
	if p.next == t && p.ahead != 0 {
		fetchOwn(p.ring.published(t+1), p.ahead)
	}
	p.next = t + 1
}

// What one try at a position came to.
const (
	lost    = iota // somebody was faster: load again
	stepped        // the position is now a hole
	claimed
)

// claimOver tries to claim position t, whose slot is free or must be stepped over
// (steps 5 to 8); w is its claim word as loaded.
func (p *Producer) claimOver(t, lap uint64, w word) (int, error) {
	r, a := p.ring, p.ring.claim(t)
	if w.state() == stateQuarantined {
		return p.stamp(t, w, makeWord(lap, w.owner(), stateQuarantined)), nil
	}
	if w.state() == stateWriting {
		if r.gated() && !p.overdue(t, w) {
			return lost, ErrFull
		}
		at("quarantine")
		if a.CompareAndSwap(uint64(w), uint64(w.with(stateQuarantined))) {
			r.ctl.quarantined.Add(1)
			r.wakeReaders()
		}
		return lost, nil
	}
	if p.gate.pinned(t, r.capacity()) {
		r.unpinDead(&p.gate)
		return p.stamp(t, w, makeWord(lap, 0, stateHole)), nil
	}
	at("claim")
	if !a.CompareAndSwap(uint64(w), uint64(makeWord(lap, p.owner, stateWriting))) { // pairs(claim)
		return lost, nil
	}
	at("tell")
	r.ctl.tail.CompareAndSwap(t, t+1) // pairs(tail); helped by whoever comes next if we die here
	at("claimed")
	claimFence(a)
	return claimed, nil
}

// stamp replaces the word of a slot that must not be written, so that readers
// step over this position. A failed stamp never pushes the tail: the position
// would be passed without a word and a reader would wait there for ever.
func (p *Producer) stamp(t uint64, old, stamped word) int {
	at("stamp")
	if !p.ring.claim(t).CompareAndSwap(uint64(old), uint64(stamped)) {
		return lost
	}
	at("tell stamp")
	p.ring.ctl.tail.CompareAndSwap(t, t+1)
	p.ring.wakeReaders() // who sleeps before a ring full of holes holds us back
	return stepped
}

// overdue reports whether a writer that holds the slot of position t from the
// lap before has had its time, or is dead. The time is remembered across calls
// that returned ErrFull.
func (p *Producer) overdue(t uint64, w word) bool {
	now := p.ring.now()
	if p.watched != w || p.watchedAt != t {
		p.watched, p.watchedAt = w, t
		p.watch.start(now)
		p.inquiry.start()
		return false
	}
	waited := p.watch.step(now)
	if waited >= p.ring.shape.CommitDeadline {
		return true
	}
	return p.inquiry.due(waited) && !p.ring.host.Alive(w.owner())
}

// finishShared ends the claim of position t as READY or HOLE (steps 10 and 11),
// or learns that the claim was taken.
func (p *Producer) finishShared(t uint64, state uint64) error {
	r, a, lap := p.ring, p.ring.claim(t), p.ring.lap(t)
	mine := makeWord(lap, p.owner, stateWriting)
	at("commit")
	if !a.CompareAndSwap(uint64(mine), uint64(mine.with(state))) { // pairs(commit)
		p.letGo(t)
		return ErrFenced
	}
	if state == stateReady {
		at("publish")
		storeRelease(r.published(t), lap) // pairs(publish); the commit before it was the fence
	}
	r.wakeReaders()
	return nil
}

// letGo frees a slot that was quarantined under our name: from here on nobody
// writes there, so others may claim it again. The stamp of a later lap may come
// between load and swap: repeat until the word is no longer ours.
func (p *Producer) letGo(t uint64) {
	a := p.ring.claim(t)
	for {
		at("let go")
		w := word(a.Load())
		if w.state() != stateQuarantined || w.owner() != p.owner {
			break
		}
		at("free")
		if a.CompareAndSwap(uint64(w), uint64(makeWord(w.lap(), 0, stateHole))) {
			break
		}
	}
	p.ring.wakeReaders()
}
