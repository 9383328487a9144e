//go:build linux

package udp

import (
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sendHeaders and sendPieces bound one system call.
	sendHeaders = 64
	sendPieces  = 1024 // the kernel's limit is on headers; these are ours

	// sendWaits bounds the waits for room in one write, sendWait each of them.
	// Together 10 ms: more would stop the loop that also receives.
	sendWaits = 10
	sendWait  = time.Millisecond

	// noBufferWait is the pause when the kernel is short of memory, which no poll
	// can wait for.
	noBufferWait = 100 * time.Microsecond
)

// writeState belongs to the writing goroutine (writeMu).
type writeState struct {
	join    atomic.Bool // UDP_SEGMENT is in use
	to      netip.AddrPort
	name    sockaddr
	hdrs    [sendHeaders]mmsghdr
	runs    [sendHeaders]int // datagrams behind each header
	pieces  [sendPieces]unix.Iovec
	control []byte
	scratch [][]byte // what the fault layer lets through
	poll    [1]unix.PollFd
	last    *SendError // so that an error that persists isn't allocated again

	// give is sendmmsg; loopback never refuses, so tests put a sterner one here.
	give func(fd int, h []mmsghdr) (int, syscall.Errno)
}

func (w *writeState) init(join bool) {
	w.join.Store(join)
	w.give = sendmmsg
	w.control = make([]byte, sendHeaders*controlSize)
	for i := range w.hdrs {
		h := &w.hdrs[i].hdr
		h.Name = &w.name[0]
		h.Namelen = uint32(len(w.name))
	}
}

// address makes to the destination of what is sent next.
func (w *writeState) address(to netip.AddrPort) {
	w.to, w.name = to, rawAddr(to)
}

// Segmenting says whether runs of equal-sized datagrams are joined for the
// kernel: it becomes false when the kernel refuses.
func (c *Conn) Segmenting() bool { return c.write.join.Load() }

// WriteMulticast sends the datagrams to the group, in order, and returns how
// many the kernel took. It takes as few system calls as it can and doesn't
// allocate; the bytes aren't used after it returns.
//
// When the send buffer stays full for 10 ms the rest is dropped and counted, with
// no error: the protocol repairs losses. A *SendError says that the kernel
// refused datagrams for another reason, for example that the interface went down
// (unix.ENETUNREACH) or that one is longer than the interface carries
// (unix.EMSGSIZE); these are counted, too. ErrClosed after Close.
func (c *Conn) WriteMulticast(datagrams [][]byte) (int, error) {
	return c.writeTo(c.cfg.Group, datagrams)
}

// WriteTo sends the datagrams to one address, which must be IPv4, like
// WriteMulticast in all else. That nobody listens there is no error.
func (c *Conn) WriteTo(to netip.AddrPort, datagrams [][]byte) (int, error) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if !to.Addr().Is4() || to.Port() == 0 {
		c.counters.SendErrors.Add(uint64(len(datagrams)))
		return 0, &SendError{to, unix.EAFNOSUPPORT}
	}
	return c.writeTo(to, datagrams)
}

func (c *Conn) writeTo(to netip.AddrPort, datagrams [][]byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closed.Load() {
		return 0, ErrClosed
	}
	c.write.address(to)
	if c.txFault != nil {
		return c.writeFaulty(datagrams)
	}
	return c.send(datagrams)
}

// send gives the datagrams to the kernel, to the address set before.
func (c *Conn) send(datagrams [][]byte) (sent int, err error) {
	waits, refused := 0, false
	for len(datagrams) > 0 {
		n, errno := c.write.give(c.outFD, c.fill(datagrams))
		if errno == 0 {
			k := c.countSent(datagrams, n)
			sent += k
			datagrams = datagrams[k:]
			continue
		}
		switch {
		case errno == unix.EINTR:
		case errno == unix.EAGAIN || errno == unix.ENOBUFS || errno == unix.ENOMEM:
			if waits++; waits > sendWaits {
				c.counters.SendDropped.Add(uint64(len(datagrams)))
				return sent, err
			}
			c.waitForRoom(errno)
		case c.write.runs[0] > 1 && refusesJoined(errno):
			c.write.join.Store(false)
		case errno == unix.ECONNREFUSED && !refused:
			refused = true // news of an earlier datagram; this one wasn't looked at
		case errno == unix.EMSGSIZE || errno == unix.ECONNREFUSED:
			datagrams = c.refuse(datagrams, 1)
			err = c.sendError(errno, err)
		default: // it would befall the others, too
			datagrams = c.refuse(datagrams, len(datagrams))
			err = c.sendError(errno, err)
		}
	}
	return sent, err
}

