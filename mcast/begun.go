package mcast

import "slices"

// begunStreams are the streams that were begun for a member: the last one, and those of servedOnce before. They outlive the
// peer, since chunks may.
type begunStreams struct {
	session uint64 // of the member
	list    []begunStream
	heard   Time // the last word of the last one
}

type begunStream struct {
	number uint32
	at     Time
}

// may says whether a stream of a number may begin: one above the last, or any other once nothing was heard of that for longer
// than who asks is silent, so that one forged number does not keep a member from what was published before. But none of a
// number that began a short while ago: the member would put chunks of two readings together. It looks at 2000 numbers at most,
// and at one where nobody forges any.
func (b *begunStreams) may(now Time, number uint32) bool {
	if len(b.list) == 0 {
		return true
	}
	last := b.list[len(b.list)-1]
	if now-last.at < servedApart || int32(number-last.number) <= 0 && now-b.heard < servedQuiet {
		return false
	}
	return !slices.ContainsFunc(b.list, func(x begunStream) bool { return x.number == number && now-x.at < servedOnce })
}

// keepBegun remembers what was begun for a peer that goes. One of which nothing came, as of a forged HELLO, does not put what
// was begun for another session out of memory.
func (m *nodeMemory) keepBegun(p *Peer) {
	if p.joinedAny() || m.begun.session == p.session || len(m.begun.list) == 0 {
		m.begun = p.begun
	}
}

// note keeps the numbers of the last servedOnce, one in servedApart at most.
func (b *begunStreams) note(now Time, number uint32) {
	b.list = slices.DeleteFunc(b.list, func(x begunStream) bool { return now-x.at >= servedOnce })
	b.list = append(b.list, begunStream{number, now})
}
