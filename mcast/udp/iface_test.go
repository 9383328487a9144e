//go:build linux

package udp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var (
	testGroup = netip.MustParseAddr("239.192.1.2")

	lo     = candidate{"lo", 1, 65536, true, false, true, addrs("127.0.0.1")}
	eth0   = candidate{"eth0", 2, 1500, true, true, false, addrs("10.0.0.5")}
	eth1   = candidate{"eth1", 3, 9000, true, true, false, addrs("10.1.0.5", "10.1.0.6")}
	docker = candidate{"docker0", 4, 1500, true, true, false, addrs("172.17.0.1")}
	tun0   = candidate{"tun0", 5, 1400, true, true, false, addrs("10.8.0.2")}
	down   = candidate{"eth2", 6, 1500, false, true, false, addrs("10.2.0.5")}
	deaf   = candidate{"ib0", 7, 1500, true, false, false, addrs("10.3.0.5")}
	bare   = candidate{"eth3", 8, 1500, true, true, false, nil}
	narrow = candidate{"slip0", 9, 296, true, true, false, addrs("10.4.0.5")}
)

func addrs(s ...string) (out []netip.Addr) {
	for _, a := range s {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func via(iface, prefix string, metric int) route {
	return route{iface, netip.MustParsePrefix(prefix), metric}
}

func TestChooseByRule(t *testing.T) {
	for _, c := range []struct {
		name   string
		have   []candidate
		routes []route
		want   string
		reason string
	}{
		{"the default route wins over the order", []candidate{lo, eth0, eth1},
			[]route{via("eth1", "0.0.0.0/0", 0)}, "eth1", "default route"},
		{"the lower metric wins", []candidate{lo, eth0, eth1},
			[]route{via("eth0", "0.0.0.0/0", 600), via("eth1", "0.0.0.0/0", 100)}, "eth1", "default route"},
		{"a route to the group wins over the default", []candidate{lo, eth0, eth1},
			[]route{via("eth1", "0.0.0.0/0", 0), via("eth0", "224.0.0.0/4", 9)}, "eth0", "224.0.0.0/4"},
		{"a route elsewhere says nothing", []candidate{lo, eth0, eth1},
			[]route{via("eth1", "10.1.0.0/16", 0)}, "eth0", "first interface"},
		{"a VPN with the default route is passed over", []candidate{lo, eth0, tun0},
			[]route{via("tun0", "0.0.0.0/0", 0), via("eth0", "0.0.0.0/0", 50)}, "eth0", "default route"},
		{"a VPN that the group is routed to is taken", []candidate{lo, eth0, tun0},
			[]route{via("tun0", "239.0.0.0/8", 0)}, "tun0", "239.0.0.0/8"},
		{"an unusable one with the route is passed over", []candidate{lo, down, deaf, bare, eth1},
			[]route{via("eth2", "0.0.0.0/0", 0)}, "eth1", "first interface"},
		{"virtual ones come last", []candidate{lo, docker, eth0}, nil, "eth0", "first interface"},
		{"but before loopback", []candidate{lo, docker, down}, nil, "docker0", "virtual"},
		{"loopback if there is nothing else", []candidate{lo, down, deaf, bare, narrow}, nil, "lo", "only this host"},
	} {
		got, err := choose("", testGroup, c.have, c.routes)
		if err != nil || got.Name != c.want || !strings.Contains(got.Reason, c.reason) {
			t.Errorf("%s: %v, %v; want %s, because ...%s...", c.name, got, err, c.want, c.reason)
		}
	}
}

func TestChooseByNameOrAddress(t *testing.T) {
	have := []candidate{lo, eth0, eth1}
	for name, want := range map[string]string{
		"eth1": "10.1.0.5", "10.1.0.6": "10.1.0.6", "lo": "127.0.0.1",
	} {
		got, err := choose(name, testGroup, have, nil)
		if err != nil || got.Addr.String() != want {
			t.Errorf("%s: %v, %v; want address %s", name, got, err, want)
		}
	}
}

func TestInterfaceErrorsTeach(t *testing.T) {
	have := []candidate{lo, eth0, down, deaf, bare, narrow}
	for name, want := range map[string]string{
		"eth9":     `interface "eth9": no such interface; there are: lo (up, loopback, 127.0.0.1); eth0 (up, 10.0.0.5); eth2 (down, 10.2.0.5); ib0 (up, no multicast, 10.3.0.5); eth3 (up, no IPv4)`,
		"10.9.9.9": "no interface has this IPv4 address; there are: lo",
		"eth2":     "is down: bring it up with `ip link set eth2 up`",
		"ib0":      "does not do multicast: try `ip link set ib0 multicast on`",
		"eth3":     "has no IPv4 address: give it one with `ip addr add",
		"slip0":    "has an MTU of 296, less than the 536",
	} {
		_, err := choose(name, testGroup, have, nil)
		var ie *InterfaceError
		if !errors.As(err, &ie) || ie.Name != name || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v\nwant ...%s...", name, err, want)
		}
	}
	if _, err := choose("", testGroup, []candidate{down}, nil); err == nil ||
		!strings.Contains(err.Error(), "no usable interface: none is up with multicast and an IPv4 address; there are: eth2 (down") {
		t.Errorf("nothing usable: error %v", err)
	}
	if _, err := choose("", testGroup, nil, nil); err == nil || !strings.Contains(err.Error(), "shows no interfaces at all") {
		t.Errorf("no interfaces: error %v", err)
	}
}

func TestOpenOnNoSuchInterface(t *testing.T) {
	_, err := Open(&Config{Interface: "nosuch0"})
	var ie *InterfaceError
	if !errors.As(err, &ie) || !strings.Contains(err.Error(), "lo (up, loopback") {
		t.Errorf("error %v, want an InterfaceError that lists lo", err)
	}
	if _, explained := Explain(&Config{Interface: "nosuch0"}); explained == nil || explained.Error() != err.Error() {
		t.Errorf("Explain says %v, Open %q", explained, err)
	}
}

func TestExplainNamesGroupInterfaceAndPayload(t *testing.T) {
	e, err := Explain(&Config{Interface: "lo", Domain: "default"})
	if err != nil {
		t.Fatal(err)
	}
	got := e.String()
	want := "group " + goldenDefault + " on lo (127.0.0.1, MTU "
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "named in the configuration; datagrams of up to 8932 bytes") {
		t.Errorf("Explain: %s", got)
	}
	if e, err := Explain(nil); err != nil || !strings.HasPrefix(e.String(), "group ") {
		t.Errorf("Explain of nothing: %v, %v", e, err)
	}
	if _, err := Explain(&Config{Interface: "lo", MTU: 65508}); err == nil || !strings.Contains(err.Error(), "MTU: 65508 is not in 508..65507") {
		t.Errorf("Explain of a bad MTU: %v", err)
	}
}

