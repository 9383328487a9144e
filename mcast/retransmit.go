package mcast

import (
	"net/netip"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Bounds of repair (spec/wire.md, Repair and Refusals).
const (
	guardTimes  = 1.1 // of the round trip, which is the least that was measured
	guardMin    = 300 * Microsecond
	guardMax    = 20 * Millisecond
	nakBurst    = 64 // NAKs of one member at once
	nakApart    = 100 * Microsecond
	nakApartN   = 10 * Microsecond // more for each member of the lane
	nakLeniency = 1.5
	waitWorth   = 2 * Millisecond // of waiting is worth an NCF
	ncfWaitMax  = 100             // ms
	repairTurn  = 16              // repairs that go at once
	repairFlow  = 4               // while new data flows, which has its turn between them
	repairNew   = 2               // and before each new datagram
	repairApart = Millisecond / 10
)

// guard is how long a datagram is not sent again to whom it was sent.
func (e *Engine) guard() Duration { return guardOf(e.roundTrip) }

func guardOf(roundTrip Duration) Duration {
	return min(max(Duration(guardTimes*float64(roundTrip)), guardMin), guardMax)
}

// guardHolds says whether the guard is below half of the earliest first retry: a
// member that asks again has then waited for long enough to be answered.
func guardHolds(roundTrip Duration) bool {
	return 2*guardOf(roundTrip) < Duration(retryLeast*float64(firstRetry(roundTrip)))
}

// receiveNak takes a NAK of a member and repairs at once what it may.
func (e *Engine) receiveNak(now Time, p *Peer, body []byte, from netip.AddrPort) wire.Reason {
	var n wire.Nak
	if r := wire.ParseNak(body, &n); r != wire.OK {
		return r
	}
	if n.Lane >= lanesMax {
		return wire.BadLane
	}
	l := e.laneOf(p, uint32(n.Lane))
	if l == nil {
		return wire.OK
	}
	highest := n.Base + uint64(n.HighestDelta) + 1
	if n.Session != e.cfg.Session || highest > l.head {
		return wire.BadRange
	}
	e.count.NakReceived++
	if from != p.from { // repairs go before what is new: a NAK of anybody could stop the lane
		e.count.NakRefused++
		e.offend(now, from, OffenceFlood)
		return wire.OK
	}
	m := &p.members[n.Lane]
	if wait := m.allowNak(now, len(l.peers())); wait > 0 {
		e.count.NakRefused++
		if e.offend(now, from, OffenceFlood) {
			e.refuse(now, p, l, n.Base, highest-1, layout.NcfReasonRate, wait)
		}
		return wire.OK
	}
	e.memberAt(now, p, l, n.Base, highest)
	e.repairRanges(now, p, l, &n)
	e.pumpRepairs(now, l, l.repairTurn(now))
	if wait := l.repairs.wait(m, l); wait > waitWorth {
		reason := uint8(layout.NcfReasonWait)
		if m.isolated {
			reason = layout.NcfReasonRate
		}
		e.refuse(now, p, l, n.Base, highest-1, reason, wait/2)
	}
	return wire.OK
}

// allowNak is the member's share: half as many again as it may send. It returns how
// long the member has to wait, 0 if it need not.
func (m *member) allowNak(now Time, members int) (wait Duration) {
	apart := float64(nakApart+nakApartN*Duration(members)) / nakLeniency
	m.nakTokens = min(nakBurst, m.nakTokens+float64(now-m.nakAt)/apart)
	m.nakAt = now
	if m.nakTokens < 1 {
		return Duration(apart)
	}
	m.nakTokens--
	return 0
}

// wait is how long it will take until a member has what waits for it.
func (q *repairQueue) wait(m *member, l *lane) Duration {
	if m.repairs.size() == 0 {
		return 0
	}
	rate := l.pace.rate * q.share / float64(max(1, len(q.asking)))
	if ration := m.ration(l); ration != 0 {
		rate = min(rate, ration)
	}
	return Duration(float64(m.repairs.size()) / rate * float64(Second))
}

// refuse sends an NCF that says when to ask again, unless the member was told so.
func (e *Engine) refuse(now Time, p *Peer, l *lane, first, last uint64, reason uint8, wait Duration) {
	m := &p.members[l.id]
	if now < m.quietTill {
		return
	}
	millis := min(max((wait+Millisecond-1)/Millisecond, 1), ncfWaitMax)
	m.quietTill = now + millis*Millisecond
	e.sendNcf(p, l, first, last, reason, uint16(millis))
}

func (e *Engine) repairRanges(now Time, p *Peer, l *lane, n *wire.Nak) {
	trail := l.trail()
	if n.Base < trail {
		e.count.NakRefused++
		e.sendNcf(p, l, n.Base, trail-1, layout.NcfReasonTooOld, 0)
	}
	m := &p.members[l.id]
	for i := range n.Ranges() {
		first, count := n.Range(i)
		for seq := max(first, trail); seq < first+uint64(count); seq++ {
			e.requestRepair(now, p, m, l, seq)
		}
	}
}

// requestRepair queues a datagram for a member, unless one that was just sent is
// still on its way to it.
func (e *Engine) requestRepair(now Time, p *Peer, m *member, l *lane, seq uint64) {
	q := &l.repairs
	i := l.place(seq)
	to := q.sentTo[i]
	if now-q.sentAt[i] < e.guard() && (to == p || to == everyone) {
		e.count.RepairGuarded++
		return
	}
	if !q.ask(p, m, seq, i) {
		e.count.RepairOverflow++
	}
}

// pumpRepairs sends what waits for repair, as far as the budget and the rate go, and
// most datagrams.
func (e *Engine) pumpRepairs(now Time, l *lane, most int) {
	q := &l.repairs
	others := e.othersTaken(l)
	for ; !q.empty(); most-- {
		q.refill(now, l.pace.rate)
		l.pace.refill(now, l.throttle())
		if most == 0 || q.tokens < 1 || l.pace.tokens < 1 {
			e.arm(now + repairApart)
			break
		}
		p, seq, ok := q.next(now, l)
		if !ok {
			if !q.empty() { // all who ask have used up their share
				e.arm(now + Millisecond)
			}
			break
		}
		q.tokens--
		l.pace.spend()
		e.repair(now, p, l, seq, others.by(p))
	}
	e.flushAlone()
	e.flushOut() // before a new datagram can take the place of one of these
}

// repairTurn is how many repairs may go now.
func (l *lane) repairTurn(now Time) int {
	if now-l.beat.last < Millisecond {
		return repairFlow
	}
	return repairTurn
}

// othersTaken says below what all members but one have taken a lane.
type othersTaken struct {
	least, second uint64
	who           *Peer // of the least
	members       int
}

func (e *Engine) othersTaken(l *lane) othersTaken {
	o := othersTaken{least: wire.SequenceMax, second: wire.SequenceMax}
	if l.repairs.empty() {
		return o
	}
	for _, p := range l.peers() {
		m := &p.members[l.id]
		switch {
		case !m.joined:
			continue
		case m.taken < o.least:
			o.least, o.second, o.who = m.taken, o.least, p
		case m.taken < o.second:
			o.second = m.taken
		}
		o.members++
	}
	return o
}

// by is what all but p have taken; 0 if there are no others.
func (o *othersTaken) by(p *Peer) uint64 {
	switch {
	case o.members < 2:
		return 0
	case p == o.who:
		return o.second
	}
	return o.least
}

// repair sends a datagram again: to the one member that asked, where others need it
// not, else to all. Others is below what all but that member have taken.
func (e *Engine) repair(now Time, p *Peer, l *lane, seq, others uint64) {
	q := &l.repairs
	i := l.place(seq)
	// Who was sent it within the guard has it, or will ask again: two have lost it.
	again := q.sentTo[i] != nil && now-q.sentAt[i] < e.guard()
	alone := q.wanted[i] == p && others != 0 && (p.members[l.id].apart() || seq < others) && !again
	q.wanted[i], q.sentTo[i], q.sentAt[i] = nil, everyone, now
	b := l.datagram(seq)
	wire.PutDataTimes(b[wire.HeaderSize:], l.trailDelta(seq), micros(now))
	e.count.RepairsSent++
	if l.to != 0 {
		e.count.RepairsUnicast++
		wire.Renumber(b, e.nextNumber(), layout.FrameFlagRepair|layout.FrameFlagUnicast)
		if faultRepairSequence {
			b = l.resend(b)
		}
		l.queue(b)
		return
	}
	if alone {
		q.sentTo[i] = p
		e.count.RepairsUnicast++
		wire.Renumber(b, e.nextNumber(), layout.FrameFlagRepair|layout.FrameFlagUnicast)
		e.sendAlone(p, b)
		return
	}
	wire.Renumber(b, e.nextNumber(), layout.FrameFlagRepair)
	if faultRepairSequence {
		b = l.resend(b)
	}
	e.out = append(e.out, b)
	if len(e.out) >= batchMax {
		e.flushOut()
	}
}

// sendAlone keeps a repair for one member, so that several go at once.
func (e *Engine) sendAlone(p *Peer, b []byte) {
	if p != e.alone {
		e.flushAlone()
		e.alone = p
	}
	e.outAlone = append(e.outAlone, b)
}

// flushAlone hands the repairs for one member to the sink.
func (e *Engine) flushAlone() {
	if len(e.outAlone) == 0 {
		return
	}
	e.copies(e.alone, e.outAlone)
	clear(e.outAlone)
	e.outAlone, e.alone = e.outAlone[:0], nil
}

// sendNcf refuses holes of a member, or tells it that it was put out.
func (e *Engine) sendNcf(p *Peer, l *lane, first, last uint64, reason uint8, wait uint16) {
	n := wire.Ncf{Session: p.session, First: first, Last: last, Trail: l.trail(), Lane: l.id, Reason: reason, WaitMillis: wait}
	b := e.frame(layout.FrameTypeNcf, layout.FrameFlagUnicast)
	e.count.NcfSent++
	e.unicast(p, n.AppendTo(b))
}
