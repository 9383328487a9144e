//go:build linux

package udp

import (
	"math/rand/v2"
	"sync/atomic"
	"time"
)

const (
	// reorderHold is how long a datagram waits at most to be overtaken: the last
	// of a burst must not be lost by waiting.
	reorderHold = int64(5 * time.Millisecond)

	// reorderDepth is by how many later datagrams it is overtaken at most.
	reorderDepth = 3

	// What the layer holds at most; more is lost and counted.
	maxHeld      = 1 << 16
	maxHeldBytes = 64 << 20
)

// A faultLayer damages the datagrams of one side. They are pushed in, in order,
// and come out in out:
//
//	push ──▶ lose? ──▶ double? ──▶ hold back? ──▶ delay ──▶ out
//
// What is pushed is copied if it stays longer than the call. The layer belongs
// to the goroutine that reads, or to the one that writes; next may be read by any.
type faultLayer struct {
	cfg       FaultConfig
	lossStart float64 // probability that a burst of losses begins
	counters  *FaultCounters
	dropped   func(datagram []byte) // may be nil

	// One stream of random numbers for each fault.
	loss, dup, reorder *rand.Rand

	burstLeft int
	held      []stored // held back, in order of arrival
	line      []stored // delayed, in order of their time
	lineHead  int
	bytes     int // in held and line
	free      [][]byte
	lent      [][]byte // in out until the next begin
	out       []Datagram

	next atomic.Int64 // when the first of held and line is due
}

// stored is a datagram whose bytes the layer owns.
type stored struct {
	d         Datagram
	due       int64
	left      int // so many must still overtake it
	overtaken bool
}

// newFaultLayer returns the layer of that side, nil if it has nothing to do.
func newFaultLayer(cfg *FaultConfig, side Side, counters *FaultCounters) *faultLayer {
	if !cfg.Enabled() || cfg.Side != SideBoth && cfg.Side != side {
		return nil
	}
	// A long burst must begin more rarely: of a good run of mean (1-p)/p and a
	// burst of b, the share lost is Loss.
	b := float64(max(1, cfg.Burst))
	stream := func(kind uint64) *rand.Rand {
		return rand.New(rand.NewPCG(cfg.Seed, uint64(side)<<8|kind))
	}
	f := &faultLayer{
		cfg: *cfg, counters: counters,
		lossStart: cfg.Loss / (b*(1-cfg.Loss) + cfg.Loss),
		loss:      stream(1), dup: stream(2), reorder: stream(3),
	}
	f.next.Store(forever)
	return f
}

// begin empties out and takes back what it lent.
func (f *faultLayer) begin() {
	f.free = append(f.free, f.lent...)
	f.lent = f.lent[:0]
	f.out = f.out[:0]
}

// push takes the next datagram; d.Bytes are used in out until begin.
func (f *faultLayer) push(d Datagram, now int64) {
	lost := f.loses()
	doubled := f.dup.Float64() < f.cfg.Duplicate
	held := f.reorder.Float64() < f.cfg.Reorder
	depth := 1 + f.reorder.IntN(reorderDepth)
	if lost {
		f.counters.Dropped.Add(1)
		if f.dropped != nil {
			f.dropped(d.Bytes)
		}
		return
	}
	if doubled {
		f.counters.Duplicated.Add(1)
		f.pass(d, now)
	}
	if held {
		f.hold(d, now, depth)
		return
	}
	f.pass(d, now)
	if len(f.held) > 0 {
		f.overtake(now)
	}
}

func (f *faultLayer) loses() bool {
	if f.burstLeft > 0 {
		f.burstLeft--
		return true
	}
	if f.loss.Float64() >= f.lossStart {
		return false
	}
	f.burstLeft = max(1, f.cfg.Burst) - 1
	return true
}

// hold keeps a copy back until depth later ones have passed.
func (f *faultLayer) hold(d Datagram, now int64, depth int) {
	if d, ok := f.keep(d); ok {
		f.held = append(f.held, stored{d: d, due: now + reorderHold, left: depth})
	}
}

// overtake lets go those held back that enough later ones have now passed.
func (f *faultLayer) overtake(now int64) {
	kept := f.held[:0]
	for _, s := range f.held {
		s.overtaken = true
		if s.left--; s.left > 0 {
			kept = append(kept, s)
			continue
		}
		f.release(s, now)
	}
	f.held = kept
}

