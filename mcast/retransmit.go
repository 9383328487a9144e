package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Bounds of repair (multicast.md, Timers and Repair choice).
const (
	guardMin    = 300 * Microsecond
	guardMax    = 20 * Millisecond
	repairShare = 0.3  // of the lane's full rate, not of the present one
	repairDepth = 8192 // datagrams that may be repaired at once
	nakBurst    = 64   // NAKs of one member at once
	nakApart    = 100 * Microsecond
	nakApartN   = 10 * Microsecond // more for each member of the lane
	nakLeniency = 1.5
)

// repairQueue holds the datagrams to be sent again, each at most once.
type repairQueue struct {
	seqs   []uint64
	first  int
	tokens float64
	rate   float64
	at     Time
}

func (q *repairQueue) init(c *Config) {
	q.rate = repairShare * c.Rate
	q.tokens = repairDepth
}

func (q *repairQueue) empty() bool { return q.first == len(q.seqs) }

func (q *repairQueue) push(seq uint64) {
	if q.first > repairDepth && q.first > len(q.seqs)/2 {
		q.seqs = q.seqs[:copy(q.seqs, q.seqs[q.first:])]
		q.first = 0
	}
	q.seqs = append(q.seqs, seq)
}

func (q *repairQueue) pop() uint64 {
	seq := q.seqs[q.first]
	if q.first++; q.first == len(q.seqs) {
		q.seqs, q.first = q.seqs[:0], 0
	}
	return seq
}

// take uses a token of the repair budget.
func (q *repairQueue) take(now Time) bool {
	if now > q.at {
		q.tokens = min(repairDepth, q.tokens+float64(now-q.at)*q.rate/float64(Second))
		q.at = now
	}
	if q.tokens < 1 {
		return false
	}
	q.tokens--
	return true
}

// guard is how long a datagram is not sent again, whoever asks.
func (e *Engine) guard() Duration { return min(max(e.roundTrip, guardMin), guardMax) }

// receiveNak takes a NAK of a member and repairs at once what it may.
func (e *Engine) receiveNak(now Time, p *Peer, body []byte) wire.Reason {
	var n wire.Nak
	if r := wire.ParseNak(body, &n); r != wire.OK {
		return r
	}
	if n.Lane >= lanesMax {
		return wire.BadLane
	}
	l := e.lanes[n.Lane]
	highest := n.Base + uint64(n.HighestDelta) + 1
	if n.Session != e.cfg.Session || highest > l.head {
		return wire.BadRange
	}
	e.count.NakReceived++
	m := &p.members[n.Lane]
	if !m.allowNak(now, len(e.peers)) {
		e.count.NakRefused++
		return wire.OK
	}
	e.memberAt(now, p, l, n.Base, highest)
	e.repairRanges(now, p, l, &n)
	e.pumpRepairs(now, l)
	return wire.OK
}

// allowNak is the member's share: half as many again as it may send.
func (m *member) allowNak(now Time, members int) bool {
	apart := float64(nakApart + nakApartN*Duration(members))
	m.nakTokens = min(nakBurst, m.nakTokens+float64(now-m.nakAt)*nakLeniency/apart)
	m.nakAt = now
	if m.nakTokens < 1 {
		return false
	}
	m.nakTokens--
	return true
}

func (e *Engine) repairRanges(now Time, p *Peer, l *lane, n *wire.Nak) {
	trail := l.trail()
	if n.Base < trail {
		e.count.NakRefused++
		e.sendNcf(p, l, n.Base, trail-1, layout.NcfReasonTooOld)
	}
	for i := range n.Ranges() {
		first, count := n.Range(i)
		for seq := max(first, trail); seq < first+uint64(count); seq++ {
			e.requestRepair(now, l, seq)
		}
	}
}

func (e *Engine) requestRepair(now Time, l *lane, seq uint64) {
	i := l.place(seq)
	switch {
	case l.queued[i]:
	case now-l.repaired[i] < e.guard():
		e.count.RepairGuarded++
	default:
		l.queued[i] = true
		l.repairs.push(seq)
	}
}

// pumpRepairs sends what waits for repair, as far as the budget goes.
func (e *Engine) pumpRepairs(now Time, l *lane) {
	for !l.repairs.empty() {
		if !l.repairs.take(now) {
			e.arm(now + Millisecond)
			break
		}
		e.repair(now, l, l.repairs.pop())
	}
	e.flushOut() // before a new datagram can take the place of one of these
}

func (e *Engine) repair(now Time, l *lane, seq uint64) {
	if seq < l.trail() {
		return // its place is another's; NCF or the next trail tells
	}
	i := l.place(seq)
	l.queued[i] = false
	l.repaired[i] = now
	b := l.datagram(seq)
	wire.Renumber(b, e.nextNumber(), layout.FrameFlagRepair)
	wire.PutDataTimes(b[wire.HeaderSize:], l.trailDelta(seq), micros(now))
	if faultRepairSequence {
		b = l.resend(b)
	}
	e.count.RepairsSent++
	e.out = append(e.out, b)
	if len(e.out) >= batchMax {
		e.flushOut()
	}
}

// sendNcf refuses holes of a member, or tells it that it was put out.
func (e *Engine) sendNcf(p *Peer, l *lane, first, last uint64, reason uint8) {
	n := wire.Ncf{Session: p.session, First: first, Last: last, Trail: l.trail(), Lane: l.id, Reason: reason}
	b := e.frame(layout.FrameTypeNcf, layout.FrameFlagUnicast)
	e.unicast(p, n.AppendTo(b))
}