// TestPortOfSomebodyElse: a program that does not share the group's port has it for itself.
func TestPortOfSomebodyElse(t *testing.T) {
	taken, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.LocalAddr().(*net.UDPAddr).Port
	_, err = Open(&Config{Interface: "lo", Group: netip.AddrPortFrom(netip.MustParseAddr("239.193.1.2"), uint16(port))})
	if !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), fmt.Sprintf("ss -ulnp sport = :%d", port)) {
		t.Errorf("%v, want who has the port", err)
	}
}

func TestPayloadFor(t *testing.T) {
	for _, c := range []struct {
		mtu   int
		flags net.Flags
		want  int
	}{
		{1500, 0, 1408}, {9000, 0, 1408}, {1436, 0, 1408}, {1435, 0, 1400}, {1400, 0, 1368},
		{65536, net.FlagLoopback, 8932}, {1500, net.FlagLoopback, 1472},
	} {
		if got := PayloadFor(&net.Interface{MTU: c.mtu, Flags: c.flags}); got != c.want {
			t.Errorf("MTU %d, flags %v: %d, want %d", c.mtu, c.flags, got, c.want)
		}
	}
}

func TestParseRoutes(t *testing.T) {
	hex := func(a string) string { // as the kernel prints it on this machine
		b := netip.MustParseAddr(a).As4()
		return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
	}
	line := func(iface, dst, flags, metric, mask string) string {
		return strings.Join([]string{iface, hex(dst), hex("0.0.0.0"), flags, "0", "0", metric, hex(mask), "0", "0", "0"}, "\t") + "\n"
	}
	text := "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n" +
		line("eth0", "0.0.0.0", "0003", "100", "0.0.0.0") +
		line("eth1", "224.0.0.0", "0001", "0", "240.0.0.0") +
		line("eth2", "10.0.0.0", "0000", "0", "255.0.0.0") + // not up
		line("*", "10.0.0.0", "0201", "0", "255.0.0.0") + // a reject route
		line("eth3", "10.0.0.0", "zz", "0", "255.0.0.0") +
		"eth4 short\n"
	want := []route{via("eth0", "0.0.0.0/0", 100), via("eth1", "224.0.0.0/4", 0)}
	if got := parseRoutes(text); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("routes %v, want %v", got, want)
	}
}
