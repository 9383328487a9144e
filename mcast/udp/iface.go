//go:build linux

package udp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
)

// A Choice is the interface that a Conn uses, and why.
type Choice struct {
	Name     string
	Index    int
	Addr     netip.Addr // the interface's first IPv4 address, or the one asked for
	MTU      int        // the interface's own
	Loopback bool
	Reason   string

	addrs []netip.Addr // all of the interface's
}

// String is the choice in one line for people.
func (c Choice) String() string {
	return fmt.Sprintf("%s (%s, MTU %d): %s", c.Name, c.Addr, c.MTU, c.Reason)
}

// Payload is the largest datagram that is sent on this interface by default, before it is
// known what others receive.
func (c Choice) Payload() int { return payloadFor(c.MTU, c.Loopback) }

// PayloadFor returns the default size of the largest datagram on an interface,
// in bytes of UDP payload: LoopbackPayload on a loopback interface,
// DefaultPayload on others, or the multiple of 8 that fits if that is less.
func PayloadFor(ifi *net.Interface) int {
	return payloadFor(ifi.MTU, ifi.Flags&net.FlagLoopback != 0)
}

func payloadFor(mtu int, loopback bool) int {
	want := DefaultPayload
	if loopback {
		want = LoopbackPayload
	}
	if fits := largestPayload(mtu); fits < want {
		return fits &^ 7 // messages are 8-aligned in a datagram
	}
	return want
}

// ethernetMTU is that of Ethernet without jumbo frames.
const ethernetMTU = 1500

// jumboFor is the larger datagram that an interface beyond that may carry to others; 0 on any other.
func jumboFor(mtu int, loopback bool) int {
	if loopback || mtu <= ethernetMTU {
		return 0
	}
	return min(JumboPayload, largestPayload(mtu)&^7)
}

// largestPayload is what an interface of that MTU carries in one packet.
func largestPayload(mtu int) int { return min(mtu-ipUDPHeader, MaxPayload) }

// candidate is an interface of the host as far as the choice looks at it.
type candidate struct {
	name      string
	index     int
	mtu       int
	up        bool
	multicast bool
	loopback  bool
	addrs     []netip.Addr // IPv4 only
}

// unusable says why nothing can be sent or received there, or nothing. Loopback
// lacks the multicast flag but carries multicast to whoever names it.
func (c *candidate) unusable() string {
	switch {
	case !c.up:
		return "is down: bring it up with `ip link set " + c.name + " up`"
	case len(c.addrs) == 0:
		return "has no IPv4 address: give it one with `ip addr add ADDRESS/BITS dev " + c.name + "`"
	case !c.multicast && !c.loopback:
		return "does not do multicast: try `ip link set " + c.name + " multicast on`, or take another"
	case largestPayload(c.mtu) < MinPayload:
		return fmt.Sprintf("has an MTU of %d, less than the %d that are needed", c.mtu, MinPayload+ipUDPHeader)
	}
	return ""
}

// describe is the interface with its state, for errors.
func (c *candidate) describe() string {
	s := c.name + " ("
	if c.up {
		s += "up"
	} else {
		s += "down"
	}
	if c.loopback {
		s += ", loopback"
	} else if !c.multicast {
		s += ", no multicast"
	}
	if len(c.addrs) == 0 {
		s += ", no IPv4"
	}
	for _, a := range c.addrs {
		s += ", " + a.String()
	}
	return s + ")"
}

func (c *candidate) chosen(addr netip.Addr, reason string) Choice {
	return Choice{c.name, c.index, addr, c.mtu, c.loopback, reason, c.addrs}
}

// Choose returns the interface that Open would take for cfg. With no interface
// named, the rule is, the first that applies:
//
//  1. the interface of the kernel's best route to the group: the route with the
//     longest prefix, commonly the default route; a virtual interface (rule 2)
//     is not taken for having the default route alone, VPNs do
//  2. the first one up, with multicast and an IPv4 address, that isn't virtual
//     by its name (docker, bridges, veth and their like)
//  3. the first such virtual one
//  4. loopback: then only forwarders of this host hear each other
//
// It makes system calls and allocates. The error is an *InterfaceError or *ConfigError.
func Choose(cfg *Config) (Choice, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	if err := cfg.validate(); err != nil {
		return Choice{}, err
	}
	d := cfg.withDefaults()
	have, err := candidates()
	if err != nil {
		return Choice{}, err
	}
	return choose(d.Interface, d.Group.Addr(), have, hostRoutes())
}

// An Explanation is what Open would take for a configuration, and why.
type Explanation struct {
	Group     netip.AddrPort `json:"group"`
	Interface string         `json:"interface"`
	Address   netip.Addr     `json:"address"`
	MTU       int            `json:"mtu"`      // the interface's own
	Datagram  int            `json:"datagram"` // the largest one, in bytes of UDP payload
	Sure      int            `json:"sure"`     // the largest one before all nodes have shown that they receive others
	Reason    string         `json:"reason"`
}

// String is one line for people.
func (e *Explanation) String() string {
	ch := Choice{Name: e.Interface, Addr: e.Address, MTU: e.MTU, Reason: e.Reason}
	s := fmt.Sprintf("group %s on %s; datagrams of up to %d bytes", e.Group, ch, e.Datagram)
	if e.Sure < e.Datagram {
		s += fmt.Sprintf(", of %d until all nodes have shown that they receive them", e.Sure)
	}
	return s
}

