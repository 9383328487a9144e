package mcast

import (
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// meter is a path with its queueMeter: 200 us each way, an SM each millisecond.
type meter struct {
	queueMeter
	now       Time
	skew      Duration // member's clock less the owner's
	ppm       Duration // by which the member's clock is fast
	out, back Duration // what waits, on either way
}

// run goes on for d; it returns the least and the greatest queue that was told.
func (m *meter) run(d Duration) (least, most Duration) {
	least = Never
	for end := m.now + d; m.now < end; m.now += Millisecond {
		m.skew += Millisecond * m.ppm / 1e6
		sent := m.now
		came := sent + 200*Microsecond + m.out
		status := came + 50*Microsecond
		s := wire.Status{EchoMicros: micros(sent), HoldMicros: 50, DelayMicros: micros(came+m.skew) - micros(sent)}
		q := m.add(status+200*Microsecond+m.back, &s)
		least, most = min(least, q), max(most, q)
	}
	return least, most
}

func (m *meter) want(t *testing.T, what string, d, from, to Duration) {
	t.Helper()
	if least, most := m.run(d); least < from || most > to {
		t.Errorf("%s: %d..%d us, want %d..%d", what, least/Microsecond, most/Microsecond, from/Microsecond, to/Microsecond)
	}
}

// What waits is told as it is, whatever the member's clock does.
func TestQueueMeter(t *testing.T) {
	const bit = 20 * Microsecond
	for _, ppm := range []Duration{0, 200, 500, 10_000, -200, -500, -10_000} {
		m := meter{now: Second, ppm: ppm}
		m.want(t, "nothing waits", 30*Second, 0, bit)
		m.out = 5 * Millisecond
		m.want(t, "a queue", 100*Millisecond, 4*Millisecond-bit, 5*Millisecond+bit)
		m.out = 0
		m.want(t, "none again", 20*Second, 0, bit)
		m.back = 5 * Millisecond // no SM tells of the clocks until the longer trip is the least one
		m.want(t, "the way back is longer", 4*Second, 0, max(0, 4*Second*ppm/1e6)+bit)
		m.run(11 * Second)
		m.want(t, "it stays so", 20*Second, 0, bit)
	}
	for _, by := range []Duration{-2 * Second, -5 * Millisecond, 5 * Millisecond, 2 * Second, 3000 * Second} {
		m := meter{now: Second}
		m.want(t, "nothing waits", 3*Second, 0, bit)
		m.skew += by
		m.want(t, "a jump", 20*Second, 0, bit)
		m.out = 5 * Millisecond
		m.want(t, "a queue after it", 4*Second, 5*Millisecond-bit, 5*Millisecond+bit)
	}
}

// A path that became longer is one after ten seconds at most; one that became shorter at once.
func TestQueueMeterForgets(t *testing.T) {
	m := meter{now: Second}
	m.run(3 * Second)
	m.out = 5 * Millisecond
	m.run(15 * Second)
	m.want(t, "a longer path", 10*Second, 0, 20*Microsecond)
	m.out = 0
	m.want(t, "a shorter one", 10*Second, 0, 20*Microsecond)
}

// An SM with no echo to go by counts by its delay alone, and does not spoil what is known.
func TestQueueMeterWithoutEcho(t *testing.T) {
	m := meter{now: Second}
	m.run(Second)
	for _, hold := range []uint32{wire.NoEcho, 1 << 20} {
		if q := m.add(m.now, &wire.Status{HoldMicros: hold, DelayMicros: 3200}); q != 3*Millisecond {
			t.Errorf("hold %d: %v us, want 3000", hold, q/Microsecond)
		}
	}
	m.want(t, "nothing waits", 10*Second, 0, 20*Microsecond)
}

// What a member that held the echo for long says, or whose clock jumped meanwhile, counts by its delay alone; that of a path
// that became longer is forgotten after ten seconds at most.
func TestQueueMeterHeldEcho(t *testing.T) {
	for _, c := range []struct{ really, told Duration }{{20 * Millisecond, 20 * Millisecond}, {50 * Microsecond, 9 * Millisecond}} {
		m := meter{now: Second}
		m.run(Second)
		tell := func(delay uint32) Duration {
			m.now += Millisecond
			sent := m.now - 400*Microsecond - c.really
			return m.add(m.now, &wire.Status{EchoMicros: micros(sent), HoldMicros: micros(c.told), DelayMicros: delay})
		}
		if q := tell(3200); q != 3*Millisecond {
			t.Errorf("held for %d us: %d us, want 3000", c.told/Microsecond, q/Microsecond)
		}
		for end := m.now + 11*Second; m.now < end; {
			tell(3200)
		}
		if q := tell(3200); q != 0 {
			t.Errorf("held for %d us, a longer path: %d us after 11 s", c.told/Microsecond, q/Microsecond)
		}
	}
}

// A queue counts above 1 ms and two round trips; where the member keeps up, only while the rate is the limit, and leaves 0.9 of what
// it took.
func TestQueueComplains(t *testing.T) {
	for _, c := range []struct {
		name        string
		trip, queue Duration
		taken       uint64 // of each 100 sent
		refused     bool
		want, floor bool
		lasts       Duration
	}{
		{"short trip", 200 * Microsecond, 1100 * Microsecond, 100, true, true, true, 30 * Millisecond},
		{"below 1 ms", 200 * Microsecond, 900 * Microsecond, 100, true, false, false, 30 * Millisecond},
		{"below two trips", 2 * Millisecond, 3 * Millisecond, 100, true, false, false, 30 * Millisecond},
		{"above two trips", 2 * Millisecond, 5 * Millisecond, 100, true, true, true, 30 * Millisecond},
		{"not for long", 200 * Microsecond, 5 * Millisecond, 100, true, false, false, 20 * Millisecond},
		{"not the limit", 200 * Microsecond, 5 * Millisecond, 100, false, false, false, 30 * Millisecond},
		{"falls behind", 200 * Microsecond, 5 * Millisecond, 80, false, true, false, 30 * Millisecond},
	} {
		_, a, b, _ := joined(t, nil)
		e, p := a.engine, a.engine.byNode[b.engine.cfg.Node]
		l, m := e.lanes[LaneGated], &p.members[LaneGated]
		*m = member{joined: true, tethered: true}
		l.pace.slowest, l.pace.floor, l.pace.refusedAt = 0, 0, longAgo
		head, taken := l.head, uint64(0)
		say := func(queue Duration) {
			e.now += Millisecond
			if c.refused {
				l.pace.refusedAt = e.now
			}
			e.roundTrip = c.trip
			sent := e.now - 400*Microsecond - queue
			e.complaints(l, m, &wire.Status{Highest: head + taken, EchoMicros: micros(sent), DelayMicros: uint32(200 + queue/Microsecond), ReceivedRate: 10_000})
		}
		say(0)
		m.drained.add(e.now, 10_000)
		for end := e.now + c.lasts; e.now < end; {
			say(c.queue)
			l.head += 10
			taken = (l.head - head) * c.taken / 100
		}
		if got := l.pace.slowest != 0; got != c.want || (l.pace.floor == 9000) != c.floor {
			t.Errorf("%s: complained %v, floor %.0f", c.name, got, l.pace.floor)
		}
	}
}

// A member has no round trip of its own, so its clock's drift looks like a queue to it. That makes it ask again for what
// did not come when it asked first later by what the clocks drift in ten seconds, at most 100 ms after a jump, and no longer.
func TestAskedAgainDespiteDrift(t *testing.T) {
	_, a, b, _ := joined(t, nil)
	e := b.engine
	r := e.byNode[a.engine.cfg.Node].receivers[LaneGated]
	for _, c := range []struct{ ppm, jump, later Duration }{
		{0, 0, 0}, {200, 0, 2 * Millisecond}, {500, 0, 5 * Millisecond}, {-500, 0, 0}, {0, 300 * Millisecond, retryMax}, {0, -300 * Millisecond, 0},
	} {
		r.path, r.queue = delayFilter{}, 0
		longest, now := Duration(0), e.now
		for i := range Duration(30_000) {
			now += Millisecond
			skew := i * Millisecond * c.ppm / 1e6
			if i > 15_000 {
				skew += c.jump
			}
			r.clock(now, micros(now-200*Microsecond-skew))
			longest = max(longest, e.retry(r, 0))
		}
		least := e.retry(r, 0) - r.queue
		if c.jump != 0 && r.queue != 0 || longest > min(retryMax, 2*least+c.later) {
			t.Errorf("%d ppm, %d us: it asks again after up to %d us without a queue of %d us, want %d more", c.ppm, c.jump/Microsecond, longest/Microsecond, least/Microsecond, c.later/Microsecond)
		}
	}
}
