package mcast

import "math"

// Times of the rate's law (spec/wire.md, Rate).
const (
	paceStep     = 10 * Millisecond  // between two looks
	paceHold     = 30 * Millisecond  // after a cut before the rate grows again
	paceApart    = 20 * Millisecond  // between two cuts
	paceStepsMax = 100               // looks that one may make up for
	paceFar      = Second            // after which a cut is forgotten
	paceDepth    = Millisecond / 2   // of the bucket, in time at the full rate
	paceBatch    = 8                 // tokens that are worth waking for
	paceFloor    = 32                // least depth of the bucket
	paceTight    = 12                // its depth on a path that drops without delay
	paceDelay    = 1 * Millisecond   // queue delay that is too long, at least
	paceSlow     = 100 * Millisecond // how long a refusal counts as "limited"
	ceilingFree  = 1.25              // that much above a ceiling it is forgotten
)

// pacer is the token bucket of a lane and the law that sets its rate. Loss alone is
// no input of it, random loss being no congestion; see trial.go for loss that
// follows the rate.
type pacer struct {
	rate, max, min float64 // datagrams a second, repairs too
	tokens, depth  float64
	gate           float64 // tokens of new data alone, less than the others while the window fills
	at             Time
	spent          uint64 // tokens ever

	cutAt   Time    // time of the last cut
	before  float64 // the rate before it; 0 if none is known
	lookAt  Time
	slowest float64 // least received rate of a member that asked for a cut; 0 if none did
	floor   float64 // what a cut must leave, by the member that asks for least

	held    bool    // the rate does not grow: a trial is on
	ceiling float64 // above this rate datagrams were lost; 0 if that is not known

	refusedAt Time // when Send was last refused for the rate
}

func (p *pacer) init(c *Config) {
	p.rate, p.max, p.min = c.Rate, c.Rate, c.RateMin
	p.cutAt, p.refusedAt = longAgo, longAgo
	p.setDepth()
	p.tokens, p.gate = p.depth, p.depth
}

func (p *pacer) setDepth() {
	p.depth = max(paceFloor, p.rate*float64(paceDepth)/float64(Second))
	if p.held || p.ceiling != 0 {
		p.depth = paceTight
	}
}

func (p *pacer) refill(now Time, throttle float64) {
	if now > p.at {
		got := float64(now-p.at) * p.rate / float64(Second)
		p.tokens = min(p.depth, p.tokens+got)
		p.gate = min(p.depth, p.gate+got*throttle)
		p.at = now
	}
}

// spend uses a token for a repair.
func (p *pacer) spend() {
	p.tokens--
	p.spent++
}

// take uses a token for one new datagram.
func (p *pacer) take(now Time, throttle float64) bool {
	p.refill(now, throttle)
	if p.tokens < 1 || p.gate < 1 {
		return false
	}
	p.gate--
	p.spend()
	return true
}

func (p *pacer) ready(now Time, throttle float64) bool {
	p.refill(now, throttle)
	return min(p.tokens, p.gate) >= paceBatch
}

// when returns the time at which ready will be true.
func (p *pacer) when(now Time, throttle float64) Time {
	wait := max(paceBatch-p.tokens, (paceBatch-p.gate)/throttle)
	if wait <= 0 {
		return now
	}
	return now + 1 + Duration(wait/p.rate*float64(Second))
}

// complain notes a member whose socket overran, or whose queue is long, and what
// that member has lately been seen to take.
func (p *pacer) complain(received, floor float64) {
	if p.slowest == 0 || floor < p.floor {
		p.floor = floor
	}
	if p.slowest == 0 || received < p.slowest {
		p.slowest = max(received, 1)
	}
}

// look changes the rate; it reports whether it was cut.
func (p *pacer) look(now Time) (cut bool) {
	steps := min(1+(now-p.lookAt)/paceStep, paceStepsMax)
	p.lookAt = now + paceStep
	slowest := p.slowest
	p.slowest = 0
	switch {
	case slowest != 0 && now-p.cutAt > paceApart:
		p.before = p.rate
		p.rate = max(p.min, min(0.97*p.rate, max(0.95*slowest, 0.7*p.rate, p.floor)))
		p.cutAt = now
		cut = true
	case slowest == 0 && now-p.cutAt > paceHold && p.rate < p.max && !p.held:
		p.rate = min(p.max, p.rate*math.Pow(p.growth(now), float64(steps)))
	}
	if p.rate > ceilingFree*p.ceiling {
		p.ceiling = 0
	}
	p.setDepth()
	return cut
}

// growth is the factor by which the rate grows in a step. Below a known ceiling it
// grows only while it is used: else it would stand above by the time it is.
func (p *pacer) growth(now Time) float64 {
	switch {
	case p.ceiling != 0 && now-p.refusedAt > paceSlow:
		return 1
	case p.ceiling != 0 && p.rate > 0.9*p.ceiling:
		return 1.002
	case p.rate < 0.9*p.before || p.before == 0 || now-p.cutAt > paceFar || p.ceiling != 0:
		return 1.05
	}
	return 1.003
}
