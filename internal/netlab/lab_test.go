package netlab

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain runs the tests inside. Where there can be no labs it says so, and what needs
// none is run.
func TestMain(m *testing.M) {
	code, err := Main(m.Run)
	if err != nil {
		fmt.Println(err)
		if err := flag.Set("test.run", "^TestMissing$"); err != nil {
			panic(err)
		}
		code = m.Run()
	}
	os.Exit(code)
}

func newLab(t *testing.T, nodes int) *Lab {
	t.Helper()
	l, err := New(nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

var group = netip.MustParseAddrPort("239.77.0.1:7700")

// listen opens a socket of a node that hears the group.
func listen(t *testing.T, n *Node) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	err := n.Do(func() (err error) {
		ifi, err := net.InterfaceByName(Interface)
		if err != nil {
			return err
		}
		c, err = net.ListenMulticastUDP("udp4", ifi, net.UDPAddrFromAddrPort(group))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadBuffer(4 << 20)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// send sends that many small datagrams from a node to the group.
func send(t *testing.T, n *Node, count int) {
	t.Helper()
	var c *net.UDPConn
	err := n.Do(func() (err error) {
		c, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(group))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range count {
		if _, err := c.Write([]byte("hello")); err != nil && !errors.Is(err, unix.ENOBUFS) {
			t.Fatal(err)
		}
		if i%50 == 49 {
			time.Sleep(time.Millisecond)
		}
	}
}

// received counts datagrams until none comes for a while.
func received(c *net.UDPConn) (n int) {
	for b := make([]byte, 100); ; n++ {
		_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		if _, err := c.Read(b); err != nil {
			return n
		}
	}
}

// TestLossIsCounted sends to two nodes, one of which loses a fifth: what it got and what the
// kernel says it lost must be what was sent, to the last datagram.
func TestLossIsCounted(t *testing.T) {
	l := newLab(t, 3)
	if err := l.SetDrops(Drop{Node: 3, Match: "udp dport 7700", Percent: 20}); err != nil {
		t.Fatal(err)
	}
	c2, c3 := listen(t, l.Node(2)), listen(t, l.Node(3))
	const sent = 2000
	send(t, l.Node(1), sent)
	got2, got3 := received(c2), received(c3)
	counts, err := l.Drops()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(counts)
	lost := 0
	for _, c := range counts {
		lost += int(c.Lost)
		if c.Lost > 0 && (c.Node != 3 || c.Out) {
			t.Errorf("lost where nothing should be: %v", c)
		}
	}
	if got2 != sent || got3+lost != sent || got3 < sent*7/10 || got3 > sent*9/10 {
		t.Errorf("sent %d: node 2 got %d; node 3 got %d and lost %d", sent, got2, got3, lost)
	}
	if err := l.SetDrops(); err != nil {
		t.Fatal(err)
	}
	send(t, l.Node(1), 100)
	if n := received(c3); n != 100 {
		t.Errorf("without a rule node 3 got %d of 100", n)
	}
}

// TestRules loses every tenth of what node 1 sends, for all, by number.
func TestRules(t *testing.T) {
	l := newLab(t, 3)
	if err := l.SetDrops(Drop{Node: 1, Out: true, Match: "ip daddr 224.0.0.0/4 udp dport 7700", Every: 10}); err != nil {
		t.Fatal(err)
	}
	c2, c3 := listen(t, l.Node(2)), listen(t, l.Node(3))
	send(t, l.Node(1), 1000)
	if a, b := received(c2), received(c3); a != 900 || b != 900 {
		t.Errorf("nodes got %d and %d of 1000, want 900 each", a, b)
	}
	for _, bad := range []Drop{{Node: 4, Percent: 1}, {Node: 1, Percent: 101}, {Node: 1, Match: "nonsense", Every: 1}} {
		if err := l.SetDrops(bad); err == nil {
			t.Errorf("rule %+v was taken", bad)
		}
	}
}

// TestCable pulls and plugs a cable, and takes an interface down and up.
func TestCable(t *testing.T) {
	l := newLab(t, 2)
	c := listen(t, l.Node(2))
	for i, step := range []struct {
		do   func() error
		want int
	}{
		{func() error { return nil }, 10},
		{func() error { return l.Node(2).SetCable(false) }, 0},
		{func() error { return l.Node(2).SetCable(true) }, 10},
		{func() error { return l.Node(2).SetInterface(false) }, 0},
		{func() error { return l.Node(2).SetInterface(true) }, 10},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		send(t, l.Node(1), 10)
		if n := received(c); n != step.want {
			t.Errorf("step %d: got %d of 10, want %d", i, n, step.want)
		}
	}
}

// TestOwn wants nodes that see neither each other's loopback nor the host's interfaces,
// directories that are apart, and processes that die with the lab.
func TestOwn(t *testing.T) {
	l := newLab(t, 2)
	if l.Node(1).Dir == l.Node(2).Dir {
		t.Error("two nodes have one directory")
	}
	cmd := exec.Command("sh", "-c", "ls /sys/class/net >/dev/null; cat /proc/net/dev; exec sleep 1000")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Node(1).Start(cmd); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, _ := out.Read(b)
	if devices := string(b[:n]); strings.Count(devices, ":") != 2 || !strings.Contains(devices, "eth0:") {
		t.Errorf("devices of a node: %s", devices)
	}
	l.Close()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("a process outlives the lab")
	}
	if err := l.Node(1).Do(func() error { return nil }); err == nil {
		t.Error("a closed lab works on")
	}
}

// TestMissing says in one line what a host lacks.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, err := range []error{&MissingError{"x"}, forbidden(unix.EPERM), forbidden(unix.ENOSPC), forbidden(unix.EINVAL)} {
		var missing *MissingError
		if !errors.As(err, &missing) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: want one line of a MissingError", err)
		}
	}
	if err := forbidden(unix.EIO); err != unix.EIO {
		t.Errorf("another error became %v", err)
	}
}
