package netlab

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Limits of a lab.
const (
	// Most is how many nodes a lab may have: they are numbered in one byte of the address.
	Most = 250
	// MTU is of every interface, in bytes of IP packet, unless SetMTU says another one.
	MTU = 1500
)

// A Lab is some nodes and the switch between them. It is safe for concurrent use, but
// for Close.
type Lab struct {
	bridge *thread
	nodes  []*Node
	base   string
	drops  drops
}

// New makes a lab of so many nodes, all connected, where nothing is lost. It works only
// inside Main, and takes some 20 ms a node.
func New(nodes int) (*Lab, error) {
	if nodes < 1 || nodes > Most {
		return nil, fmt.Errorf("netlab: %d nodes: want 1 to %d", nodes, Most)
	}
	base, err := os.MkdirTemp(shared, "netlab-")
	if err != nil {
		return nil, err
	}
	l := &Lab{base: base}
	if err := l.build(nodes); err != nil {
		l.Close()
		return nil, fmt.Errorf("netlab: %w", err)
	}
	return l, nil
}

func (l *Lab) build(nodes int) (err error) {
	if l.bridge, err = newThread(); err != nil {
		return err
	}
	if err := errors.Join(l.bridge.do(withoutIPv6), l.bridge.do(buildBridge)); err != nil {
		return err
	}
	for i := 1; i <= nodes; i++ {
		n, err := l.newNode(i)
		if n != nil {
			l.nodes = append(l.nodes, n)
		}
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
	}
	return l.drops.prepare(l)
}

func buildBridge() error {
	return errors.Join(batch(
		"link set lo up",
		"link add br0 mtu 1500 type bridge mcast_snooping 0 stp_state 0 forward_delay 0",
		"link set br0 up",
	), withoutFirewall())
}

// withoutFirewall keeps the bridge from handing each frame to the host's firewall besides, which
// no switch does. Loss is made by rules of the ports' own.
func withoutFirewall() error {
	err := setting("net/bridge/bridge-nf-call-iptables", "0")
	if errors.Is(err, fs.ErrNotExist) { // a kernel that does not have it loaded
		return nil
	}
	return err
}

// Nodes is how many there are.
func (l *Lab) Nodes() int { return len(l.nodes) }

// Node returns node i, from 1.
func (l *Lab) Node(i int) *Node { return l.nodes[i-1] }

// Close kills every process that was started in the lab and removes all of it. A second
// Close does nothing.
func (l *Lab) Close() {
	for _, n := range l.nodes {
		n.thread.end()
	}
	if l.bridge != nil {
		l.bridge.end()
	}
	_ = os.RemoveAll(l.base)
}

// batch runs commands of ip(8) in the namespace of the calling thread.
func batch(commands ...string) error {
	return pipe(strings.Join(commands, "\n")+"\n", "ip", "-batch", "-")
}

// pipe runs a program with an input; what it complains of is in the error.
func pipe(input, program string, args ...string) error {
	_, err := output(input, program, args...)
	return err
}

func output(input, program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return out.String(), nil
}

// dir makes a node's directory.
func (l *Lab) dir(index int) (string, error) {
	path := filepath.Join(l.base, fmt.Sprintf("node%d", index))
	return path, os.Mkdir(path, 0o755)
}
