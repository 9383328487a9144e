//go:build linux

package labtest

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/ringcast/ringcast/internal/netlab"
)

func newLab(t *testing.T, nodes int) *netlab.Lab {
	t.Helper()
	l, err := netlab.New(nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// ip runs ip in a node.
func ip(t *testing.T, n *netlab.Node, arguments string) {
	t.Helper()
	err := n.Do(func() error { return exec.Command("ip", strings.Fields(arguments)...).Run() })
	if err != nil {
		t.Fatalf("ip %s: %v", arguments, err)
	}
}

// An interface goes down and comes up, loses its address, with which the kernel forgets
// its groups, and gets another one, and is pulled and plugged in: both sides hear each other again
// each time, and what happened is said.
func TestInterfaceComesBack(t *testing.T) {
	l := newLab(t, 2)
	n := l.Node(2)
	a, b := start(t, l.Node(1), "a"), start(t, n, "b")
	both := func(address string) {
		t.Helper()
		a.fresh().wait("hears b " + address)
		b.fresh().wait("hears a")
	}
	both("10.77.0.2")
	link := func(up bool) {
		t.Helper()
		if err := n.SetInterface(up); err != nil {
			t.Fatal(err)
		}
	}
	link(false)
	if line := b.wait("notice"); !strings.Contains(line, "is down: bring it up") {
		t.Errorf("the notice is %q", line)
	}
	a.silent("hears b")
	link(true)
	b.wait("notice interface " + netlab.Interface + " is back")
	both("10.77.0.2")

	ip(t, n, "addr del 10.77.0.2/24 dev "+netlab.Interface)
	if line := b.wait("notice"); !strings.Contains(line, "has no IPv4 address") {
		t.Errorf("the notice is %q", line)
	}
	ip(t, n, "addr add 10.77.0.22/24 dev "+netlab.Interface)
	if line := b.wait("notice"); !strings.Contains(line, "sending from 10.77.0.22") {
		t.Errorf("the notice is %q", line)
	}
	ip(t, n, "route replace 224.0.0.0/4 dev "+netlab.Interface)
	both("10.77.0.22")

	if err := n.SetCable(false); err != nil {
		t.Fatal(err)
	}
	a.silent("hears b")
	if err := n.SetCable(true); err != nil {
		t.Fatal(err)
	}
	both("10.77.0.22")
}

// The own multicast is looped back for the other forwarders of the host, and not when
// there are none.
func TestOwnEchoIsForOthersOfTheHost(t *testing.T) {
	l := newLab(t, 2)
	far, first := start(t, l.Node(2), "far"), start(t, l.Node(1), "first")
	first.wait("hears first") // until it is known that nobody is here
	first.silent("hears first")
	second := start(t, l.Node(1), "second")
	second.wait("hears first")
	first.fresh().wait("hears second")
	first.wait("hears first")
	far.fresh().wait("hears first")
	far.wait("hears second")
}
