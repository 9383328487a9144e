package ring

// news looks at what the group has to tell besides messages: that it was put out,
// what was lost, and what the dead had in hand. nil: nothing.
func (mb *Member) news() error {
	g := mb.group
	if g.state().state() != entryActive {
		mb.lag(g.comeBack())
		mb.next = g.gateAt()
	}
	if mb.lost > 0 {
		return mb.tellLag()
	}
	if mb.takes%(16*rescan) == 0 { // never idle, but it looks round
		mb.lookRound()
	}
	if e := g.head.events.Load(); e != mb.events { // pairs(report)
		if err := mb.report(); err != nil {
			return err
		}
		mb.events = e
	}
	return nil
}

// lag notes positions that nobody of the group took.
func (mb *Member) lag(first, n uint64) {
	if n == 0 {
		return
	}
	if mb.lost == 0 {
		mb.first = first
	}
	mb.lost += n
	mb.missed += n
}

// tellLag hands out what was noted.
func (mb *Member) tellLag() error {
	n := mb.lost
	mb.lost = 0
	mb.group.ring.entries[mb.group.entry].missed.Add(n)
	return &LaggedError{Missed: n, First: mb.first}
}

// lookRound asks, at most every 100 ms, whether the takers of what is in hand live,
// and takes back what the dead held; it also finds reports that nobody announced.
func (mb *Member) lookRound() {
	now := mb.ring.now()
	if now-mb.looked < deadCheck {
		return
	}
	mb.looked = now
	self, asked := mb.ring.host.Index(), -1
	for i := range mb.group.rows {
		w := entryWord(mb.group.rows[i].state.Load()) // pairs(row)
		if w.state() == rowAbandoned {
			mb.events = mb.group.head.events.Load() - 1
		}
		holds := w.state() == rowHeld || w.state() == rowReported
		if owner := int(w.participant()); holds && owner != int(self) && owner != asked {
			asked = owner
			if !mb.ring.host.Alive(w.participant()) {
				mb.group.recoverRows(w.participant())
			}
		}
	}
}

// report takes over a message of a dead taker, if there is one, and tells of it. It
// is ours to tell until the next call; if we die before that, another tells it.
func (mb *Member) report() error {
	for i := range mb.group.rows {
		row := &mb.group.rows[i]
		w := entryWord(row.state.Load()) // pairs(row)
		if w.state() != rowAbandoned {
			continue
		}
		at("report")
		if !row.state.CompareAndSwap(uint64(w), uint64(mb.rowWord(rowReported))) { // pairs(row)
			continue
		}
		mb.reporting, mb.reported = i, handWord(row.position.Load()) // pairs(hand)
		if mb.reported.state() != handConfirmed {
			mb.acknowledge() // told by somebody who died before he freed the row
			continue
		}
		return row.report(mb.reported.position())
	}
	return nil
}

// acknowledge ends the report that was told last: the position word first, which
// says that it was told; then the row.
func (mb *Member) acknowledge() {
	if mb.reporting < 0 {
		return
	}
	row, mine := &mb.group.rows[mb.reporting], mb.rowWord(rowReported)
	mb.reporting = -1
	at("told")
	if mb.reported.state() == handConfirmed {
		row.position.CompareAndSwap(uint64(mb.reported), uint64(mb.reported.with(handFree))) // pairs(hand)
	}
	at("free report")
	row.state.CompareAndSwap(uint64(mine), uint64(makeEntryWord(mine.generation(), 0, rowFree))) // pairs(row)
}
