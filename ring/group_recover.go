package ring

// recoverRows takes back what a dead participant held in the group: its rows. What
// was in its hands becomes a report, once, whoever cleans; what it had only taken is
// stolen by the living. Anyone may call it, several at once, without a lock. False:
// the participant is alive.
func (g *group) recoverRows(dead uint16) bool {
	found := false
	for i := range g.rows {
		any, dies := g.recoverRow(i, dead)
		if !dies {
			return false
		}
		found = found || any
	}
	if found { // also by who found all done: the first may have died before this
		g.head.events.Add(1) // pairs(report)
		g.ring.wakeReaders()
	}
	return true
}

// recoverRow takes back one row. found says that it named the dead.
func (g *group) recoverRow(i int, dead uint16) (found, dies bool) {
	row := &g.rows[i]
	if entryWord(row.state.Load()).participant() != dead { // another's never becomes the dead one's
		return false, true
	}
	for {
		at("recover row")
		w := entryWord(row.state.Load()) // pairs(row)
		if w.state() == rowFree || w.participant() != dead {
			return found, true
		}
		found = true
		if w.state() == rowAbandoned {
			return true, true
		}
		if g.ring.host.Alive(dead) {
			return found, false
		}
		next := w.with(rowAbandoned)
		if w.state() == rowHeld && !g.handFull(i) {
			next = makeEntryWord(w.generation(), 0, rowFree)
		}
		at("free row")
		if row.state.CompareAndSwap(uint64(w), uint64(next)) && next.state() == rowAbandoned { // pairs(row)
			g.ring.ctl.recovered.Add(1)
		}
	}
}

// handFull reports whether a dead one's row has its position in hand. Where the
// taker did not come to confirm it, the take word tells. If that has gone on, either
// the position was another's, or somebody has confirmed the row before he let the
// gate pass: so the row is looked at again after the word.
func (g *group) handFull(i int) bool {
	position := &g.rows[i].position
	for range settleTries {
		at("look at hand")
		h := handWord(position.Load()) // pairs(hand)
		if h.state() != handUnconfirmed {
			return h.state() == handConfirmed
		}
		p := h.position()
		at("look at take")
		w := takeWord(g.take(p).Load()) // pairs(take)
		if w == makeTakeWord(g.ring.lap(p), uint16(i), takeStarted) {
			g.confirm(w, p)
			continue
		}
		at("look at hand again")
		if handWord(position.Load()) == h { // pairs(hand)
			return false
		}
	}
	return false
}
