//go:build linux

package udp

import (
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// The kernel forgets that a socket is in a group when the interface loses its last
// address or is made anew, and a socket bound to an address that has gone sends nothing.
// So the kernel is asked, by a netlink socket, to say when interfaces or addresses
// change; then the interface of the same name is looked at again, and the sockets are
// mended: nobody has to start a forwarder again because a cable was pulled.

// openWatch opens the socket that is readable when an interface or an address changed.
func openWatch() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, fmt.Errorf("udp: watch interfaces: %w", err)
	}
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("udp: watch interfaces: %w", err)
	}
	return fd, nil
}

// link is what a Conn knows of its interface; the reading goroutine's, after Open.
type link struct {
	fd    int // the netlink socket
	index int
	addr  netip.Addr
	lost  string // why nothing can be sent or received, or nothing
}

// relink looks at the interface again after something changed. It is the reading
// goroutine's.
func (c *Conn) relink() {
	var b [512]byte // what changed is looked up, not read
	for err := error(nil); err == nil || err == unix.EINTR || err == unix.ENOBUFS; {
		_, err = unix.Read(c.link.fd, b[:])
	}
	have, err := candidates()
	if err != nil {
		return
	}
	now, why := c.sameInterface(have)
	if why != "" {
		if c.link.lost == "" {
			c.notice("interface %s %s; its peers are not reached until then", c.choice.Name, why)
		}
		c.link.lost = why
		return
	}
	if c.link.lost == "" && now.index == c.link.index && slices.Contains(now.addrs, c.link.addr) {
		c.echo.here = now.addrs
		return
	}
	if err := c.rejoin(now); err != nil {
		c.link.lost = err.Error()
		c.notice("interface %s is back, but: %v", c.choice.Name, err)
		return
	}
	c.link.lost = ""
	c.notice("interface %s is back: group %s joined anew, sending from %s", c.choice.Name, c.cfg.Group, c.LocalAddr())
}

// sameInterface finds the Conn's interface by its name, and says why it is of no use.
func (c *Conn) sameInterface(have []candidate) (*candidate, string) {
	for i := range have {
		if have[i].name == c.choice.Name {
			return &have[i], have[i].unusable()
		}
	}
	return nil, "is gone: bring it back"
}

// rejoin joins the group on an interface that is as now, and binds to its address if the
// one in use has gone. The descriptors keep their numbers.
func (c *Conn) rejoin(now *candidate) error {
	mreq := unix.IPMreqn{Multiaddr: c.cfg.Group.Addr().As4(), Ifindex: int32(c.link.index)}
	_ = unix.SetsockoptIPMreqn(c.recvFD, unix.IPPROTO_IP, unix.IP_DROP_MEMBERSHIP, &mreq) // it may have gone with the interface
	mreq.Ifindex = int32(now.index)
	if err := unix.SetsockoptIPMreqn(c.recvFD, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &mreq); err != nil && err != unix.EADDRINUSE {
		return fmt.Errorf("join %s: %w", c.cfg.Group.Addr(), err)
	}
	choice := c.choice
	choice.Index, choice.addrs = now.index, now.addrs
	if !slices.Contains(now.addrs, c.link.addr) {
		choice.Addr = now.addrs[0]
	}
	if choice.Addr != c.link.addr || choice.Index != c.link.index {
		if err := c.resend(&choice); err != nil {
			return err
		}
	}
	c.link.index, c.link.addr, c.echo.here = choice.Index, choice.Addr, choice.addrs
	return nil
}

// resend puts a new send socket in the place of the old one.
func (c *Conn) resend(choice *Choice) error {
	fd, local, err := openSend(&c.cfg, choice)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	out, err := openOut(&c.cfg, choice, fd, local)
	if err != nil {
		return err
	}
	defer unix.Close(out)
	growSend(out, c.cfg.SendBuffer)
	growReceive(fd, c.cfg.ReceiveBuffer)
	if c.gro {
		acceptJoined(fd)
	}
	if err := unix.Dup3(fd, c.sendFD, unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("udp: replace the send socket: %w", err)
	}
	if err := unix.Dup3(out, c.outFD, unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("udp: replace the socket that sends: %w", err)
	}
	if err := c.read.slumber.replaced(pollSend, c.sendFD); err != nil {
		return err
	}
	c.read.drops[pollSend].last = 0 // the new socket's own count
	c.echo.on.Store(true)
	c.local.Store(&local)
	return nil
}

func (c *Conn) notice(format string, args ...any) {
	if c.cfg.Notice != nil {
		c.cfg.Notice(fmt.Sprintf(format, args...))
	}
}
