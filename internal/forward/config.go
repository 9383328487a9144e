package forward

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/shm"
)

// Limits of the forwarder.
const (
	// parkMax bounds what is parked for one topic whose ring is full, in bytes:
	// half a second at 128 MB/s.
	parkMax = 64 << 20
	// parkTotalMax bounds it for all topics together.
	parkTotalMax = 256 << 20
	// parkHigh is where the topic's owner is asked to stop, parkLow where it may go on.
	parkHigh = 4 << 20
	parkLow  = 1 << 20
	// pumpBatch is how many messages of one topic go to the engine before the
	// other topics have their turn.
	pumpBatch = 128
	// clockBytes is how much goes to the engine at one time of its clock: a lane's bucket lets out half a
	// millisecond's worth at one instant, which a turn of large messages exceeds.
	clockBytes = 16 << 10
	// LingerMax bounds Config.Linger.
	LingerMax = 50 * time.Microsecond
	// uplinkSlots is how many messages wait in the uplink, if nobody says otherwise.
	uplinkSlots = 1024
	// pumpLease is how many messages a ring lends at once.
	pumpLease = 64
)

// ErrConfig is wrapped by New where the protocol cannot work with the settings.
var ErrConfig = mcast.ErrConfig

// A Config says which domain to forward and over which network. The zero value of
// every field is its default. New copies it.
type Config struct {
	// Domain is where the rings are.
	Domain shm.Config
	// Net is the group, the interface and the fault layer. Its domain is Domain's.
	Net udp.Config
	// Seeds are addresses that other forwarders speak from, for networks where
	// multicast does not reach them; at most 256. Of each two nodes one names the
	// other. Port 0 is that of the first forwarder on its machine.
	Seeds []netip.AddrPort
	// Compression says when datagrams are compressed.
	Compression mcast.Compression
	// Window is how many bytes of sent datagrams stay repairable. Zero means 32 MiB.
	Window int
	// Rate is the most datagrams sent in a second. Zero means mcast's default.
	Rate float64
	// Linger is how long a datagram that has room may wait for more messages before it is sent,
	// at most LingerMax; the kernel's timers add some tens of microseconds. Zero, the default, sends it as soon as the rings are empty.
	Linger time.Duration
	// UplinkSlots is how many messages for other nodes may wait for the forwarder, of all
	// participants together: a power of two from 4. Zero means 1024.
	UplinkSlots int
	// UplinkSlotSize is how many bytes of a direct message or a request for another node fit
	// one slot; a longer one takes several, up to half of all. Zero means 2048.
	UplinkSlotSize int
	// Limits bound what one source may do; see there.
	Limits Limits
	// NoDirected: neither is what one node alone wants sent to it alone, nor is it taken so from others; it goes
	// to all (spec/wire.md, 15).
	NoDirected bool
	// DropNAK is a fault: every NAK of this node is thrown away below the protocol.
	DropNAK bool
	// Version is shown to other nodes.
	Version string
	// Log takes one line of what happened. Nil means nothing is said.
	Log func(format string, args ...any)

	session sessionLimits // for tests; zero is the default
	sweep   sweepTimes    // the same
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	if c.Domain.Domain == "" {
		c.Domain.Domain = "default"
	}
	c.Net.Domain = c.Domain.Domain
	if c.UplinkSlots == 0 {
		c.UplinkSlots = uplinkSlots
	}
	if c.UplinkSlotSize == 0 {
		c.UplinkSlotSize = layout.DefaultSlotPayload
	}
	if c.session.apart == 0 {
		c.session.apart = renewApart
	}
	if c.sweep == (sweepTimes{}) {
		c.sweep = sweepTimes{apart: sweepApart, quiet: quietFor, away: awayFor}
	}
	return c
}

// ParseCompression reads "paced", "always" or "never".
func ParseCompression(text string) (mcast.Compression, error) {
	switch text {
	case "paced":
		return mcast.CompressPaced, nil
	case "always":
		return mcast.CompressAlways, nil
	case "never":
		return mcast.CompressNever, nil
	}
	return 0, fmt.Errorf("compression %q: want paced, always or never", text)
}

// ParseSeed reads an IP address, with a port or without.
func ParseSeed(text string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Is4() {
		return netip.AddrPortFrom(a, 0), nil
	}
	a, err := netip.ParseAddrPort(text)
	if err != nil || !a.Addr().Is4() {
		return a, fmt.Errorf("seed %q: want an IPv4 address, or one with a port, as 10.1.2.3:29300", text)
	}
	return a, nil
}

// seeds returns the addresses with their ports: a forwarder sends from the first port
// after the group's that is free.
func (c *Config) seeds(group netip.AddrPort) []netip.AddrPort {
	list := slices.Clone(c.Seeds)
	for i, a := range list {
		if a.Port() == 0 {
			list[i] = netip.AddrPortFrom(a.Addr(), group.Port()+1)
		}
	}
	return list
}

// hostname is shown to other nodes; empty if the system has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
