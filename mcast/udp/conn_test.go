//go:build linux

package udp

import (
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

var domains atomic.Uint32

// loopbackConfig is a group on lo that no other test or process uses.
func loopbackConfig() Config {
	return Config{Interface: "lo", Domain: fmt.Sprintf("test-%d-%d", os.Getpid(), domains.Add(1))}
}

func open(t testing.TB, cfg Config) *Conn {
	t.Helper()
	c, err := Open(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A got is a copy of a Datagram.
type got struct {
	data      string
	from      netip.AddrPort
	multicast bool
	own       bool
}

// collect reads from c until it has n datagrams that c didn't send itself.
func collect(t testing.TB, c *Conn, n int) []got {
	t.Helper()
	b := c.NewBatch()
	var all []got
	for end := time.Now().Add(patience); len(all) < n; {
		if time.Now().After(end) {
			t.Fatalf("%s: %d datagrams of %d came in %v", c.LocalAddr(), len(all), n, patience)
		}
		if _, err := c.ReadBatch(b, time.Second); err != nil {
			t.Fatal(err)
		}
		for _, d := range b.Datagrams() {
			if !d.Own {
				all = append(all, got{string(d.Bytes), d.From, d.Multicast, d.Own})
			}
		}
	}
	return all
}

func TestTwoConnsExchangeMulticastAndUnicast(t *testing.T) {
	cfg := loopbackConfig()
	a, b := open(t, cfg), open(t, cfg)
	if n, err := a.WriteMulticast([][]byte{[]byte("to all"), []byte("of you")}); n != 2 || err != nil {
		t.Fatalf("sent %d, %v", n, err)
	}
	for i, g := range collect(t, b, 2) {
		want := got{[]string{"to all", "of you"}[i], a.LocalAddr(), true, false}
		if g != want {
			t.Errorf("b got %+v, want %+v", g, want)
		}
	}
	if n, err := b.WriteTo(a.LocalAddr(), [][]byte{[]byte("to you alone")}); n != 1 || err != nil {
		t.Fatalf("sent %d, %v", n, err)
	}
	want := got{"to you alone", b.LocalAddr(), false, false}
	if g := collect(t, a, 1)[0]; g != want {
		t.Errorf("a got %+v, want %+v", g, want)
	}
}
