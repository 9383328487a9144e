package forward

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/mcast/wire"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// TestWithoutNAKsMessagesAreLost throws B's NAKs away: what the network loses is
// told as lost, exactly, and nothing else changes.
func TestWithoutNAKsMessagesAreLost(t *testing.T) {
	const count = 3000
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(func(c *Config) {
		c.DropNAK = true
		c.Net.Fault = udp.FaultConfig{Loss: 0.02, Seed: 3}
	})
	ctx := testContext(t, 30*time.Second)
	reader, rd := b.reader("deaf")
	a.awaitWanted(ctx, "deaf")
	writer, w := a.writer("deaf", ring.Shape{})
	background(t, ctx, func(ctx context.Context) {
		for i := range count {
			if err := writer.publish(ctx, w, numbered(i)); err != nil {
				t.Errorf("publish: %v", err)
				return
			}
			if i%10 == 9 {
				time.Sleep(time.Millisecond) // many datagrams, so that some are lost
			}
		}
	})
	got := newAccount()
	if err := got.follow(ctx, reader, rd, w.Address(), count); err != nil {
		t.Fatal(err)
	}
	stats := b.f.Stats().Map()
	t.Logf("delivered %d, lost %d in %d events; %d NAKs dropped", got.delivered, got.lost, got.events, stats["forward.dropped_naks"])
	if got.lost == 0 || stats["forward.dropped_naks"] == 0 || stats["mcast.repairs_received"] != 0 {
		t.Errorf("lost %d, dropped %d NAKs, received %d repairs", got.lost, stats["forward.dropped_naks"], stats["mcast.repairs_received"])
	}
}

// TestNewSaysWhatIsWrong opens forwarders that cannot work, and then one that can
// where they failed: nothing of them is left.
func TestNewSaysWhatIsWrong(t *testing.T) {
	a := newNode(t, "a")
	refuse := func(what string, change func(*Config), is func(error) bool) {
		t.Helper()
		c := a.config()
		change(&c)
		f, err := New(c)
		if err == nil {
			_ = f.Close()
		}
		if err == nil || !is(err) {
			t.Errorf("%s: %v", what, err)
		} else {
			t.Logf("%s: %v", what, err)
		}
	}
	refuse("no such interface", func(c *Config) { c.Net.Interface = "nosuch0" }, func(err error) bool {
		var e *udp.InterfaceError
		return errors.As(err, &e)
	})
	refuse("address of nobody", func(c *Config) { c.Net.Interface = "192.0.2.77" }, func(err error) bool {
		var e *udp.InterfaceError
		return errors.As(err, &e)
	})
	for _, i := range interfacesWithoutMulticast(t) {
		refuse("interface without multicast", func(c *Config) { c.Net.Interface = i }, func(err error) bool {
			var e *udp.InterfaceError
			return errors.As(err, &e)
		})
	}
	refuse("MTU that is too small", func(c *Config) { c.Net.MTU = 10 }, func(err error) bool {
		var e *udp.ConfigError
		return errors.As(err, &e)
	})
	refuse("directory without rights", func(c *Config) { c.Domain.Base = "/sys/ringcast" }, func(err error) bool {
		return errors.Is(err, fs.ErrPermission)
	})
	refuse("bad domain", func(c *Config) { c.Domain.Domain = "a/b" }, func(err error) bool { return errors.Is(err, shm.ErrBadName) })
	refuse("window of one datagram", func(c *Config) { c.Window = 1 }, func(error) bool { return true })
	a.start(nil)
	rows, err := a.program().domain.Participants()
	if err != nil || len(rows) != 2 {
		t.Errorf("%d participants, %v; want the forwarder and the one who looks", len(rows), err)
	}
}

// interfacesWithoutMulticast lists what this machine has of the kind.
func interfacesWithoutMulticast(t *testing.T) (names []string) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&(net.FlagMulticast|net.FlagLoopback) == 0 {
			names = append(names, i.Name)
		}
	}
	return names
}

// groupSocket sends to a domain's group over loopback.
func groupSocket(t *testing.T, n *testNode) func([]byte) {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var opt error
	if err := raw.Control(func(fd uintptr) {
		opt = unix.SetsockoptInet4Addr(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_IF, [4]byte{127, 0, 0, 1})
	}); err != nil || opt != nil {
		t.Fatal(err, opt)
	}
	group := net.UDPAddrFromAddrPort(n.f.conn.Group())
	return func(b []byte) {
		if _, err := c.WriteTo(b, group); err != nil {
			t.Error(err)
		}
	}
}

// malformed makes one datagram that nobody correct sends.
func malformed(rnd *rand.Rand, n *testNode, i int) []byte {
	b := make([]byte, rnd.IntN(300))
	for j := range b {
		b[j] = byte(rnd.Uint32())
	}
	h := wire.Header{Type: byte(rnd.IntN(16)), Domain: domainHash(n.domain), Node: 4_000_000_001, Session: 5, Number: uint64(i)}
	if i%4 == 3 {
		h.Node, h.Session = n.f.node(), n.f.seat.Session() // in the name of a real node
		h.Type = byte(wire.TypeData + rnd.IntN(2))
	}
	switch i % 4 {
	case 0: // noise
	case 1: // cut off
		b = wire.Begin(nil, &h)[:rnd.IntN(wire.HeaderSize)]
	default: // a header, and noise for a body
		if h.Type == wire.TypeBye || h.Type == wire.TypeHello && i%4 == 3 {
			h.Type = wire.TypeData
		}
		b = append(wire.Begin(nil, &h), b...)
		wire.Finish(b)
	}
	return b
}

// TestMalformedDatagramsChangeNothing sends noise to the group while a stream flows:
// it is counted, and every message arrives once, in order.
func TestMalformedDatagramsChangeNothing(t *testing.T) {
	const count = 5000
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	a, b, reader, rd, ctx := twoNodes(t, "noise", nil)
	send := groupSocket(t, a)
	writer, w := a.writer("noise", ring.Shape{})
	before := b.f.Stats().Map()
	background(t, ctx, func(ctx context.Context) {
		for i := range count {
			if err := writer.publish(ctx, w, numbered(i)); err != nil {
				t.Errorf("publish: %v", err)
				return
			}
			if i%10 == 0 {
				send(malformed(rnd, a, i/10))
				time.Sleep(200 * time.Microsecond)
			}
		}
	})
	got := newAccount()
	got.expect(w.Address(), 1)
	if err := got.follow(ctx, reader, rd, w.Address(), count); err != nil {
		t.Fatal(err)
	}
	if got.lost != 0 || got.lagged != 0 {
		t.Errorf("lost %d, missed %d", got.lost, got.lagged)
	}
	after := b.f.Stats().Map()
	counted := uint64(0)
	for _, name := range []string{"mcast.refused", "mcast.unknown_peer", "mcast.old_session", "mcast.reorder_full", "mcast.duplicates"} {
		t.Logf("%s: %d", name, after[name]-before[name])
		counted += after[name] - before[name]
	}
	if counted < 100 || after["mcast.refused"] == before["mcast.refused"] {
		t.Errorf("%d datagrams counted", counted)
	}
	if after["forward.peers"] != 1 {
		t.Errorf("%d peers, want 1", after["forward.peers"])
	}
}