// release sends on what was held back.
func (f *faultLayer) release(s stored, now int64) {
	if s.overtaken {
		f.counters.Reordered.Add(1)
	}
	if f.cfg.Delay == 0 {
		f.lend(s.d)
		return
	}
	f.delay(s.d, now)
}

// pass sends on a datagram whose bytes are the caller's.
func (f *faultLayer) pass(d Datagram, now int64) {
	if f.cfg.Delay == 0 {
		f.out = append(f.out, d)
		return
	}
	if d, ok := f.keep(d); ok {
		f.delay(d, now)
	}
}

func (f *faultLayer) delay(d Datagram, now int64) {
	f.counters.Delayed.Add(1)
	f.line = append(f.line, stored{d: d, due: now + int64(f.cfg.Delay)})
}

// expire lets go everything whose time has come, and sets next.
func (f *faultLayer) expire(now int64) {
	n := 0
	for n < len(f.held) && f.held[n].due <= now {
		f.release(f.held[n], now)
		n++
	}
	f.held = append(f.held[:0], f.held[n:]...)
	for f.lineHead < len(f.line) && f.line[f.lineHead].due <= now {
		f.lend(f.line[f.lineHead].d)
		f.lineHead++
	}
	f.compactLine()
	next := int64(forever)
	if len(f.held) > 0 {
		next = f.held[0].due
	}
	if f.lineHead < len(f.line) {
		next = min(next, f.line[f.lineHead].due)
	}
	f.next.Store(next)
}

// compactLine moves the line to the front once most of it is gone, so that it
// costs one move a datagram at most.
func (f *faultLayer) compactLine() {
	if f.lineHead*2 < len(f.line) {
		return
	}
	n := copy(f.line, f.line[f.lineHead:])
	f.line, f.lineHead = f.line[:n], 0
}

// keep copies d's bytes; false if the layer is full.
func (f *faultLayer) keep(d Datagram) (Datagram, bool) {
	if len(f.held)+len(f.line)-f.lineHead >= maxHeld || f.bytes+len(d.Bytes) > maxHeldBytes {
		f.counters.Overflowed.Add(1)
		return d, false
	}
	var buf []byte
	if n := len(f.free); n > 0 {
		buf, f.free = f.free[n-1], f.free[:n-1]
	}
	d.Bytes = append(buf[:0], d.Bytes...)
	f.bytes += len(d.Bytes)
	return d, true
}

// lend puts a kept datagram into out.
func (f *faultLayer) lend(d Datagram) {
	f.bytes -= len(d.Bytes)
	f.lent = append(f.lent, d.Bytes)
	f.out = append(f.out, d)
}

// applyFaults sends what has just been received through the receive side, and
// lets go what the send side has held long enough.
func (c *Conn) applyFaults(b *Batch) {
	if f := c.rxFault; f != nil {
		now := c.now()
		f.begin()
		for _, d := range b.datagrams {
			if d.Own { // no network has carried it
				f.out = append(f.out, d)
				continue
			}
			f.push(d, now)
		}
		f.expire(now)
		b.datagrams, f.out = f.out, b.datagrams
	}
	if f := c.txFault; f != nil && f.next.Load() <= c.now() {
		c.writeMu.Lock()
		defer c.writeMu.Unlock()
		if !c.closed.Load() {
			f.begin()
			f.expire(c.now())
			_ = c.sendFaulty(f.out) // counted; the writer isn't here to be told
		}
	}
}

// writeFaulty sends datagrams through the send side. Held ones count as sent.
func (c *Conn) writeFaulty(datagrams [][]byte) (int, error) {
	f, now := c.txFault, c.now()
	before := f.next.Load()
	f.begin()
	for _, d := range datagrams {
		f.push(Datagram{Bytes: d, From: c.write.to}, now)
	}
	f.expire(now)
	err := c.sendFaulty(f.out)
	if f.next.Load() < before {
		c.waker.nudge() // a sleeping reader must now get up earlier
	}
	return len(datagrams), err
}

// sendFaulty sends what came out of the send side, by destination (in From).
func (c *Conn) sendFaulty(out []Datagram) (first error) {
	w := &c.write
	for len(out) > 0 {
		to, n := out[0].From, 0
		w.scratch = w.scratch[:0]
		for n < len(out) && out[n].From == to {
			w.scratch = append(w.scratch, out[n].Bytes)
			n++
		}
		w.address(to)
		if _, err := c.send(w.scratch); err != nil && first == nil {
			first = err
		}
		out = out[n:]
	}
	return first
}
