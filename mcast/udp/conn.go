//go:build linux

package udp

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A Conn sends and receives the datagrams of one domain on one interface.
//
// One goroutine may read and one may write at a time; all other methods may be
// used by any number of goroutines, Close and Wake in particular.
type Conn struct {
	// Immutable after Open.
	cfg     Config
	choice  Choice
	buffers Buffers
	group   sockaddr
	gro     bool
	slot    int // bytes of one receive buffer
	recvFD  int
	sendFD  int         // unicast comes here
	outFD   int         // everything leaves here
	rxFault *faultLayer // nil: no faults on this side
	txFault *faultLayer
	echo    echo
	link    link
	local   atomic.Pointer[netip.AddrPort] // changes with the interface's address

	// readMu and writeMu are held for the length of a call, so that Close knows
	// when nobody uses the descriptors any more.
	readMu  sync.Mutex
	read    readState
	writeMu sync.Mutex
	write   writeState
	closed  atomic.Bool
	idle    atomic.Bool // see SetIdle
	waker   waker

	counters Counters
}

// Buffers are the sizes of the sockets' buffers in bytes, wanted and obtained.
type Buffers struct {
	ReceiveWanted, Receive int
	SendWanted, Send       int
}

// Counted is how many bytes the kernel lets datagrams count against the receive buffer: each
// counts some 1000 more than it holds.
func (b Buffers) Counted() int { return 2 * b.Receive }

// Short says what to do when the kernel granted less than was wanted; empty
// when it didn't.
func (b Buffers) Short() string {
	s := ""
	if b.Receive < b.ReceiveWanted {
		s = fmt.Sprintf("the receive buffer is %d bytes, not %d: sysctl -w net.core.rmem_max=%d",
			b.Receive, b.ReceiveWanted, b.ReceiveWanted)
	}
	if b.Send < b.SendWanted {
		if s != "" {
			s += "; "
		}
		s += fmt.Sprintf("the send buffer is %d bytes, not %d: sysctl -w net.core.wmem_max=%d",
			b.Send, b.SendWanted, b.SendWanted)
	}
	return s
}

// Open opens the sockets of a Conn. cfg may be nil. The error is a
// *ConfigError, *InterfaceError, *PortsError, or wraps the system's. Open makes
// system calls and allocates; it doesn't wait for anything on the network.
func Open(cfg *Config) (*Conn, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	choice, err := Choose(cfg)
	if err != nil {
		return nil, err
	}
	c := &Conn{cfg: cfg.withDefaults(), choice: choice, recvFD: -1, sendFD: -1, outFD: -1}
	c.waker.fd, c.link = -1, link{fd: -1, index: choice.Index, addr: choice.Addr}
	if err := c.cfg.forInterface(&c.choice); err != nil {
		return nil, err
	}
	if err := c.openAll(); err != nil {
		c.closeAll()
		return nil, err
	}
	return c, nil
}

func (c *Conn) openAll() (err error) {
	var local netip.AddrPort
	if c.link.fd, err = openWatch(); err != nil {
		return err
	}
	if c.sendFD, local, err = openSend(&c.cfg, &c.choice); err != nil {
		return err
	}
	c.local.Store(&local)
	if c.outFD, err = openOut(&c.cfg, &c.choice, c.sendFD, local); err != nil {
		return err
	}
	if c.recvFD, err = openReceive(&c.cfg, &c.choice); err != nil {
		return err
	}
	if c.waker.fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("udp: wake descriptor: %w", err)
	}
	c.buffers = Buffers{
		ReceiveWanted: c.cfg.ReceiveBuffer, Receive: min(growReceive(c.recvFD, c.cfg.ReceiveBuffer), growReceive(c.sendFD, c.cfg.ReceiveBuffer)),
		SendWanted: c.cfg.SendBuffer, Send: growSend(c.outFD, c.cfg.SendBuffer),
	}
	joined := c.cfg.Segmentation == SegmentationAuto
	// Both or none: the size of the buffers depends on it.
	c.gro = joined && acceptJoined(c.recvFD) && acceptJoined(c.sendFD)
	c.slot = c.cfg.MaxDatagram
	if c.gro {
		c.slot = maxKernelDatagram
	}
	c.group = rawAddr(c.cfg.Group)
	c.echo.init(&c.choice)
	c.write.init(joined)
	c.rxFault = newFaultLayer(&c.cfg.Fault, SideReceive, &c.counters.FaultReceive)
	c.txFault = newFaultLayer(&c.cfg.Fault, SideSend, &c.counters.FaultSend)
	for _, f := range []*faultLayer{c.rxFault, c.txFault} {
		if f != nil {
			f.dropped = c.cfg.Dropped
		}
	}
	return c.read.init(c)
}

// Close leaves the group and closes the sockets. Calls under way return
// ErrClosed, a blocked ReadBatch at once; Close waits for them. Datagrams that the
// fault layer holds are dropped. A second Close returns ErrClosed.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return ErrClosed
	}
	c.waker.shut()
	c.readMu.Lock()
	defer c.readMu.Unlock()
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	c.closeAll()
	return nil
}

func (c *Conn) closeAll() {
	c.read.slumber.close()
	c.waker.close()
	for _, fd := range []*int{&c.recvFD, &c.sendFD, &c.outFD, &c.link.fd} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// Wake makes a ReadBatch that waits, or else the next one, return without
// waiting. It may be used by any goroutine, also after Close. It costs a system
// call only when a reader sleeps and nobody has woken it yet; it doesn't allocate.
func (c *Conn) Wake() { c.waker.wake() }

// LocalAddr is the address of the send socket: what the others see as the
// source, and where unicast for this Conn goes. It changes when the interface gets
// another address.
func (c *Conn) LocalAddr() netip.AddrPort { return *c.local.Load() }

// Group is the multicast address and port.
func (c *Conn) Group() netip.AddrPort { return c.cfg.Group }

// Interface is the interface in use as it was when the Conn was opened, with the
// reason for it.
func (c *Conn) Interface() Choice { return c.choice }

// MTU is the largest datagram that will be sent, in bytes of UDP payload.
func (c *Conn) MTU() int { return c.cfg.MTU }

// SurePayload is the largest datagram, in bytes of UDP payload, of which nobody has to show that he
// receives it: MTU, or less where what is beyond the interface may carry less.
func (c *Conn) SurePayload() int { return c.cfg.sure }

// Buffers are the sizes of the socket buffers.
func (c *Conn) Buffers() Buffers { return c.buffers }

// Fault is the configuration of the fault layer.
func (c *Conn) Fault() FaultConfig { return c.cfg.Fault }

// Counters are the Conn's live counters. They stay readable after Close.
func (c *Conn) Counters() *Counters { return &c.counters }
