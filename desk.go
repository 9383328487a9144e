package ringcast

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// A desk is where a bus's requests are open: the ring of their answers, and who waits
// for which. Whoever waits reads the ring himself, for all others, too: he leads. The
// others are parked, and one of them leads when he has what he waited for. So an
// answer that one goroutine waits for reaches it without another's help. It is safe
// for concurrent use.
type desk struct {
	// Immutable after newDesk.
	post  *post
	limit int // shares in all

	// Owned by who leads.
	file    *ring.File
	reader  *ring.Reader
	readers []*ring.Reader
	bed     *berth
	waiter  *ring.Waiter
	wait    deskWait
	message ring.Message

	news atomic.Bool   // there is something besides messages
	due  atomic.Int64  // when the first call's time is over, by ring.Now; 0: no call
	late atomic.Uint64 // answers that nobody waited for

	mu      sync.Mutex
	calls   []*call
	free    []int // slots
	serial  uint64
	shares  int  // that nobody holds
	wanting int  // who waits for some
	led     bool // somebody leads
	leader  *party
	first   *party // of those that are parked
	last    *party
	dying   []dying
	ended   bool
}

// A dying call is settled when everything before that position of the ring was read:
// its instance may have answered before it went.
type dying struct {
	correlation uint64
	tail        uint64
	who         Address // who is gone
}

// Bounds of a desk.
const (
	// maxCalls is as many as a correlation has slots for.
	maxCalls = 1 << 16
	// streamShares is what a stream holds: its first credit and its last answer.
	streamShares = ring.FirstCredit + 1
)

// sharesOf is how many shares a ring of so many slots has.
func sharesOf(slots int) int { return slots - min(slots/4, 128) }

// slotsFor is the ring that so many shares need.
func slotsFor(shares int) int {
	slots := inboxSlots
	for sharesOf(slots) < shares {
		slots *= 2
	}
	return slots
}

// desk returns the bus's, and makes it the first time.
func (p *post) desk() (*desk, error) {
	if d := p.asking.Load(); d != nil {
		return d, nil
	}
	d, err := p.makeDesk()
	if err != nil {
		return nil, err
	}
	return d, p.watchDepartures()
}

func (p *post) makeDesk() (*desk, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := p.asking.Load(); d != nil {
		return d, nil
	}
	d := &desk{post: p}
	if err := d.open(); err != nil {
		return nil, err
	}
	d.limit = sharesOf(d.file.Shape().Slots)
	d.shares = d.limit
	d.bed = p.bus.place.newBerth()
	d.bed.sleepers = append(d.bed.sleepers, (*deskSleeper)(d))
	d.wait.desk, d.wait.bus, d.wait.bed = d, p.bus, d.bed
	d.waiter = ring.NewWaiter(&deskBell{d}, p.bus.config.Wait.policy())
	p.bus.self.SetInbox(true)
	p.asking.Store(d)
	return d, nil
}

// open makes the ring of our answers, or one in the place of a damaged one.
func (d *desk) open() error {
	b := d.post.bus
	o := ring.FileOptions{Memory: b.config.Memory, Shape: b.config.inboxShape(slotsFor(b.config.InFlight))}
	file, err := ring.OpenFile(b.inboxPath(d.post.self, repliesRing), b.host, o)
	if err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	reader, err := file.Join(ring.JoinOptions{})
	if err != nil {
		return errors.Join(fmt.Errorf("inbox: %w", err), file.Close())
	}
	d.file, d.reader, d.readers = file, reader, []*ring.Reader{reader}
	return nil
}

// close lets the ring go; nobody waits.
func (d *desk) close() {
	d.wait.release()
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.reader.Close()
	_ = d.file.Close()
}

