package mcast

// Isolation of a crying baby: a member that alone loses much, whatever the rate
// (spec/wire.md, Isolation).
const (
	isolatedShare = 0.04       // of the lane's rate goes into its repairs
	putOutShare   = 0.1        // of it goes into those of one that was put out
	rationDepth   = 64         // datagrams of them at once
	cryFor        = 2 * Second // lossy for so long, without a trial that could decide
	cryLeast      = 512        // datagrams that were sent meanwhile, at least
	calmShare     = 0.01       // of what is sent it may lose
	calmFor       = 5 * Second // to be taken back
)

// shareBucket bounds the repairs of a member that is not waited for.
type shareBucket struct {
	tokens float64
	at     Time
}

func (b *shareBucket) ready(now Time, rate float64) bool {
	if now > b.at {
		b.tokens = min(rationDepth, b.tokens+float64(now-b.at)*rate/float64(Second))
		b.at = now
	}
	return b.tokens >= 1
}

// ration is how many repairs a second a member may have; 0: no bound of its own. One
// that was put out lacks much once it is back, and others must not wait for that.
func (m *member) ration(l *lane) float64 {
	switch {
	case m.isolated:
		return isolatedShare * l.pace.rate
	case !m.tethered:
		return putOutShare * l.pace.rate
	}
	return 0
}

// cries says whether a lossy member is to be isolated though no trial decided it.
func (e *Engine) cries(now Time, m *member) bool {
	return !m.isolated && now-m.lossyFrom >= cryFor && m.loss.highest-m.lossyAt >= cryLeast && !m.overrunning(now)
}

// overrunning says whether the member's own socket drops what it misses: then the
// rate is what has to change.
func (m *member) overrunning(now Time) bool { return now-m.loss.overrunAt < Second }

// isolate lets a lane go on without a member that cries, and tells both sides.
func (e *Engine) isolate(now Time, p *Peer, l *lane) {
	m := &p.members[l.id]
	m.isolated, m.tethered = true, false
	e.worst.stale = true
	m.putOutAt, m.calmFrom = now, 0
	m.share = shareBucket{at: now}
	e.count.Isolated++
	e.sink.Notice(p, l.id, MemberIsolated)
	e.tellOut(now, p, l)
	e.updateLimit(now, l)
}

// calm notes since when an isolated member loses little.
func (m *member) calm(now Time) {
	switch {
	case m.loss.share >= calmShare:
		m.calmFrom = 0
	case m.calmFrom == 0:
		m.calmFrom = now
	}
}

// mayReturn says whether a member that was put out may be waited for again.
func (e *Engine) mayReturn(now Time, m *member, l *lane) bool {
	if m.isolated && (m.calmFrom == 0 || now-m.calmFrom < calmFor) {
		return false
	}
	return now-m.putOutAt >= e.cfg.Timers.ReturnAfter && l.lag(m.taken) < l.window/4
}

// takeBack waits for a member again.
func (e *Engine) takeBack(now Time, p *Peer, l *lane) {
	m := &p.members[l.id]
	what := MemberBack
	if m.isolated {
		e.count.Readmitted++
		what = MemberReadmitted
	}
	m.tethered, m.isolated, m.progress = true, false, now
	e.worst.stale = true
	e.sink.Notice(p, l.id, what)
}

// apart says whether a member's repairs go to it alone where nobody else asks.
func (m *member) apart() bool { return m.lossy || !m.tethered }
