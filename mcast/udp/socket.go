//go:build linux

package udp

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A socketStep is one option to be set on a new socket.
type socketStep struct {
	what string
	do   func(fd int) error
}

func option(what string, level, opt, value int) socketStep {
	return socketStep{what, func(fd int) error { return unix.SetsockoptInt(fd, level, opt, value) }}
}

// openSocket makes a non-blocking UDP socket and takes the steps on it.
func openSocket(steps []socketStep) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("udp: socket: %w", err)
	}
	for _, s := range steps {
		if err := s.do(fd); err != nil {
			unix.Close(fd)
			return -1, fmt.Errorf("udp: %s: %w", s.what, err)
		}
	}
	return fd, nil
}

// openReceive makes the socket on which the group's datagrams arrive.
func openReceive(cfg *Config, ch *Choice) (int, error) {
	group := cfg.Group.Addr().As4()
	steps := []socketStep{
		// Several forwarders of a host share the port; each gets every datagram.
		option("share the group's port", unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		// Without this, groups that other processes joined would come in, too.
		option("limit to the joined group", unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0),
		option("count kernel drops", unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1),
		{"bind to group " + cfg.Group.String(), func(fd int) error {
			err := unix.Bind(fd, &unix.SockaddrInet4{Addr: group, Port: int(cfg.Group.Port())})
			if err == unix.EADDRINUSE {
				return fmt.Errorf("%w: another program has UDP port %[2]d for itself: end it (`ss -ulnp sport = :%[2]d` names it), or name another domain: its port is another", err, cfg.Group.Port())
			}
			return err
		}},
		{fmt.Sprintf("join %s on %s", cfg.Group.Addr(), ch.Name), func(fd int) error {
			mreq := unix.IPMreqn{Multiaddr: group, Ifindex: int32(ch.Index)}
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &mreq)
		}},
	}
	return openSocket(steps)
}

// sendSteps are those of a socket that sends.
func sendSteps(ch *Choice) []socketStep {
	return []socketStep{
		option("limit multicast to the network", unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, multicastTTL),
		// The other forwarders of this host must hear us.
		option("loop multicast back", unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 1),
		// DF set, and the path MTU that somebody's ICMP claims is not believed.
		option("forbid fragments", unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE),
		{"send multicast through " + ch.Name, func(fd int) error {
			mreq := unix.IPMreqn{Ifindex: int32(ch.Index)}
			return unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &mreq)
		}},
	}
}

// openSend makes the socket to which the answers come. Its address is that of everything that is sent.
func openSend(cfg *Config, ch *Choice) (int, netip.AddrPort, error) {
	var local netip.AddrPort
	steps := []socketStep{
		option("count kernel drops", unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1),
		{"bind to " + ch.Addr.String(), func(fd int) (err error) {
			local, err = bindFirstFree(fd, ch.Addr, cfg.Group.Port())
			return err
		}},
	}
	fd, err := openSocket(steps)
	return fd, local, err
}

// openOut makes the socket through which the datagrams leave. It has the address of the send socket, which is the
// way back, and nothing comes to it, since nobody sends from the group to which it is connected: so nobody sleeps on it. On
// a socket on which somebody sleeps, or that is in an epoll instance, the kernel looks through those who may
// wait for room with each datagram that has left (doc/decisions/370).
func openOut(cfg *Config, ch *Choice, sendFD int, local netip.AddrPort) (int, error) {
	share := func(fd, value int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, value) }
	steps := append(sendSteps(ch),
		option("share the send socket's port", unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		socketStep{"bind to " + local.String(), func(fd int) error {
			if err := share(sendFD, 1); err != nil {
				return err
			}
			defer share(sendFD, 0) // nobody else is to have the port
			return unix.Bind(fd, &unix.SockaddrInet4{Addr: local.Addr().As4(), Port: int(local.Port())})
		}},
		socketStep{"hear nobody", func(fd int) error {
			return unix.Connect(fd, &unix.SockaddrInet4{Addr: cfg.Group.Addr().As4(), Port: int(cfg.Group.Port())})
		}},
		option("keep the send socket's port", unix.SOL_SOCKET, unix.SO_REUSEADDR, 0),
	)
	return openSocket(steps)
}

// bindFirstFree binds to the first free one of the ports base+1..base+SendPorts.
func bindFirstFree(fd int, addr netip.Addr, base uint16) (netip.AddrPort, error) {
	for i := range uint16(SendPorts) {
		port := base + 1 + i
		err := unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.As4(), Port: int(port)})
		if err == nil {
			return netip.AddrPortFrom(addr, port), nil
		}
		if !errors.Is(err, unix.EADDRINUSE) {
			return netip.AddrPort{}, err
		}
	}
	return netip.AddrPort{}, &PortsError{addr, base + 1, base + SendPorts}
}

// growBuffer asks for a buffer of that size, with privilege if there is, and
// returns what was obtained. The kernel reports twice what may be used: half is for its own overhead.
func growBuffer(fd, force, plain, size int) int {
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, size) != nil {
		// Not privileged: the kernel caps it at net.core.[rw]mem_max without an error.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, size)
	}
	got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, plain)
	if err != nil {
		return 0
	}
	return got / 2
}

func growReceive(fd, size int) int {
	return growBuffer(fd, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF, size)
}

func growSend(fd, size int) int {
	return growBuffer(fd, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF, size)
}

// acceptJoined asks the kernel to hand over runs of datagrams in one piece.
func acceptJoined(fd int) bool {
	return unix.SetsockoptInt(fd, unix.IPPROTO_UDP, unix.UDP_GRO, 1) == nil
}
