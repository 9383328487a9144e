package mcast

import "math"

// Trials of the rate (spec/wire.md, Trial).
const (
	trialSpan     = 50 * Millisecond  // least time of watching
	trialSpanFull = 100 * Millisecond // after which a span may end
	trialSpanMost = 2 * Second        // after which it ends
	trialEnough   = 4000              // datagrams with which it may end
	trialLosses   = 40                // that decide something
	trialExcess   = 0.03              // loss above the known that is worth a trial
	trialMost     = Second            // without enough losses it decides nothing
	trialWait     = Second / 2        // after a trial in vain, twice as long after each
	trialWaitMost = 8 * Second
	trialRoom     = 1.25 // of what is sent: a rate that only makes bursts shorter
	trialBelow    = 0.95 // of what arrived: a rate at which a full path drops nothing
	trialLeast    = 0.05 // of what is sent, at least
	trialWorth    = 0.05 // loss for which a lane that its rate does not limit is slowed
)

// Phases of a trial.
const (
	trialWatch  uint8 = iota // counting losses
	trialSmooth              // with shorter bursts
	trialCut                 // with a lower rate
)

// trial finds out whether losses follow the rate. A switch whose queue is short
// drops without delay, so that nothing but loss shows that it is full; but most
// loss has nothing to do with the rate. So the rate is lowered for a moment: if the
// loss stays, it was random, and the rate goes back.
type trial struct {
	phase     uint8
	epoch     uint32 // of what is counted
	from      uint64 // lane sequence with which it began
	at        Time
	spent     uint64   // tokens by then
	last      uint64   // tokens at the last look
	lastAt    Time     // of it
	active    Duration // for how long something was sent
	rate      float64  // before the trial
	sent      float64  // datagrams a second by then
	received  float64  // the least that a suspect took then
	worst     float64  // share lost by then
	notBefore Time
	wait      Duration
}

// begin starts to count anew.
func (t *trial) begin(now Time, l *lane) {
	t.epoch++
	t.from, t.at, t.spent = l.head, now, l.pace.spent
	t.last, t.lastAt, t.active = l.pace.spent, now, 0
}

// afresh begins a span with the first datagram after a pause.
func (t *trial) afresh(now Time, l *lane) {
	if t.phase == trialWatch {
		t.begin(now, l)
	}
}

// step counts the time in which something is sent.
func (t *trial) step(now Time, l *lane) {
	if l.pace.spent != t.last {
		t.active += now - t.lastAt
	}
	t.last, t.lastAt = l.pace.spent, now
}

// rateSent is how many datagrams were sent a second while something was.
func (t *trial) rateSent(l *lane) float64 {
	return float64(l.pace.spent-t.spent) / float64(max(t.active, paceStep)) * float64(Second)
}

// watchLoss goes on with the lane's trial.
func (e *Engine) watchLoss(now Time, l *lane) {
	t := &l.trial
	t.step(now, l)
	switch {
	case l.pace.cutAt > t.at: // the rate fell for another reason
		l.endTrial(now)
	case t.phase == trialWatch:
		e.lookForLoss(now, l)
	default:
		e.judge(now, l)
	}
}

// endTrial goes back to watching.
func (l *lane) endTrial(now Time) {
	l.trial.phase, l.pace.held = trialWatch, false
	l.pace.setDepth()
	l.trial.begin(now, l)
}

// lookForLoss begins a trial where members lose more than is known to be random.
func (e *Engine) lookForLoss(now Time, l *lane) {
	t := &l.trial
	age := now - t.at
	if age < trialSpan {
		return
	}
	t.worst, t.received = 0, 0
	for _, p := range l.peers() {
		x := &p.members[l.id].loss
		if x.suspect = p.members[l.id].tethered && x.suspicious(t.epoch, age); x.suspect {
			x.before = x.span.share()
			t.worst = max(t.worst, x.before)
			if r := x.span.received; r != 0 && (t.received == 0 || r < t.received) {
				t.received = r
			}
		}
	}
	switch {
	case t.worst != 0 && now >= t.notBefore:
		e.startTrial(now, l)
	case age >= trialSpanMost, age >= trialSpanFull && l.head-t.from >= trialEnough:
		e.settleBases(l)
		t.begin(now, l)
	}
}

