package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A Node is one host of a lab. It is safe for concurrent use.
type Node struct {
	Index int        // from 1
	Addr  netip.Addr // of its interface
	Dir   string     // for shared memory, its own; empty at first
	lab   *Lab
	*thread
}

// Interface is the name of every node's interface.
const Interface = "eth0"

func (l *Lab) newNode(index int) (*Node, error) {
	dir, err := l.dir(index)
	if err != nil {
		return nil, err
	}
	t, err := newThread()
	if err != nil {
		return nil, err
	}
	n := &Node{Index: index, Addr: netip.AddrFrom4([4]byte{10, 77, 0, byte(index)}), Dir: dir, lab: l, thread: t}
	if err := t.do(withoutIPv6); err != nil {
		return n, err
	}
	if err := l.bridge.do(func() error { return plug(n) }); err != nil {
		return n, err
	}
	if err := t.do(n.configure); err != nil {
		return n, err
	}
	return n, n.connected()
}

// plug joins the node to the bridge; it runs on the bridge's thread.
func plug(n *Node) error {
	port := n.port()
	return errors.Join(batch(
		fmt.Sprintf("link add %s mtu %d txqueuelen 10000 type veth peer name %s mtu %d txqueuelen 10000 netns %d", port, MTU, Interface, MTU, n.id),
		fmt.Sprintf("link set %s master br0 up", port),
	), offload(port))
}

// port is the name of the bridge's side of the cable.
func (n *Node) port() string { return fmt.Sprintf("port%d", n.Index) }

// configure gives the node its address and routes; it runs on the node's thread.
func (n *Node) configure() error {
	err := errors.Join(batch(
		"link set lo up",
		fmt.Sprintf("addr add %s/24 broadcast + dev %s", n.Addr, Interface),
		fmt.Sprintf("link set %s multicast on up", Interface),
		"route add 224.0.0.0/4 dev "+Interface,
	), offload(Interface))
	return errors.Join(err, setting("net/ipv4/igmp_max_memberships", "1000"))
}

// offload switches off whatever joins or splits packets in a device.
func offload(device string) error {
	return pipe("", "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", "tx-udp-segmentation", "off")
}

// withoutIPv6 keeps the kernel from sending of its own accord on interfaces to come.
func withoutIPv6() error {
	err := setting("net/ipv6/conf/default/disable_ipv6", "1")
	if errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
		return nil
	}
	return err
}

// setting writes a kernel setting of the calling thread's namespace.
func setting(name, value string) error {
	return os.WriteFile("/proc/sys/"+name, []byte(value), 0)
}

// Start starts a command in the node, like cmd.Start. It is killed with the lab.
func (n *Node) Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	return n.do(cmd.Start)
}

// Do runs f on the node's thread: sockets that f opens are the node's, and stay so
// wherever they are used. f must not wait for another Do or Start of the node.
func (n *Node) Do(f func() error) error { return n.do(f) }

// Namespace is a path by which other programs find the node's network, such as nsenter
// --net=PATH; it is valid until Close.
func (n *Node) Namespace() string {
	return fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), n.id)
}

// SetCable pulls the node's cable or plugs it in again: its interface stays up and has
// no carrier meanwhile. It returns when frames pass.
func (n *Node) SetCable(in bool) error {
	err := n.lab.bridge.do(func() error { return batch("link set " + n.port() + upDown(in)) })
	if err != nil || !in {
		return err
	}
	return n.connected()
}

// SetInterface takes the node's interface down, which forgets its routes, or brings it
// up again with its routes. It returns when frames pass.
func (n *Node) SetInterface(up bool) error {
	err := n.do(func() error {
		if err := batch("link set " + Interface + upDown(up)); err != nil || !up {
			return err
		}
		return batch("route replace 224.0.0.0/4 dev " + Interface)
	})
	if err != nil || !up {
		return err
	}
	return n.connected()
}

// SetMTU makes the node's interface, and the switch's port to which it is connected, carry other packets, in
// bytes of IP: what is longer than the port carries is dropped there, and nobody is told.
func (n *Node) SetMTU(own, port int) error {
	// A bridge of which nobody has said it carries what the narrowest port does; one that routes nothing need not.
	err := n.lab.bridge.do(func() error {
		return batch(fmt.Sprintf("link set %s mtu %d", n.port(), port), fmt.Sprintf("link set br0 mtu %d", MTU))
	})
	return errors.Join(err, n.do(func() error { return batch(fmt.Sprintf("link set %s mtu %d", Interface, own)) }))
}

// connected waits for the carrier on both sides and for the bridge, which look at it from
// time to time.
func (n *Node) connected() error {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var port, own string
		err := n.lab.bridge.do(func() (err error) {
			port, err = output("", "ip", "-details", "link", "show", n.port())
			return err
		})
		if err == nil {
			err = n.do(func() (err error) {
				own, err = output("", "ip", "link", "show", Interface)
				return err
			})
		}
		switch {
		case err != nil:
			return err
		case strings.Contains(port, "state forwarding") && strings.Contains(port, "LOWER_UP") && strings.Contains(own, "state UP"):
			return nil
		case time.Now().After(end):
			return fmt.Errorf("node %d has no carrier: %s %s", n.Index, port, own)
		}
	}
}

func upDown(up bool) string {
	if up {
		return " up"
	}
	return " down"
}
