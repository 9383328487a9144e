package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// partsFirst is what a large message gets before its bytes are here.
const partsFirst = 64 << 10

// reassembly puts the fragments of one large message together. Fragments of a
// producer come in the lane's order, so that each continues the one before.
type reassembly struct {
	sequence uint64
	begun    uint64 // lane sequence of the first fragment
	at       uint64 // of the last fragment
	offset   int    // where that lay in its datagram
	since    Time   // of the last fragment
	late     bool   // given up; what follows of the message is dropped
	total    int
	bytes    []byte
	block    [BlockSize]byte
	head     wire.Message // of the first fragment
}

// has says whether the fragment of a message that lies at an offset of a datagram was
// taken, past a hole.
func (a *reassembly) has(seq, at uint64, offset int) bool {
	return a != nil && a.sequence == seq && (at < a.at || at == a.at && offset <= a.offset)
}

// assemble takes a fragment. It says true when w has become the whole message.
func (e *Engine) assemble(now Time, r *receiver, s *remoteStream, w *wire.Message, seq, at uint64, offset int) bool {
	if s.parts.has(seq, at, offset) {
		return false
	}
	if w.Flags&layout.WireMessageFlagBegin != 0 {
		e.beginParts(now, r, s, w, seq, at)
	}
	a := s.parts
	if a == nil || a.sequence != seq {
		return false
	}
	a.since, a.at, a.offset = now, at, offset
	if a.late {
		return false
	}
	if w.Flags&layout.WireMessageFlagBegin == 0 || len(a.bytes) == 0 {
		if len(a.bytes)+len(w.Payload) > a.total {
			e.spoilParts(r.peer, s)
			return false
		}
		a.bytes = append(a.bytes, w.Payload...)
	}
	if w.Flags&layout.WireMessageFlagEnd == 0 {
		return false
	}
	if len(a.bytes) != a.total {
		e.spoilParts(r.peer, s)
		return false
	}
	*w = a.head
	if w.Flags&layout.WireMessageFlagAddressed != 0 {
		w.Block = a.block[:]
	}
	w.Payload = a.bytes
	e.count.Reassembled++
	return true
}

// beginParts starts a large message, if it has a size that is allowed and there is room.
func (e *Engine) beginParts(now Time, r *receiver, s *remoteStream, w *wire.Message, seq, at uint64) {
	if s.parts != nil {
		e.dropParts(r.peer, s)
	}
	a := e.parts.fresh()
	*a = reassembly{sequence: seq, begun: at, at: at, since: now, total: int(w.TotalLength), head: *w}
	s.parts = a
	r.peer.reassembling++
	if a.total < len(w.Payload) || a.total > e.cfg.MessageLimit || r.peer.partBytes+a.total > e.cfg.ReassemblyBuffer {
		a.total = 0
		e.spoilParts(r.peer, s)
		return
	}
	if w.Block != nil {
		copy(a.block[:], w.Block)
	}
	a.head.Block, a.head.Payload = nil, nil
	a.bytes = e.parts.get(min(a.total, partsFirst)) // memory comes with the bytes, not with the word of them
	r.peer.partBytes += a.total
	e.arm(now + e.cfg.Timers.Reassembly)
}

// spoilParts gives a large message up; it is told as lost with the producer's next.
func (e *Engine) spoilParts(p *Peer, s *remoteStream) {
	a := s.parts
	if a.late {
		return
	}
	a.late = true
	e.count.ReassemblyDropped++
	e.freeParts(p, a)
}

func (e *Engine) freeParts(p *Peer, a *reassembly) {
	p.partBytes -= a.total
	a.total = 0
	e.parts.put(a.bytes)
	a.bytes = nil
}

// dropParts forgets a large message that is done or given up.
func (e *Engine) dropParts(p *Peer, s *remoteStream) {
	a := s.parts
	s.parts = nil
	p.reassembling--
	if !a.late {
		e.freeParts(p, a)
	}
	e.parts.used = append(e.parts.used, a)
}

// abortReassemblies gives up what has the hole below to in it.
func (e *Engine) abortReassemblies(r *receiver, to uint64) {
	if r.peer.reassembling == 0 {
		return
	}
	for _, s := range r.peer.streams {
		if s != nil && s.parts != nil && s.topic.Lane == r.lane && s.parts.begun < to {
			e.spoilParts(r.peer, s)
		}
	}
}

// tickParts gives up large messages that take too long.
func (e *Engine) tickParts(now Time, p *Peer) {
	if p.reassembling == 0 {
		return
	}
	for _, s := range p.streams {
		if s == nil || s.parts == nil || s.parts.late {
			continue
		}
		if r := p.receivers[s.topic.Lane]; r != nil && len(r.gaps.list) != 0 {
			s.parts.since = now // what follows may lie in a hole, which has a time of its own
		}
		if due := s.parts.since + e.cfg.Timers.Reassembly; now < due {
			e.arm(due)
			continue
		}
		e.spoilParts(p, s)
	}
}

// partPool keeps the last buffer of a large message for the next one, and the
// records of those that are done.
type partPool struct {
	spare []byte
	used  []*reassembly
}

func (p *partPool) fresh() *reassembly {
	n := len(p.used)
	if n == 0 {
		return new(reassembly)
	}
	a := p.used[n-1]
	p.used = p.used[:n-1]
	return a
}

func (p *partPool) get(n int) []byte {
	if cap(p.spare) >= n {
		b := p.spare[:0]
		p.spare = nil
		return b
	}
	return make([]byte, 0, n)
}

func (p *partPool) put(b []byte) {
	if cap(b) > cap(p.spare) {
		p.spare = b
	}
}
