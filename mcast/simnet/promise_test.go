package simnet

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// long says whether the long forms are wanted: minutes instead of seconds.
func long() bool { return os.Getenv("RINGCAST_SIM_LONG") != "" }

// transmissions is how often a datagram is sent on average until all of n have it.
func transmissions(loss float64, n int) float64 {
	sum := 0.0
	for q := 1.0; q > 1e-12; q *= loss {
		sum += 1 - math.Pow(1-q, float64(n))
		if loss == 0 {
			break
		}
	}
	return sum
}

// Guarantee test 11: loss of every size, with reordering and duplication.
func TestLossSweep(t *testing.T) {
	d, nodes := mcast.Duration(few(1000, 500))*mcast.Millisecond, []int{2, 6}
	if long() {
		d, nodes = 10*mcast.Second, []int{2, 6, 12}
	}
	for _, receivers := range nodes[:few(len(nodes), 1)] {
		var base float64
		for _, c := range []struct{ loss, least float64 }{{0, 0}, {0.001, 0.99}, {0.01, 0.95}, {0.05, 0.80}, {0.2, 0.40}} {
			o := Options{Seed: 11, Nodes: receivers + 1, Loss: c.loss, Duplicate: 0.01, Reorder: 0.01, Delay: 100 * mcast.Microsecond, Jitter: 20 * mcast.Microsecond, SizeMax: 1}
			o.Config.Rate = float64(few(30_000, 10_000))
			r := startLoad(t, o, 0)
			worst := math.Inf(1)
			r.net.After(d, func() {
				for _, l := range r.all[1:] {
					worst = min(worst, float64(l.got))
				}
			})
			r.run(t, d)
			if c.loss == 0 {
				base = worst
			}
			var ages times
			var lost uint64
			for _, l := range r.all[1:] {
				ages = append(ages, l.ages...)
				lost += l.lost
			}
			share, most := worst/base, 1/transmissions(c.loss, receivers)
			k := r.all[0].engine.Counters()
			t.Logf("%d receivers, loss %g: %.3f of lossless, arithmetic allows %.3f; age p50 %d p99 %d max %d us; %d repairs, %d NAKs, %d trials, rate %.0f, %d lost",
				receivers, c.loss, share, most, ages.us(.5), ages.us(.99), ages.us(1), k.RepairsSent, k.NakReceived, k.LossTrials, r.all[0].engine.Rate(mcast.LaneGated), lost)
			least := c.least
			if receivers > 2 {
				least = 0.95 * most
			}
			if share < least || lost != 0 {
				t.Errorf("%d receivers, loss %g: %.3f of lossless, want %.3f; %d lost", receivers, c.loss, share, least, lost)
			}
		}
	}
}

// chosen lets datagrams be lost at their first transmission: pick says for a lane
// sequence which node loses it, 0 for none, -1 for all.
func (r *loadRun) chosen(pick func(seq uint64) int) map[uint64]bool {
	lost := map[uint64]bool{}
	r.net.Drop = func(from, to *Node, d []byte) bool {
		if from.index != 0 || d[4] != 1 || d[3]&4 != 0 {
			return false
		}
		seq := binary.LittleEndian.Uint64(d[40:])
		node := pick(seq)
		if node == 0 || node > 0 && node != to.index {
			return false
		}
		lost[seq] = true
		return true
	}
	return lost
}

// Guarantee test 12: one datagram lost by one of 12 receivers, and the same where the
// kernel says that it was the own socket.
func TestLoneLoss(t *testing.T) {
	for _, hint := range []bool{false, true}[:few(2, 1)] {
		every, nodes, d := uint64(40), 13, mcast.Duration(few(2000, 500))*mcast.Millisecond
		if hint { // seldom: it is word of an overrun, too, which lowers the rate
			every, nodes, d = 4000, 5, 9*mcast.Second
		}
		r := startLoad(t, Options{Seed: 12, Nodes: nodes, Delay: 140 * mcast.Microsecond, Jitter: 20 * mcast.Microsecond, SizeMax: 1}, 20_000)
		r.chosen(func(seq uint64) int {
			if seq%every != every/2 {
				return 0
			}
			node := 1 + int(seq/every)%(nodes-1)
			if hint {
				x := r.all[node]
				r.net.After(0, func() { x.engine.LocalLoss(x.clock(), 1); x.Node.after() })
			}
			return node
		})
		r.run(t, d)
		x := r.firstLate(160 * mcast.Microsecond)
		t.Logf("local-loss hint %v: %d losses; late by mean %d us, p50 %d, p99 %d, max %d", hint, len(x), x.mean(), x.us(.5), x.us(.99), x.us(1))
		mean, p99 := mcast.Duration(2000), mcast.Duration(4000)
		if hint {
			mean, p99 = 600, 600
		}
		if len(x) < 40 || x.mean() > mean || x.us(.99) > p99 {
			t.Errorf("hint %v: %d losses, mean %d us, want %d; p99 %d us, want %d", hint, len(x), x.mean(), mean, x.us(.99), p99)
		}
	}
}

// firstLate returns by how much the first message behind each hole came later than the
// way is long.
func (r *loadRun) firstLate(way mcast.Duration) (x times) {
	for _, l := range r.all[1:] {
		for i, age := range l.ages {
			if age > way && (i == 0 || l.ages[i-1] <= way) {
				x = append(x, age-way)
			}
		}
	}
	return x
}