// suspicious says whether a member has lost more in this span than chance explains.
func (x *lossMeter) suspicious(epoch uint32, age Duration) bool {
	s := &x.span
	if s.epoch != epoch || s.lost < trialLosses && !(age >= trialSpanMost && s.lost >= trialLosses/2) || 2*s.overran >= s.lost {
		return false
	}
	chance := 3 * math.Sqrt(max(x.base, trialExcess)/float64(s.sent+1))
	return s.share() > x.base+max(trialExcess, chance)
}

// settleBases lowers what is known to be random where less was lost.
func (e *Engine) settleBases(l *lane) {
	for _, p := range l.peers() {
		if x := &p.members[l.id].loss; x.span.epoch == l.trial.epoch && x.span.sent >= trialEnough/4 {
			x.base = min(x.base, x.span.baseline())
		}
	}
}

// baseline is a bound of what a span like this one loses by chance.
func (s *lossSpan) baseline() float64 { return 1.25*s.share() + 0.005 }

// startTrial lowers the rate. A lane that its rate does not limit is tried with
// shorter bursts first.
func (e *Engine) startTrial(now Time, l *lane) {
	t := &l.trial
	t.rate = l.pace.rate
	t.sent = t.rateSent(l)
	e.count.LossTrials++
	room := trialRoom * t.sent
	if now-max(l.pace.refusedAt, l.refusedAt) < paceSlow || room >= t.rate {
		l.tryRate(now, trialCut, t.lower())
		return
	}
	l.tryRate(now, trialSmooth, room)
}

// lower is a rate that a path which drops what is too much would bear.
func (t *trial) lower() float64 {
	if t.received == 0 {
		t.received = (1 - t.worst) * t.sent
	}
	return max(trialBelow*t.received, trialLeast*t.sent)
}

func (l *lane) tryRate(now Time, phase uint8, rate float64) {
	l.trial.phase = phase
	l.pace.held = true
	l.pace.rate = max(l.pace.min, min(l.pace.rate, rate))
	l.pace.setDepth()
	l.trial.begin(now, l)
}

// judge ends a trial when enough was sent to tell.
func (e *Engine) judge(now Time, l *lane) {
	t := &l.trial
	follows, open := 0, 0
	rest := 0.0 // what those lose still for whom it follows
	for _, p := range l.peers() {
		x := &p.members[l.id].loss
		switch {
		case !x.suspect || !p.members[l.id].tethered:
		case x.span.epoch != t.epoch || x.before*float64(x.span.sent) < trialLosses:
			open++
		case x.span.share() < x.before/2:
			follows++
			rest = max(rest, x.span.share())
			x.base = x.span.baseline()
		}
	}
	switch {
	case follows != 0:
		e.lossFollows(now, l, rest)
	case open != 0 && now-t.at < trialMost:
	case t.phase == trialSmooth && t.worst >= trialWorth && open == 0:
		l.tryRate(now, trialCut, t.lower())
	default:
		e.lossStays(now, l)
	}
}

// lossFollows keeps to what the path takes: what arrived, and what is lost of that
// however little is sent.
func (e *Engine) lossFollows(now Time, l *lane, rest float64) {
	t := &l.trial
	e.count.LossCuts++
	if t.phase == trialCut {
		l.pace.rate = min(t.rate, l.pace.rate/(1-rest))
	}
	l.pace.ceiling = l.pace.rate
	if t.phase == trialCut {
		l.pace.ceiling /= trialBelow
	}
	l.pace.before, l.pace.cutAt = l.pace.ceiling, now
	t.wait, t.notBefore = trialWait, now
	l.endTrial(now)
}

// lossStays goes back to the rate before: the loss is random. Who alone has it cries.
func (e *Engine) lossStays(now Time, l *lane) {
	t := &l.trial
	for _, p := range l.peers() {
		m := &p.members[l.id]
		x := &m.loss
		if x.span.epoch != t.epoch || max(x.before, t.worst)*float64(x.span.sent) < trialLosses {
			continue
		}
		if x.base = max(x.base, x.span.baseline()); !x.suspect {
			continue
		}
		x.base = max(x.base, 1.25*x.before+0.005)
		if m.lossy && t.phase == trialCut && !m.isolated && !m.overrunning(now) {
			e.isolate(now, p, l)
		}
	}
	l.pace.rate = max(l.pace.rate, t.rate)
	t.wait = min(max(2*t.wait, trialWait), trialWaitMost)
	t.notBefore = now + t.wait
	l.endTrial(now)
}
