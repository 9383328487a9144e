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
