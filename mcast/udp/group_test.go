//go:build linux

package udp

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// goldenDefault is where a domain of the default name meets, computed apart from GroupOf.
const goldenDefault = "239.193.96.128:29792"

// The values are part of the network protocol: nodes of different versions must
// meet. They are never to be changed.
func TestGroupOfNeverChanges(t *testing.T) {
	for domain, want := range map[string]string{
		"":           "239.194.70.84:29632",
		"default":    goldenDefault,
		"a":          "239.194.81.156:29408",
		"production": "239.193.203.238:29728",
		"Zürich":     "239.192.243.235:29312",
	} {
		if got := GroupOf(domain).String(); got != want {
			t.Errorf("GroupOf(%q) = %s, want %s", domain, got, want)
		}
	}
}

func TestGroupOfStaysInItsRange(t *testing.T) {
	scope := netip.MustParsePrefix("239.192.0.0/14")
	reserved := netip.MustParsePrefix("239.195.255.0/24")
	groups, ports := map[netip.Addr]bool{}, map[uint16]int{}
	const names = 10000
	for i := range names {
		g := GroupOf(fmt.Sprintf("domain-%d", i))
		if !scope.Contains(g.Addr()) || reserved.Contains(g.Addr()) {
			t.Fatalf("domain-%d: %s is outside", i, g)
		}
		if p := g.Port(); p < 29184 || p+SendPorts >= 30000 || p%32 != 0 {
			t.Fatalf("domain-%d: port %d is outside or not a block's first", i, p)
		}
		if reason := invalidGroup(g); reason != "" {
			t.Fatalf("domain-%d: %s %s", i, g, reason)
		}
		groups[g.Addr()] = true
		ports[g.Port()]++
	}
	// 10000 names on 261,888 addresses: 9812 different ones are expected.
	if len(groups) < 9700 {
		t.Errorf("%d names fall on %d groups only", names, len(groups))
	}
	if len(ports) != portBlocks {
		t.Errorf("%d port blocks in use, want %d", len(ports), portBlocks)
	}
	for p, n := range ports {
		if n < names/portBlocks*3/4 || n > names/portBlocks*5/4 {
			t.Errorf("port %d has %d of %d names", p, n, names)
		}
	}
}

func TestInvalidGroupTeaches(t *testing.T) {
	for group, want := range map[string]string{
		"10.1.2.3:7000":       "not a multicast address: they are 224.0.0.0 to 239.255.255.255",
		"[ff02::1]:7000":      "not an IPv4 address",
		"224.0.0.251:5353":    "take one from 239.0.0.0",
		"239.1.2.3:0":         "no port",
		"239.1.2.3:65520":     "65519 at most",
		"255.255.255.255:700": "not a multicast address",
	} {
		cfg := Config{Group: netip.MustParseAddrPort(group), Interface: "lo"}
		_, err := Open(&cfg)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), group) {
			t.Errorf("%s: error %v, want it to name the group and say %q", group, err, want)
		}
	}
	if r := invalidGroup(netip.MustParseAddrPort("239.1.2.3:65519")); r != "" {
		t.Errorf("the last port is refused: it %s", r)
	}
}
