package mcast

import "slices"

// Bounds of the repair budget (spec/wire.md, Budget).
const (
	repairShare     = 0.3   // of the lane's rate
	repairShareMost = 0.8   // while many members lose
	repairLossy     = 0.002 // what counts as losing there
	repairDepth     = 8192  // datagrams that may be repaired at once, and wait for one member
)

// everyone stands for more than one member.
var everyone = &Peer{}

// repairQueue holds what members of a lane asked for. Members are served in turn,
// one datagram each, so that one who asks for much waits for himself only.
type repairQueue struct {
	asking []*Peer // members for whom something waits
	turn   int
	tokens float64
	share  float64 // of the lane's rate
	at     Time

	// By place of the window; memory is taken with the first datagram.
	wanted []*Peer // who waits for a datagram; nil: nobody
	sentTo []*Peer // whom it was last sent to again
	sentAt []Time
}

func (q *repairQueue) init() { q.tokens, q.share = repairDepth, repairShare }

func (q *repairQueue) allocate(places int) {
	q.wanted = make([]*Peer, places)
	q.sentTo = make([]*Peer, places)
	q.sentAt = make([]Time, places)
}

// fresh makes a place one of a datagram that nobody asked for.
func (q *repairQueue) fresh(i int) {
	q.wanted[i], q.sentTo[i], q.sentAt[i] = nil, nil, longAgo
}

func (q *repairQueue) empty() bool { return len(q.asking) == 0 }

// refill adds what the budget got since the last time.
func (q *repairQueue) refill(now Time, rate float64) {
	if now > q.at {
		q.tokens = min(repairDepth, q.tokens+float64(now-q.at)*q.share*rate/float64(Second))
		q.at = now
	}
}

// ask notes that a member lacks a datagram of the place i. It says false where too
// much waits for that member already.
func (q *repairQueue) ask(p *Peer, m *member, seq uint64, i int) bool {
	if q.wanted[i] == p || q.wanted[i] == everyone {
		return true
	}
	if m.repairs.size() >= repairDepth {
		return false
	}
	if m.repairs.size() == 0 {
		q.asking = append(q.asking, p)
	}
	m.repairs.push(seq)
	if q.wanted[i] != nil {
		p = everyone
	}
	q.wanted[i] = p
	return true
}

// next takes the datagram that comes next in turn, and says whom it is for. What was
// sent meanwhile for others is passed over.
func (q *repairQueue) next(now Time, l *lane) (p *Peer, seq uint64, ok bool) {
	for tries := len(q.asking); tries > 0 && !ok; tries-- {
		q.turn %= len(q.asking)
		p = q.asking[q.turn]
		m := &p.members[l.id]
		ration := m.ration(l)
		if ration != 0 && !m.share.ready(now, ration) {
			q.turn++
			continue
		}
		for m.repairs.size() > 0 && !ok {
			seq = m.repairs.pop()
			w := q.wanted[l.place(seq)]
			ok = seq >= l.trail() && (w == p || w == everyone)
		}
		if ok && ration != 0 {
			m.share.tokens--
		}
		if m.repairs.size() == 0 {
			q.asking = slices.Delete(q.asking, q.turn, q.turn+1)
		} else {
			q.turn++
		}
	}
	return p, seq, ok
}

// leave drops what a member waits for; others who wait for the same ask again.
func (q *repairQueue) leave(p *Peer, l *lane) {
	m := &p.members[l.id]
	for m.repairs.size() > 0 {
		if seq := m.repairs.pop(); seq >= l.trail() {
			q.wanted[l.place(seq)] = nil
		}
	}
	if i := slices.Index(q.asking, p); i >= 0 {
		q.asking = slices.Delete(q.asking, i, i+1)
	}
}

// seqQueue is a queue of lane sequences.
type seqQueue struct {
	seqs  []uint64
	first int
}

func (q *seqQueue) size() int { return len(q.seqs) - q.first }

func (q *seqQueue) push(seq uint64) {
	if q.first > repairDepth/8 && q.first > len(q.seqs)/2 {
		q.seqs = q.seqs[:copy(q.seqs, q.seqs[q.first:])]
		q.first = 0
	}
	q.seqs = append(q.seqs, seq)
}

func (q *seqQueue) pop() uint64 {
	seq := q.seqs[q.first]
	if q.first++; q.first == len(q.seqs) {
		q.seqs, q.first = q.seqs[:0], 0
	}
	return seq
}
