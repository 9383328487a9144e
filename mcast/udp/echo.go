//go:build linux

package udp

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// echoSpan is for how long the other forwarders of this host may be silent before
// multicast is no longer looped back for them. They speak every 200 ms.
const echoSpan = 2 * time.Second

// echo decides whether the kernel loops this Conn's multicast back to its own host.
// Other forwarders there need it; without them it only wakes the reader for its own
// datagrams, and copies all of them once more. It begins looped: the first words of
// a Conn reach everybody, and whoever is here already answers to them, or speaks
// himself. From then on a datagram of the host's own turns it on at once.
//
// On a loopback interface it is the interface itself that brings datagrams back.
type echo struct {
	loopback bool
	here     []netip.Addr // the host's addresses on the interface
	heard    int64        // when the host's others were last heard; the reading goroutine's
	on       atomic.Bool
}

func (e *echo) init(ch *Choice) {
	e.loopback, e.here = ch.Loopback, ch.addrs
	e.on.Store(true)
}

// hearHost looks among what came for datagrams of this host's other forwarders, and
// turns the loop on or off.
func (c *Conn) hearHost(datagrams []Datagram) {
	e := &c.echo
	if e.loopback {
		return
	}
	for i := range datagrams {
		if d := &datagrams[i]; !d.Own && slices.Contains(e.here, d.From.Addr()) {
			e.heard = c.now()
			c.setEcho(true)
			return
		}
	}
	if e.on.Load() && c.now()-e.heard > int64(echoSpan) {
		c.setEcho(false)
	}
}

// setEcho changes the socket. Where the kernel refuses, it stays as it was.
func (c *Conn) setEcho(on bool) {
	if c.echo.on.Load() == on {
		return
	}
	value := 0
	if on {
		value = 1
	}
	if unix.SetsockoptInt(c.outFD, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, value) == nil {
		c.echo.on.Store(on)
	}
}
