package forward

import (
	"context"
	"errors"
	"time"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/udp"
)

// savePeriod bounds how old the places are that a successor finds. An older place
// costs repairs of what is thrown away, never a message: the streams' own
// sequences say what was delivered.
const savePeriod = 5 * mcast.Millisecond

// netLoop sleeps on the sockets and on the engine's timers.
func (f *Forwarder) netLoop(ctx context.Context) error {
	guardFaults()
	batch := f.conn.NewBatch()
	for ctx.Err() == nil {
		_, err := f.conn.ReadBatch(batch, f.untilTimer())
		if errors.Is(err, udp.ErrClosed) {
			return err
		}
		if err != nil {
			f.counters.netErrors.Add(1)
			time.Sleep(time.Millisecond) // an interface that is down answers at once
		}
		if err := f.receive(batch.Datagrams()); err != nil {
			return err
		}
		if f.lookDue() {
			f.look()
		}
	}
	return nil
}

// untilTimer is how long the network loop may sleep.
func (f *Forwarder) untilTimer() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := min(f.engine.NextTimer(), mcast.Time(f.dir.roster.Next()))
	f.conn.SetIdle(f.resting)
	if f.watching != f.resting {
		f.watching, f.looked = f.resting, f.now()
	}
	if f.watching {
		next = min(next, f.looked+lookApart)
	}
	if f.renewal.holds() {
		next = min(next, f.renewal.until)
	}
	f.deadline.Store(int64(next))
	if next == mcast.Never {
		return time.Second
	}
	return time.Duration(max(0, next-f.now()))
}

// receive hands datagrams to the engine and runs its timers.
func (f *Forwarder) receive(datagrams []udp.Datagram) error {
	f.waiting.Store(true)
	f.mu.Lock()
	f.waiting.Store(false)
	defer f.unlock()
	now := f.now()
	for i := range datagrams {
		d := &datagrams[i]
		f.noteDrops(now, d)
		if !d.Own {
			f.engine.Receive(now, d.Bytes, d.From, d.Multicast)
		}
	}
	f.engine.Tick(now)
	f.direct.flush()
	f.tellDirectory(now)
	f.noteMoves()
	if !f.lingered {
		f.engine.Flush(now)
	}
	if now-f.saved >= savePeriod {
		f.savePlaces()
		f.saved = now
	}
	if f.stale != 0 {
		f.goAbove()
	}
	return f.tickRenewal(now)
}

// noteDrops tells the engine that the kernel dropped datagrams of ours, so that
// it asks for them without back-off.
func (f *Forwarder) noteDrops(now mcast.Time, d *udp.Datagram) {
	seen := &f.drops[0]
	if d.Multicast {
		seen = &f.drops[1]
	}
	if d.Drops > *seen {
		f.engine.LocalLoss(now, uint32(d.Drops-*seen))
		*seen = d.Drops
	}
}

// newSession starts again above a session that others have seen of this node.
func (f *Forwarder) newSession() error {
	f.cfg.Log("others know session %d of this node: starting above it", f.stale)
	f.overtaken.Again(f.now())
	return f.beginAbove(f.stale)
}

// beginAbove ends the session and begins one above another. Topics that are forwarded go on where they stand, once those
// that are here have said what they want.
func (f *Forwarder) beginAbove(seen uint64) error {
	f.savePlaces()
	awaited := map[uint32]bool{}
	for peer := range f.peers {
		awaited[peer.Node()] = true
	}
	f.engine.Close(f.now())
	session := f.seat.RaiseSession(seen)
	f.stale, f.told, f.renewal.asked = 0, false, false
	for _, in := range f.in {
		in.remote = nil
	}
	if err := f.newEngine(session); err != nil {
		return err
	}
	f.carryOver()
	f.resume()
	f.tellWants(interests{wanted: f.wanted, histories: f.histories})
	f.engine.Start(f.now())
	f.renewal.awaited, f.renewal.until = awaited, f.now()+returnPatience
	f.wantRescan()
	return nil
}

// kick makes the network loop look at the timers again if the engine now needs
// it earlier than it would wake.
func (f *Forwarder) kick() {
	if next := int64(min(f.engine.NextTimer(), mcast.Time(f.dir.roster.Next()))); next < f.deadline.Load() {
		f.deadline.Store(next)
		f.conn.Wake()
	}
}
