package simnet

import (
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

const cryFrom = 500 * mcast.Millisecond

// babyRun runs 15 receivers, of which the last drops a share of everything from 0.5 s on.
func babyRun(t *testing.T, seed uint64, rate, share float64, d mcast.Duration) *loadRun {
	t.Helper()
	o := Options{Seed: seed, Nodes: 16, Delay: 100 * mcast.Microsecond, Jitter: 30 * mcast.Microsecond, SizeMax: 1}
	o.Config.Rate = float64(few(25_000, 5_000))
	o.Config.Window = few(2400, 480) * mcast.MTUDefault // about 100 ms, as 32 MiB at 240,000
	r := startLoad(t, o, rate)
	if share > 0 {
		r.net.After(cryFrom, func() { r.dropFor(15, share) })
	}
	r.run(t, d)
	return r
}

func (r *loadRun) others() (got uint64, ages times) {
	for _, l := range r.all[1:15] {
		got += l.got
		ages = append(ages, l.ages...)
	}
	return got, ages
}

// when returns how long after a time a node had a notice, -1 if it had not.
func (l *load) when(what mcast.Notice, after mcast.Duration) mcast.Duration {
	for _, n := range l.notices {
		if n.what == what && n.at-l.run.begin >= after {
			return n.at - l.run.begin - after
		}
	}
	return -1
}

// Guarantee test 15: one node of 15 drops 30 % of all that comes and goes. The others
// keep their throughput and their times; it is isolated, and both sides are told.
func TestCryingBaby(t *testing.T) {
	d := mcast.Duration(few(2, 3)) * mcast.Second
	if long() {
		d = 60 * mcast.Second
	}
	for _, c := range []struct {
		name string
		rate float64
	}{{"at 40 %", float64(few(10_000, 2000))}, {"saturated", 0}}[:few(2, 1)] {
		base, r := babyRun(t, 1, c.rate, 0, d), babyRun(t, 1, c.rate, 0.3, d)
		got0, ages0 := base.others()
		got, ages := r.others()
		owner, baby := r.all[0], r.all[15]
		here, there := owner.when(mcast.MemberIsolated, cryFrom), baby.when(mcast.Isolated, cryFrom)
		k := owner.engine.Counters()
		t.Logf("%s: the others got %.3f of what they got without; age p50 %d -> %d us, p99 %d -> %d, max %d -> %d; isolated after %d ms, told after %d; it got %d of %d, %d were told as lost",
			c.name, float64(got)/float64(got0), ages0.us(.5), ages.us(.5), ages0.us(.99), ages.us(.99), ages0.us(1), ages.us(1),
			here/mcast.Millisecond, there/mcast.Millisecond, baby.got, len(r.sent)-1, baby.lost)
		t.Logf("   %d repairs, %d of them to it alone, %d NAKs, %d NCFs, %d trials, %d cuts", k.RepairsSent, k.RepairsUnicast, k.NakReceived, k.NcfSent, k.LossTrials, k.LossCuts+k.RateCuts)
		if here < 0 || here > 3*mcast.Second || there < 0 || there > 3*mcast.Second || k.Isolated != 1 {
			t.Errorf("%s: isolated after %d ms, told after %d ms, %d times, want once within 3 s", c.name, here/mcast.Millisecond, there/mcast.Millisecond, k.Isolated)
		}
		if 100*got < 95*got0 || 10*ages.us(.99) > 12*ages0.us(.99) {
			t.Errorf("%s: the others got %.3f, want 0.95; p99 %d us, want %d and 20 %%", c.name, float64(got)/float64(got0), ages.us(.99), ages0.us(.99))
		}
		for _, l := range r.all[1:15] {
			if l.lost != 0 {
				t.Errorf("%s: node %d lost %d", c.name, l.ID(), l.lost)
			}
		}
	}
}

// A node that has dropped much and drops nothing any more is taken back after 5 s,
// and then loses nothing.
func TestCalmBabyIsTakenBack(t *testing.T) {
	o := Options{Seed: 3, Nodes: 5, Delay: 100 * mcast.Microsecond, SizeMax: 1}
	o.Config.Window = 500 * mcast.MTUDefault
	r := startLoad(t, o, 2000)
	const calm = 2500 * mcast.Millisecond
	var end func()
	r.net.After(cryFrom, func() { end = r.dropFor(4, 0.3) })
	r.net.After(calm, func() { end() })
	var lost uint64
	r.net.After(9*mcast.Second, func() { lost = r.all[4].lost })
	r.run(t, 10*mcast.Second)
	owner := r.all[0]
	in, out := owner.when(mcast.MemberIsolated, cryFrom), owner.when(mcast.MemberReadmitted, calm)
	t.Logf("isolated after %d ms; taken back %d ms after it dropped nothing any more; %d lost", in/mcast.Millisecond, out/mcast.Millisecond, lost)
	if in < 0 || in > 3*mcast.Second || out < 5*mcast.Second || out > 6*mcast.Second || r.all[4].lost != lost {
		t.Errorf("isolated after %d ms, back after %d ms, %d lost after that", in/mcast.Millisecond, out/mcast.Millisecond, r.all[4].lost-lost)
	}
}

// A receiver whose socket overruns is no crying baby: the rate is what has to change.
func TestOverrunReceiverIsNoBaby(t *testing.T) {
	o := Options{Seed: 1, Nodes: 6, Delay: 100 * mcast.Microsecond, SizeMax: 1, Socket: 200}
	o.Config.Rate = 20_000
	o.Config.Window = 2000 * mcast.MTUDefault
	r := startLoad(t, o, 0)
	const can = 12_000
	r.all[5].service = mcast.Second / can
	d := mcast.Duration(few(3, 2)) * mcast.Second
	r.run(t, d)
	k := r.all[0].engine.Counters()
	got := float64(r.all[5].got) / (can * float64(d) / float64(mcast.Second))
	t.Logf("took %.3f of what it can, %d lost, %d overran; %d cuts, %d isolated, %d put out", got, r.all[5].lost, r.net.Counts.Overrun, k.RateCuts, k.Isolated, k.Untethered)
	if k.Isolated != 0 || got < 0.85 || r.all[5].lost != 0 {
		t.Errorf("took %.3f of what it can, %d lost, isolated %d times", got, r.all[5].lost, k.Isolated)
	}
}
