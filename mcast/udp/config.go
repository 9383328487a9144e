//go:build linux

package udp

import (
	"net/netip"
	"strconv"
)

// Limits and defaults of a Conn.
const (
	// DefaultPayload is the largest datagram sent by default: a 1500-byte
	// Ethernet frame less IP, UDP and what a tunnel or a VLAN commonly takes.
	DefaultPayload = 1408

	// JumboPayload is what a jumbo frame of 9000 bytes carries, with the same to spare.
	JumboPayload = 8932

	// LoopbackPayload is the default on a loopback interface: no switch is in between.
	LoopbackPayload = JumboPayload

	// MaxPayload is the largest UDP payload that IPv4 can carry.
	MaxPayload = 65507

	// MinPayload is the smallest that may be configured: what any IPv4 host must
	// accept (576 bytes) less the largest IP header and UDP's.
	MinPayload = 508

	// SendPorts is how many ports after the group's are tried for the send
	// socket, hence how many forwarders share a host, an interface and a port.
	SendPorts = 16

	// multicastTTL keeps multicast on its own network.
	multicastTTL = 1

	// headers of IPv4 (without options) and UDP.
	ipUDPHeader = 28

	defaultReceiveBuffer = 16 << 20 // 16 ms of 10 Gb/s with the kernel's overhead
	defaultSendBuffer    = 4 << 20
	minBuffer            = 64 << 10
	maxBuffer            = 1 << 30

	defaultBatch = 64
	minBatch     = 4 // unicast gets a quarter
	maxBatch     = 1024
)

// A Config says where and how a Conn sends and receives. The zero value, and a
// nil pointer, is a working configuration: default domain, interface by rule. Open copies it.
type Config struct {
	// Interface is the name of the interface, or its IPv4 address. Empty: by
	// the rule stated at Choose.
	Interface string

	// Domain is the name from which group and port are computed; see GroupOf.
	// It is ignored when Group is set.
	Domain string

	// Group is the multicast address and port. The zero value: GroupOf(Domain).
	// The SendPorts ports after it are used, too.
	Group netip.AddrPort

	// MTU is the largest datagram in bytes of UDP payload that will be sent,
	// MinPayload to what the interface carries. 0: PayloadFor(interface), or JumboPayload,
	// as far as it fits, on an interface of an MTU above that of Ethernet. How much of it
	// may be sent without a look at what others receive is what Conn.SurePayload says.
	MTU int

	// ReceiveBuffer is the wanted size of the receive socket's buffer in bytes,
	// 64 KiB to 1 GiB. 0: 16 MiB. Without CAP_NET_ADMIN the kernel grants at most
	// net.core.rmem_max; Conn.Buffers tells what was obtained.
	ReceiveBuffer int

	// SendBuffer is the wanted size of the send socket's buffer in bytes, 64 KiB
	// to 1 GiB. 0: 4 MiB.
	SendBuffer int

	// Batch is how many kernel datagrams one ReadBatch takes at most, 4 to 1024.
	// 0: 64.
	Batch int

	// MaxDatagram is the largest datagram received, in bytes, when GRO is off:
	// longer ones are counted as truncated and dropped. 0: 9216, more than a jumbo
	// frame carries, or MTU if that is larger. With GRO every datagram fits.
	MaxDatagram int

	// Segmentation says whether equal-sized datagrams are joined and split in
	// the kernel.
	Segmentation Segmentation

	// Fault is what the fault layer does. The zero value: nothing.
	Fault FaultConfig

	// Dropped, if set, is called with each datagram that the fault layer loses,
	// by the goroutine that reads or writes; the bytes are lent.
	Dropped func(datagram []byte)

	// Notice, if set, is called with one line when the interface goes down, comes back
	// or gets another address, by the goroutine that reads.
	Notice func(line string)

	sure int // bytes of a datagram that every network carries
}

// Segmentation is the use of UDP_SEGMENT and UDP_GRO.
type Segmentation uint8

const (
	// SegmentationAuto joins what a measurement showed to be worth it, and stops
	// when the kernel refuses.
	SegmentationAuto Segmentation = iota
	// SegmentationOff neither joins nor lets the kernel hand over joined datagrams.
	SegmentationOff
)

// defaultMaxDatagram is more than the payload of any Ethernet frame.
const defaultMaxDatagram = 9216

// A ConfigError says which field of a Config can't be used, and why.
type ConfigError struct {
	Field  string
	Reason string
}

// Error names the field and the reason.
func (e *ConfigError) Error() string { return "udp: " + e.Field + ": " + e.Reason }

// validate checks what can be checked without looking at the host.
func (c *Config) validate() error {
	if c.Group.IsValid() {
		if reason := invalidGroup(c.Group); reason != "" {
			return &ConfigError{"Group", c.Group.String() + " " + reason}
		}
	}
	for _, r := range []struct {
		field    string
		value    int
		min, max int
	}{
		{"MTU", c.MTU, MinPayload, MaxPayload},
		{"ReceiveBuffer", c.ReceiveBuffer, minBuffer, maxBuffer},
		{"SendBuffer", c.SendBuffer, minBuffer, maxBuffer},
		{"Batch", c.Batch, minBatch, maxBatch},
		{"MaxDatagram", c.MaxDatagram, MinPayload, MaxPayload},
	} {
		if r.value != 0 && (r.value < r.min || r.value > r.max) {
			return &ConfigError{r.field, strconv.Itoa(r.value) + " is not in " +
				strconv.Itoa(r.min) + ".." + strconv.Itoa(r.max) + " (0: the default)"}
		}
	}
	if c.Segmentation > SegmentationOff {
		return &ConfigError{"Segmentation", "unknown value " + strconv.Itoa(int(c.Segmentation))}
	}
	return c.Fault.validate()
}

// withDefaults returns a copy with the defaults that don't depend on the host.
func (c *Config) withDefaults() Config {
	d := *c
	if !d.Group.IsValid() {
		d.Group = GroupOf(d.Domain)
	}
	d.ReceiveBuffer = orDefault(d.ReceiveBuffer, defaultReceiveBuffer)
	d.SendBuffer = orDefault(d.SendBuffer, defaultSendBuffer)
	d.Batch = orDefault(d.Batch, defaultBatch)
	return d
}

// forInterface fills in and checks what depends on the interface.
func (c *Config) forInterface(ch *Choice) error {
	sure := payloadFor(ch.MTU, ch.Loopback)
	c.MTU = orDefault(c.MTU, max(sure, jumboFor(ch.MTU, ch.Loopback)))
	if most := largestPayload(ch.MTU); c.MTU > most {
		return &ConfigError{"MTU", strconv.Itoa(c.MTU) + " bytes of payload don't fit interface " +
			ch.Name + ", whose MTU of " + strconv.Itoa(ch.MTU) + " carries " + strconv.Itoa(most) +
			": lower it, or raise the interface's MTU on all nodes"}
	}
	c.sure = min(sure, c.MTU)
	if ch.Loopback {
		c.sure = c.MTU
	}
	c.MaxDatagram = orDefault(c.MaxDatagram, max(defaultMaxDatagram, c.MTU))
	return nil
}

func orDefault(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}
