package forward

import (
	"net/netip"
	"testing"
	"time"

	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/ring"
)

// Two forwarders that listen on different groups hear nothing of each other by
// multicast: they meet by the seed, and every message crosses, with loss on the way.
func TestStreamWithoutMulticast(t *testing.T) {
	const count = 5000
	a, b := newNode(t, "a"), newNode(t, "b")
	group := func(last byte, seeds ...netip.AddrPort) func(*Config) {
		return func(c *Config) {
			c.Net.Group = netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 195, 77, last}), 29871)
			c.Net.Fault = udp.FaultConfig{Loss: 0.01, Seed: 7}
			c.Seeds = seeds
		}
	}
	a.start(group(1))
	b.start(group(2, a.f.conn.LocalAddr()))
	ctx := testContext(t, 30*time.Second)
	reader, rd := b.reader("orders")
	a.awaitWanted(ctx, "orders")
	writer, w := a.writer("orders", ring.Shape{})
	for i := range count {
		if err := writer.publish(ctx, w, numbered(i)); err != nil {
			t.Fatalf("publish %d: %v", i, err)
		}
	}
	var m ring.Message
	for i := range count {
		if err := reader.next(ctx, rd, &m); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if string(m.Payload) != string(numbered(i)) {
			t.Fatalf("message %d: got %q", i, m.Payload)
		}
	}
	if copies := a.f.Stats().Map()["mcast.copies_sent"]; copies == 0 {
		t.Error("no copies were sent: multicast did carry it")
	}
}

func TestParseSeed(t *testing.T) {
	for text, want := range map[string]string{"10.1.2.3": "10.1.2.3:0", "10.1.2.3:29300": "10.1.2.3:29300"} {
		if got, err := ParseSeed(text); err != nil || got.String() != want {
			t.Errorf("%s: %v %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "east", "::1", "[::1]:5", "10.1.2.3:x"} {
		if got, err := ParseSeed(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
	c := Config{Seeds: []netip.AddrPort{netip.MustParseAddrPort("10.1.2.3:0"), netip.MustParseAddrPort("10.1.2.4:7")}}
	if got := c.seeds(netip.MustParseAddrPort("239.1.1.1:29300")); got[0].Port() != 29301 || got[1].Port() != 7 {
		t.Errorf("seeds %v, want ports 29301 and 7", got)
	}
}
