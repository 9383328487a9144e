package ring

import "github.com/ringcast/ringcast/codec/layout"

// The short way of a shared ring's producer: the position behind its last claim, as
// long as nobody else was there, is below the gate, and no slot is pinned. It is the
// same protocol: the tail was that position once, behind our own compare-and-swap of
// it, and who loaded it then may come this late.

// claimNext tries the claim of position t = p.next < p.swift.
func (p *Producer) claimNext(t uint64) bool {
	r := p.ring
	a, lap := r.claim(t), r.lap(t)
	at("look next")
	w := word(a.Load()) // pairs(claim)
	if w.lap()+1 != lap || w.state() != stateReady && w.state() != stateHole || r.retired() {
		return false
	}
	at("claim next")
	if !a.CompareAndSwap(uint64(w), uint64(makeWord(lap, p.owner, stateWriting))) { // pairs(claim)
		return false
	}
	at("tell next")
	r.ctl.tail.CompareAndSwap(t, t+1) // pairs(tail)
	claimFence(a)
	p.lookForward(t)
	return true
}

// mayHurryShared says how far the short way goes, after a claim.
func (p *Producer) mayHurryShared() {
	p.swift = 0
	if len(p.gate.pins) == 0 {
		p.swift = p.gate.limit
	}
}

// publishNext is fill and finish of position t, which is claimed.
func (p *Producer) publishNext(t uint64, payload []byte, m *Meta) error {
	copyShared(p.ring.payload(t), payload, true)
	return p.commitShared(t, layout.SlotHeaderSize, len(payload), m)
}

// commitShared writes the header of position t, whose payload is there, and commits.
func (p *Producer) commitShared(t uint64, start, length int, m *Meta) error {
	if err := p.endNext(t, start, length, m); err != nil {
		return err
	}
	p.ring.wakeReaders()
	return nil
}

// endNext is commitShared that wakes nobody: that is the caller's to do.
func (p *Producer) endNext(t uint64, start, length int, m *Meta) error {
	r, lap := p.ring, p.ring.lap(t)
	p.head(t, start, length, m)
	a, mine := r.claim(t), makeWord(lap, p.owner, stateWriting)
	at("commit next")
	if !a.CompareAndSwap(uint64(mine), uint64(mine.with(stateReady))) { // pairs(commit)
		p.letGo(t)
		return ErrFenced
	}
	at("publish next")
	storeRelease(r.published(t), lap) // pairs(publish); the commit before it was the fence
	p.sent(m)
	return nil
}
