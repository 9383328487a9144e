//go:build linux

package udp

import (
	"fmt"
	"net/netip"
	"os"
)

// ErrClosed is what a closed Conn returns. It is os.ErrClosed.
var ErrClosed = os.ErrClosed

// An InterfaceError says why an interface can't be used, and which there are.
type InterfaceError struct {
	Name   string // as asked for; empty when the rule found none
	Reason string
	Known  []string // every interface of the host with its state
}

// Error is one line: the interface, the reason, and what there is instead.
func (e *InterfaceError) Error() string {
	s := "udp: no usable interface"
	if e.Name != "" {
		s = fmt.Sprintf("udp: interface %q", e.Name)
	}
	s += ": " + e.Reason
	if len(e.Known) == 0 {
		return s + " (this host shows no interfaces at all)"
	}
	s += "; there are: "
	for i, k := range e.Known {
		if i > 0 {
			s += "; "
		}
		s += k
	}
	return s
}

// A PortsError says that every port for a send socket is taken.
type PortsError struct {
	Addr        netip.Addr
	First, Last uint16
}

// Error says what takes the ports and what to do.
func (e *PortsError) Error() string {
	return fmt.Sprintf("udp: all %d ports %d..%d of %s are in use: each forwarder on this host whose "+
		"domain shares this port range takes one; stop one, or choose another group port",
		int(e.Last-e.First)+1, e.First, e.Last, e.Addr)
}

// A SendError says why the kernel refused a datagram. It wraps the error number.
type SendError struct {
	To  netip.AddrPort
	Err error
}

// Error names the destination and the reason.
func (e *SendError) Error() string { return fmt.Sprintf("udp: send to %s: %v", e.To, e.Err) }

// Unwrap returns the kernel's error number.
func (e *SendError) Unwrap() error { return e.Err }