// Explain says which interface, group and payload Open would take for cfg and why, or
// returns the error that it would give. It makes system calls and allocates.
func Explain(cfg *Config) (*Explanation, error) {
	if cfg == nil {
		cfg = &Config{}
	}
	ch, err := Choose(cfg)
	if err != nil {
		return nil, err
	}
	d := cfg.withDefaults()
	if err := d.forInterface(&ch); err != nil {
		return nil, err
	}
	return &Explanation{d.Group, ch.Name, ch.Addr, ch.MTU, d.MTU, d.sure, ch.Reason}, nil
}

// choose is the rule of Choose over a list of interfaces and routes.
func choose(name string, group netip.Addr, have []candidate, routes []route) (Choice, error) {
	if name != "" {
		return chooseNamed(name, have)
	}
	if c, why := byRoute(group, have, routes); c != nil {
		return c.chosen(c.addrs[0], why), nil
	}
	for _, rule := range []struct {
		fits   func(*candidate) bool
		reason string
	}{
		{func(c *candidate) bool { return !c.loopback && !virtualName(c.name) }, "the first interface that is up with multicast and IPv4"},
		{func(c *candidate) bool { return !c.loopback }, "only virtual interfaces are up"},
		{func(c *candidate) bool { return c.loopback }, "no other interface is usable: only this host is reached"},
	} {
		for i := range have {
			if c := &have[i]; c.unusable() == "" && rule.fits(c) {
				return c.chosen(c.addrs[0], rule.reason), nil
			}
		}
	}
	return Choice{}, &InterfaceError{"", "none is up with multicast and an IPv4 address", describeAll(have)}
}

// chooseNamed takes the interface of that name or IPv4 address.
func chooseNamed(name string, have []candidate) (Choice, error) {
	asAddr, _ := netip.ParseAddr(name)
	for i := range have {
		c := &have[i]
		addr, found := c.named(name, asAddr)
		if !found {
			continue
		}
		if why := c.unusable(); why != "" {
			return Choice{}, &InterfaceError{name, why, describeAll(have)}
		}
		if !addr.IsValid() {
			addr = c.addrs[0]
		}
		return c.chosen(addr, "named in the configuration"), nil
	}
	if asAddr.IsValid() {
		return Choice{}, &InterfaceError{name, "no interface has this IPv4 address", describeAll(have)}
	}
	return Choice{}, &InterfaceError{name, "no such interface", describeAll(have)}
}

// named says whether c is meant by name, and by which of its addresses, if by one.
func (c *candidate) named(name string, asAddr netip.Addr) (netip.Addr, bool) {
	if c.name == name {
		return netip.Addr{}, true
	}
	for _, a := range c.addrs {
		if a == asAddr {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// byRoute finds the usable interface whose route to the group is the most
// specific one; of equal ones that with the lowest metric.
func byRoute(group netip.Addr, have []candidate, routes []route) (*candidate, string) {
	var best *candidate
	var bestRoute route
	for _, r := range routes {
		if !r.prefix.Contains(group) || best != nil && !r.better(bestRoute) {
			continue
		}
		for i := range have {
			c := &have[i]
			vpn := r.prefix.Bits() == 0 && virtualName(c.name)
			if c.name == r.iface && c.unusable() == "" && !vpn {
				best, bestRoute = c, r
			}
		}
	}
	if best == nil {
		return nil, ""
	}
	if bestRoute.prefix.Bits() == 0 {
		return best, "it has the default route"
	}
	return best, "the route " + bestRoute.prefix.String() + " leads to the group through it"
}

// virtualPrefixes begin the names of interfaces that lead to containers, virtual
// machines and tunnels, not to the LAN.
var virtualPrefixes = []string{"docker", "br-", "veth", "virbr", "cni", "flannel", "cali", "podman",
	"lxc", "lxd", "vmnet", "vboxnet", "tun", "tap", "wg", "tailscale", "zt", "dummy", "ifb", "kube", "cilium"}

func virtualName(name string) bool {
	for _, p := range virtualPrefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

func describeAll(have []candidate) []string {
	out := make([]string, len(have))
	for i := range have {
		out[i] = have[i].describe()
	}
	return out
}

// candidates lists the host's interfaces in the order of their indices.
func candidates() ([]candidate, error) {
	ifis, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("udp: list interfaces: %w", err)
	}
	have := make([]candidate, 0, len(ifis))
	for _, ifi := range ifis {
		addrs, err := ifi.Addrs()
		if err != nil {
			addrs = nil // it went away between the two calls
		}
		have = append(have, candidate{
			name: ifi.Name, index: ifi.Index, mtu: ifi.MTU,
			up:        ifi.Flags&net.FlagUp != 0,
			multicast: ifi.Flags&net.FlagMulticast != 0,
			loopback:  ifi.Flags&net.FlagLoopback != 0,
			addrs:     ipv4Of(addrs),
		})
	}
	return have, nil
}

func ipv4Of(addrs []net.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap().Is4() {
			out = append(out, ip.Unmap())
		}
	}
	return out
}

// hostRoutes reads the kernel's IPv4 routes; none where /proc isn't there.
func hostRoutes() []route {
	text, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return nil // the rule goes on without
	}
	return parseRoutes(string(text))
}