// begin opens a call that holds so many shares, and waits for them.
func (d *desk) begin(ctx context.Context, shares int, e errand) (*call, error) {
	now, due := ring.Now(), e.until
	if e.begun == 0 {
		e.begun = now
	}
	if err := ctx.Err(); err != nil {
		return nil, e.unsent(err, lateEnded)
	}
	if due == 0 {
		due = now + timeLeft(ctx.Deadline())
	}
	if due <= now {
		return nil, e.unsent(context.DeadlineExceeded, lateEnded)
	}
	if shares > d.limit {
		return nil, &OverloadedError{What: "own inbox (Config.InFlight)", Limit: d.limit}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.offerShares() // who has told us may have had more than ours
	if d.shares < shares {
		p := &party{signal: make(chan struct{}, 1), need: shares}
		d.wanting++
		err := d.await(ctx, p)
		d.wanting--
		if err != nil {
			return nil, e.unsent(err, lateUnsent)
		}
	}
	c, err := d.take()
	if err != nil {
		return nil, err
	}
	d.shares -= shares
	c.shares, c.due, c.errand = shares, due, e
	if first := d.due.Load(); first == 0 || int64(due) < first {
		d.due.Store(int64(due))
	}
	return c, nil
}

// take makes a call of a free slot; mu is held.
func (d *desk) take() (*call, error) {
	if len(d.free) == 0 {
		if len(d.calls) == maxCalls {
			return nil, &OverloadedError{What: "table of requests whose outcome nobody has taken", Limit: maxCalls}
		}
		c := &call{slot: len(d.calls)}
		c.party.signal, c.party.call = make(chan struct{}, 1), c
		d.calls, d.free = append(d.calls, c), append(d.free, c.slot)
	}
	c := d.calls[d.free[len(d.free)-1]]
	d.free = d.free[:len(d.free)-1]
	d.serial++
	c.correlation = d.serial<<16 | uint64(c.slot)
	c.party.correlation = c.correlation
	return c, nil
}

// find returns the call of a correlation, if that is open; mu is held.
func (d *desk) find(correlation uint64) *call {
	slot := int(correlation % maxCalls)
	if slot >= len(d.calls) || d.calls[slot].correlation != correlation || d.calls[slot].settled {
		return nil
	}
	return d.calls[slot]
}

// isSent notes where a call lies, and looks for those who went while it was sent; of those
// whom a survey asks also before: they were read some time ago.
func (d *desk) isSent(c *call, at spot, uplink Address) {
	d.mu.Lock()
	c.at, c.uplink, c.sent = at, uplink, true
	gone := c.missed || c.survey != nil || c.service == nil && d.post.gone(c.target) || d.post.gone(uplink)
	d.mu.Unlock()
	if gone {
		d.review()
	}
}

// settle ends a call with its one outcome; mu is held.
func (d *desk) settle(c *call, err error) {
	c.settled, c.err = true, err
	d.returnShares(c.shares)
	c.shares = 0
	if c.done != nil {
		close(c.done)
		c.done = nil
	}
	d.tellAll(c)
}

// tellAll wakes everybody who waits for a call; mu is held.
func (d *desk) tellAll(c *call) {
	d.tell(&c.party)
	for _, p := range c.others {
		d.tell(p)
	}
}

// returnShares gives shares back, and wakes who waits for some; mu is held.
func (d *desk) returnShares(n int) {
	if d.shares += n; n > 0 {
		d.offerShares()
	}
}

// offerShares wakes one who waits for no more shares than there are. When he has his, he
// offers what is left to the next; mu is held.
func (d *desk) offerShares() {
	if d.wanting == 0 {
		return
	}
	for p := d.first; p != nil; p = p.next {
		if p.call == nil && p.need <= d.shares {
			d.tell(p)
			return
		}
	}
	if l := d.leader; l != nil && l.call == nil {
		d.stir()
	}
}

// tell wakes a party, whatever it does; mu is held.
func (d *desk) tell(p *party) {
	if p == d.leader {
		d.stir()
		return
	}
	if p.parked {
		p.post()
	}
}

func (p *party) post() {
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

// stir has who leads look at what is new besides messages.
func (d *desk) stir() {
	if !d.news.Swap(true) {
		d.bed.wake()
	}
}

// release makes a call's slot free; mu is held. What comes for it later is late.
func (d *desk) release(c *call) {
	if !c.settled {
		d.giveUp(c)
	}
	if c.stop != nil {
		c.stop()
	}
	d.tellAll(c)
	party, slot := c.party, c.slot
	*c = call{party: party, slot: slot}
	d.free = append(d.free, slot)
}

// giveUp takes a request back, or has whoever runs it stop; mu is held.
func (d *desk) giveUp(c *call) {
	_ = d.takeBack(c)
	d.settle(c, context.Canceled)
}

// deliver hands an answer to its call; who leads calls it. It reports whether p, for
// whom he leads, has what it waits for.
func (d *desk) deliver(p *party) bool {
	m := &d.message
	h, ok := readHeading(m.Block)
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.find(h.correlation)
	if !ok || c == nil || h.destination != d.post.self {
		d.late.Add(1)
		return false
	}
	leader := d.leader
	d.leader = nil // he needs no waking
	d.answer(c, m, &h)
	d.leader = leader
	return p.ready(d)
}

// answer notes one answer of a call; mu is held.
func (d *desk) answer(c *call, m *ring.Message, h *heading) {
	more := m.Flags&layout.MessageFlagMore != 0
	switch {
	case m.Kind != layout.MessageKindReply && m.Kind != layout.MessageKindError:
		d.late.Add(1)
	case c.survey != nil:
		d.surveyed(c, m, h)
	case m.Kind == layout.MessageKindError:
		if h.code == codeDeadline {
			d.overdueAt(c, h.source)
		} else if c.away == nil {
			d.settle(c, outcomeOf(h.code, m.Payload, h.source))
		} else {
			d.settle(c, c.outcomeAway(h.code, m.Payload, h.source))
		}
	case c.many:
		d.collect(c, m, h.source)
		if !more {
			d.settle(c, nil)
		}
	default:
		if c.reply == nil {
			c.reply = new(Reply)
		}
		c.reply.fill(m, h.source)
		d.settle(c, nil)
	}
}

// collect keeps an answer of several.
func (d *desk) collect(c *call, m *ring.Message, source Address) {
	r := new(Reply)
	r.fill(m, source)
	c.answers = append(c.answers, r)
	d.tell(&c.party)
}

// ready reports whether a party has what it waits for; the desk's mu is held.
func (p *party) ready(d *desk) bool {
	if p.call == nil {
		return d.shares >= p.need
	}
	return p.call.correlation != p.correlation || p.call.news()
}
