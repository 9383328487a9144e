package mcast

import "math"

// Times of the rate's law (multicast.md, Rate).
const (
	paceStep     = 10 * Millisecond  // between two looks
	paceHold     = 30 * Millisecond  // after a cut before the rate grows again
	paceApart    = 20 * Millisecond  // between two cuts
	paceStepsMax = 100               // looks that one may make up for
	paceFar      = Second            // after which a cut is forgotten
	paceDepth    = Millisecond / 2   // of the bucket, in time at the full rate
	paceBatch    = 8                 // tokens that are worth waking for
	paceFloor    = 32                // least depth of the bucket
	paceDelay    = 1 * Millisecond   // queue delay that is too long, at least
	paceSlow     = 100 * Millisecond // how long a refusal for pacing counts as "limited"
)

// pacer is the token bucket of a lane and the law that sets its rate. Loss is no
// input of it: random loss is not congestion.
type pacer struct {
	rate, max, min float64 // datagrams a second
	tokens, depth  float64
	at             Time
	sent           uint64 // datagrams ever

	cutAt   Time    // time of the last cut
	before  float64 // the rate before it; 0 if none is known
	lookAt  Time
	slowest float64 // least received rate of a member that asked for a cut; 0 if none did
	floor   float64 // what a cut must leave, by the member that asks for least

	refusedAt Time // when Send was last refused for the rate
}

func (p *pacer) init(c *Config) {
	p.rate, p.max, p.min = c.Rate, c.Rate, c.RateMin
	p.cutAt, p.refusedAt = longAgo, longAgo
	p.setDepth()
	p.tokens = p.depth
}

func (p *pacer) setDepth() {
	p.depth = max(paceFloor, p.rate*float64(paceDepth)/float64(Second))
}

func (p *pacer) refill(now Time, throttle float64) {
	if now > p.at {
		p.tokens = min(p.depth, p.tokens+float64(now-p.at)*p.rate*throttle/float64(Second))
		p.at = now
	}
}

// take uses a token for one datagram.
func (p *pacer) take(now Time, throttle float64) bool {
	p.refill(now, throttle)
	if p.tokens < 1 {
		return false
	}
	p.tokens--
	return true
}

func (p *pacer) ready(now Time, throttle float64) bool {
	p.refill(now, throttle)
	return p.tokens >= paceBatch
}

// when returns the time at which ready will be true.
func (p *pacer) when(now Time, throttle float64) Time {
	if p.tokens >= paceBatch {
		return now
	}
	return now + 1 + Duration((paceBatch-p.tokens)/(p.rate*throttle)*float64(Second))
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
	if now < p.lookAt {
		return false
	}
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
	case slowest == 0 && now-p.cutAt > paceHold && p.rate < p.max:
		factor := 1.003
		if p.rate < 0.9*p.before || p.before == 0 || now-p.cutAt > paceFar {
			factor = 1.05
		}
		p.rate = min(p.max, p.rate*math.Pow(factor, float64(steps)))
	}
	p.setDepth()
	return cut
}