// Guarantee test 13: a node that hears and says nothing for a while.
func TestBlackoutIsBack(t *testing.T) {
	const rate, from = 20_000, 300 * mcast.Millisecond
	const window = 2400
	for _, ms := range []mcast.Duration{300, 10, 1, 50, 100, 1000}[:few(6, 2)] {
		o := Options{Seed: 13, Nodes: 4, Delay: 100 * mcast.Microsecond, Jitter: 20 * mcast.Microsecond, SizeMax: 1}
		o.Config.Rate = 50_000
		o.Config.Window = window * mcast.MTUDefault
		r := startLoad(t, o, rate)
		var heal func()
		r.net.After(from, func() { heal = r.dropFor(3, 1) })
		r.net.After(from+ms*mcast.Millisecond, func() { heal() })
		r.run(t, from+(ms+700)*mcast.Millisecond)
		l, end := r.all[3], r.begin+from+ms*mcast.Millisecond
		back := mcast.Duration(-1)
		for seq, at := range l.arrived {
			if at >= end && at-r.sent[seq] < 2*mcast.Millisecond {
				back = at - end
				break
			}
		}
		others := append(times(nil), append(r.all[1].ages, r.all[2].ages...)...)
		backlog := min(ms*rate/1000, window)
		most := 10*mcast.Millisecond + mcast.Duration(float64(backlog)/(0.3*o.Config.Rate)*float64(mcast.Second))
		k := r.all[0].engine.Counters()
		t.Logf("%4d ms: back after %d us, promised %d; %d lost, put out %d times; the others' age p99 %d max %d us", ms, back/mcast.Microsecond, most/mcast.Microsecond, l.lost, k.Untethered, others.us(.99), others.us(1))
		if back < 0 || back > most || ms <= 100 && l.lost != 0 {
			t.Errorf("blackout of %d ms: back after %d us, want %d; %d lost", ms, back/mcast.Microsecond, most/mcast.Microsecond, l.lost)
		}
	}
}

// Guarantee test 14: one datagram lost by all of many receivers, who hear only the sender.
func TestAllLose(t *testing.T) {
	sizes := []struct {
		nodes int
		naks  float64
	}{{12, 3}, {50, 4}, {200, 5}, {500, 6}}
	if !long() {
		sizes = sizes[:few(2, 1)]
	}
	for _, c := range sizes {
		o := Options{Seed: 14, Nodes: c.nodes + 1, Delay: 100 * mcast.Microsecond, Jitter: 50 * mcast.Microsecond, SizeMax: 1}
		o.Config.Limits.Peers = c.nodes + 1
		r := startLoad(t, o, 500)
		r.burst = 10 // another datagram comes right behind
		lost := r.chosen(func(seq uint64) int {
			if seq%20 == 14 {
				return -1
			}
			return 0
		})
		data := r.net.Drop
		r.net.Drop = func(from, to *Node, d []byte) bool { return from.index != 0 && to.index != 0 || data(from, to, d) }
		r.run(t, mcast.Duration(few(2000, 1500))*mcast.Millisecond)
		k := r.all[0].engine.Counters()
		n := float64(len(lost))
		x := r.firstLate(150 * mcast.Microsecond)
		t.Logf("%d receivers, %d losses: %.2f NAKs and %.2f repairs each; late by mean %d us, p99 %d", c.nodes, len(lost), float64(k.NakReceived)/n, float64(k.RepairsSent)/n, x.mean(), x.us(.99))
		if n < 30 || x.mean() > 1000 || float64(k.NakReceived) > c.naks*n || float64(k.RepairsSent) > 1.1*n {
			t.Errorf("%d receivers: %.2f NAKs, want %g; %.2f repairs, want 1.1; late by mean %d us, want 1000", c.nodes, float64(k.NakReceived)/n, c.naks, float64(k.RepairsSent)/n, x.mean())
		}
	}
}

// Guarantee test 17: the last datagram of a burst is lost, then there is silence.
func TestTailLoss(t *testing.T) {
	for _, loss := range []float64{0, 0.05} {
		o := Options{Seed: 17, Nodes: 4, Delay: 100 * mcast.Microsecond, Jitter: 20 * mcast.Microsecond, SizeMax: 1}
		r := startLoad(t, o, 50)
		r.burst = 5
		r.net.Options.Loss = loss // of everything else, the repair too
		last := map[uint64]bool{}
		r.chosen(func(seq uint64) int {
			if len(r.sent)%5 != 4 { // the fifth is on its way
				return 0
			}
			last[seq] = true
			return 1 + int(seq/5)%3
		})
		d := mcast.Duration(few(30, 10)) * mcast.Second
		if long() {
			d = 300 * mcast.Second
		}
		r.run(t, d)
		var x times
		for _, l := range r.all[1:] {
			for seq := 5; seq < len(l.arrived); seq += 5 {
				if age := l.arrived[seq] - r.sent[seq]; age > 300*mcast.Microsecond {
					x = append(x, age)
				}
			}
		}
		t.Logf("other loss %g: %d tails lost; there after p50 %d us, p99 %d, max %d", loss, len(last), x.us(.5), x.us(.99), x.us(1))
		if len(last) < 50 || x.us(.5) > 3000 || x.us(.99) > 10_000 {
			t.Errorf("other loss %g: %d tails, p50 %d us, want 3000; p99 %d us, want 10000", loss, len(last), x.us(.5), x.us(.99))
		}
	}
}
