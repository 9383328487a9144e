//go:build linux

package udp

import (
	"fmt"
	"math"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The descriptors that a reader sleeps on, by index.
const (
	pollSend = iota // unicast
	pollRecv        // multicast
	pollLink        // the interface changed
	pollWake
	pollCount
)

const forever = math.MaxInt64

// readState belongs to the reading goroutine (readMu).
type readState struct {
	start time.Time // the zero of all times in here, monotonic
	fds   [pollCount]unix.PollFd
	drops [2]dropCounter // by pollSend, pollRecv
	busy  bool           // the last look brought much, and all: the next one may come a little later
	more  bool           // the last look left something

	slumber slumber
	slept   int64 // when the last sleep began
	hot     int   // how many sleeps followed each other closely
	yielded int64 // when a hot reader gave way last
	calmed  bool  // the last sleep was a slumber
}

const (
	// restBatch is how many datagrams in one look make a rest worth it, rest how long
	// that is. While nobody sleeps on a socket the kernel wakes nobody for each datagram, which
	// costs it more than all else that it does for one; and they come in batches then. A look
	// that found more than it had room for is followed by the next at once: otherwise so many datagrams in
	// a rest would be all that a node can receive (doc/decisions/340).
	restBatch = 4
	rest      = 50 * time.Microsecond
)

func (r *readState) init(c *Conn) error {
	r.start = time.Now()
	r.fds[pollSend] = unix.PollFd{Fd: int32(c.sendFD), Events: unix.POLLIN}
	r.fds[pollRecv] = unix.PollFd{Fd: int32(c.recvFD), Events: unix.POLLIN}
	r.fds[pollLink] = unix.PollFd{Fd: int32(c.link.fd), Events: unix.POLLIN}
	r.fds[pollWake] = unix.PollFd{Fd: int32(c.waker.fd), Events: unix.POLLIN}
	return r.slumber.open(r.fds[:])
}

// A dropCounter widens the kernel's 32-bit count of one socket.
type dropCounter struct {
	last  uint32
	total uint64
}

func (d *dropCounter) update(v uint32) (moved uint64) {
	diff := v - d.last
	if int32(diff) <= 0 {
		return 0 // as it was
	}
	d.last = v
	d.total += uint64(diff)
	return uint64(diff)
}

// now is the time since Open in ns. It doesn't allocate.
func (c *Conn) now() int64 { return int64(time.Since(c.read.start)) }

// ReadBatch receives what is there on both sockets into b and returns how many
// datagrams b now holds. When nothing is there it sleeps until something comes,
// wait has passed, or Wake is called; in the last two cases it returns 0 and no error. A
// Wake before the call counts. wait 0 never sleeps; a negative one has no end.
//
// It returns ErrClosed once the Conn is closed. Any other error is the
// system's and may pass; b then holds what came before it. ReadBatch blocks at
// most for wait, costs two system calls or three, and doesn't allocate.
func (c *Conn) ReadBatch(b *Batch, wait time.Duration) (int, error) {
	if b.conn != c {
		return 0, errForeignBatch
	}
	c.readMu.Lock()
	defer c.readMu.Unlock()
	b.datagrams = b.datagrams[:0]
	end := int64(forever)
	if wait >= 0 {
		end = c.now() + int64(wait)
	}
	for {
		if c.closed.Load() {
			return 0, ErrClosed
		}
		if err := c.pause(end, wait == 0); err != nil {
			return 0, err
		}
		err := c.receive(b)
		c.read.busy = len(b.datagrams) >= restBatch && !c.read.more && !c.read.calmed
		c.applyFaults(b)
		c.hearHost(b.datagrams)
		woken := c.waker.takeWoken()
		if c.closed.Load() {
			return 0, ErrClosed
		}
		if len(b.datagrams) > 0 || woken || err != nil || c.now() >= end {
			return len(b.datagrams), err
		}
	}
}

var errForeignBatch = &ConfigError{"Batch", "made by another Conn, whose buffers may be smaller"}

// pause sleeps until there is something to receive or time is up, and rests before
// where much came the last time.
func (c *Conn) pause(end int64, poll bool) error {
	if c.read.busy && !poll {
		c.read.busy = false
		if err := c.sleep(min(c.sleepEnd(end), c.now()+int64(rest)), false, pollWake); err != nil {
			return err
		}
	}
	return c.sleep(c.sleepEnd(end), poll, pollSend)
}

// sleepEnd is end, or an earlier time at which the fault layer has something to do.
func (c *Conn) sleepEnd(end int64) int64 {
	if c.rxFault != nil {
		end = min(end, c.rxFault.next.Load())
	}
	if c.txFault != nil {
		end = min(end, c.txFault.next.Load())
	}
	return end
}

// sleep waits until a descriptor from the given one on is readable, or the time is end.
// The results are in read.fds.
func (c *Conn) sleep(end int64, poll bool, from int) error {
	for i := range c.read.fds {
		c.read.fds[i].Revents = 0
	}
	if err := c.sleepIn(end, poll, from); err != nil {
		return err
	}
	if c.read.fds[pollWake].Revents != 0 {
		c.waker.drain()
	}
	if c.read.fds[pollLink].Revents != 0 {
		c.relink()
	}
	return nil
}

// sleepIn chooses how to sleep.
func (c *Conn) sleepIn(end int64, poll bool, from int) error {
	c.read.calmed = false
	if poll {
		return c.doze(0, from)
	}
	c.waker.sleeping.Store(true)
	defer c.waker.sleeping.Store(false)
	now := c.now()
	wait := int64(-1)
	if end != forever {
		wait = max(0, end-now)
	}
	switch {
	case c.waker.woken.Load(): // just look
		return c.doze(0, from)
	case from == pollSend && c.read.calm(now, end) && c.idle.Load():
		c.read.calmed = true
		return c.read.slumber.sleep(wait, c.read.fds[:])
	}
	if c.read.hot == hotSleeps {
		if err := c.read.stayHot(now); err != nil {
			return err
		}
	}
	return c.doze(wait, from)
}

// yieldEvery is how often a goroutine that sleeps again and again gives way before it does: Go's monitor takes the processor from
// one that has not changed its goroutine for 10 ms, at its next sleep (doc/decisions/331).
const yieldEvery = int64(5 * time.Millisecond)

// stayHot makes the sleeps of a reader to whom much comes cheap.
func (r *readState) stayHot(now int64) error {
	if now-r.yielded >= yieldEvery {
		r.yielded = now
		runtime.Gosched()
	}
	return r.slumber.hush(true, r.fds[:])
}

// doze sleeps in a call of its own; negative: without end.
func (c *Conn) doze(wait int64, from int) error {
	var limit *unix.Timespec
	if wait >= 0 {
		ts := unix.NsecToTimespec(wait)
		limit = &ts
	}
	if _, err := unix.Ppoll(c.read.fds[from:], limit, nil); err != nil && err != unix.EINTR {
		return fmt.Errorf("udp: wait for datagrams: %w", err)
	}
	return nil
}

// receive takes what the readable sockets hold, up to the batch's size: first
// unicast, which is little and urgent, but never more than a quarter while
// multicast waits, too.
func (c *Conn) receive(b *Batch) error {
	slots, next := len(b.hdrs), 0
	c.read.more = false
	var first error
	if c.read.fds[pollSend].Revents != 0 {
		most := slots
		if c.read.fds[pollRecv].Revents != 0 {
			most = max(1, slots/4)
		}
		next, first = c.receiveFrom(b, pollSend, 0, min(most, slots))
	}
	if c.read.fds[pollRecv].Revents != 0 && next < slots {
		if _, err := c.receiveFrom(b, pollRecv, next, slots); err != nil {
			first = err
		}
	}
	return first
}

// receiveFrom takes datagrams of one socket into the headers from..to and
// returns the first header it left.
func (c *Conn) receiveFrom(b *Batch, which, from, to int) (int, error) {
	fd := int(c.read.fds[which].Fd)
	n, errno := recvmmsg(fd, b.arm(from, to), c.read.calmed)
	for errno == unix.EINTR {
		n, errno = recvmmsg(fd, b.arm(from, to), c.read.calmed)
	}
	switch errno {
	case 0:
	case unix.EAGAIN, unix.ECONNREFUSED: // nothing there; nobody listened to an earlier one
		return from, nil
	default:
		c.counters.ReceiveErrors.Add(1)
		return from, receiveError(which, errno)
	}
	c.counters.ReceiveCalls.Add(1)
	c.read.more = c.read.more || n == to-from
	c.unpack(b, which, from, from+n)
	return from + n, nil
}

func receiveError(which int, errno syscall.Errno) error {
	name := "the send socket"
	if which == pollRecv {
		name = "the group's socket"
	}
	return fmt.Errorf("udp: receive from %s: %w", name, errno)
}

// unpack turns the filled headers from..to into datagrams and counts them.
func (c *Conn) unpack(b *Batch, which, from, to int) {
	var bytes, own, truncated, joined uint64
	before := len(b.datagrams)
	drops, local := &c.read.drops[which], c.LocalAddr()
	for i := from; i < to; i++ {
		h := &b.hdrs[i]
		info := parseControl(b.controlOf(i))
		if info.hasDrops {
			c.counters.KernelDrops.Add(drops.update(info.drops))
		}
		if h.hdr.Flags&unix.MSG_TRUNC != 0 {
			truncated++
			continue
		}
		d := Datagram{Bytes: b.bytesOf(i, int(h.n)), From: addrOf(b.nameOf(i)),
			Drops: drops.total, Multicast: which == pollRecv}
		d.Own = d.From == local
		n := b.split(d, info.segment)
		bytes += uint64(h.n)
		if d.Own {
			own += uint64(n)
		}
		if n > 1 {
			joined += uint64(n)
		}
	}
	c.countReceived(which, uint64(len(b.datagrams)-before), bytes, own, truncated, joined)
}

func (c *Conn) countReceived(which int, n, bytes, own, truncated, joined uint64) {
	k := &c.counters
	k.ReceivedDatagrams.Add(n)
	k.ReceivedBytes.Add(bytes)
	if which == pollSend {
		k.ReceivedUnicast.Add(n)
	}
	k.ReceivedOwn.Add(own)
	k.Truncated.Add(truncated)
	k.Joined.Add(joined)
}