// fill readies headers for as many of the datagrams as fit, in order.
func (c *Conn) fill(datagrams [][]byte) []mmsghdr {
	w := &c.write
	join := w.join.Load()
	k, pieces := 0, w.pieces[:]
	for k < len(w.hdrs) && len(datagrams) > 0 && len(pieces) > 0 {
		run := 1
		if join {
			run = runLength(datagrams, min(maxSegments, len(pieces)))
		}
		for i, d := range datagrams[:run] {
			pieces[i].Base = nil
			if len(d) > 0 {
				pieces[i].Base = &d[0]
			}
			pieces[i].SetLen(len(d))
		}
		h := &w.hdrs[k].hdr
		h.Iov = &pieces[0]
		h.SetIovlen(run)
		h.Control = nil
		h.SetControllen(0)
		if run > 1 {
			ctl := w.control[k*controlSize:][:controlSize]
			h.Control = &ctl[0]
			h.SetControllen(putSegmentControl(ctl, len(datagrams[0])))
		}
		w.runs[k] = run
		k++
		pieces, datagrams = pieces[run:], datagrams[run:]
	}
	return w.hdrs[:k]
}

// countSent counts the datagrams behind the first n headers.
func (c *Conn) countSent(datagrams [][]byte, n int) int {
	var k, bytes, joined int
	for _, run := range c.write.runs[:n] {
		for _, d := range datagrams[k : k+run] {
			bytes += len(d)
		}
		k += run
		if run > 1 {
			joined += run
		}
	}
	c.counters.SendCalls.Add(1)
	c.counters.SentDatagrams.Add(uint64(k))
	c.counters.SentBytes.Add(uint64(bytes))
	c.counters.Segmented.Add(uint64(joined))
	return k
}

// refusesJoined says that the error of a joined datagram may be due to that:
// EIO comes from an interface without checksums, the rest from kernels or routes without UDP_SEGMENT.
func refusesJoined(errno syscall.Errno) bool {
	switch errno {
	case unix.EIO, unix.EINVAL, unix.EMSGSIZE, unix.EOPNOTSUPP, unix.ENOPROTOOPT:
		return true
	}
	return false
}

// refuse counts the first n as refused and returns the rest.
func (c *Conn) refuse(datagrams [][]byte, n int) [][]byte {
	c.counters.SendErrors.Add(uint64(n))
	return datagrams[n:]
}

// sendError is the error to return: the first of a call, made once for a
// destination and number.
func (c *Conn) sendError(errno syscall.Errno, first error) error {
	if first != nil || errno == unix.ECONNREFUSED {
		return first
	}
	w := &c.write
	if w.last == nil || w.last.To != w.to || w.last.Err != errno {
		w.last = &SendError{w.to, errno}
	}
	return w.last
}

// waitForRoom sleeps until the send buffer has room, or a moment.
func (c *Conn) waitForRoom(errno syscall.Errno) {
	c.counters.SendRetries.Add(1)
	w := &c.write
	limit := sendWait
	w.poll[0] = unix.PollFd{Fd: int32(c.outFD), Events: unix.POLLOUT}
	if errno != unix.EAGAIN {
		limit = noBufferWait
		w.poll[0].Fd = -1 // poll would return at once
	}
	ts := unix.NsecToTimespec(int64(limit))
	_, _ = unix.Ppoll(w.poll[:], &ts, nil) // however it ends, sending is tried again
}
