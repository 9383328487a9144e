//go:build linux

package udp

import "net/netip"

// Where the groups of domains lie.
//
// 239.192.0.0/14 is the organisation-local scope of RFC 2365; its highest 256
// addresses are reserved there. Ethernet keeps only the low 23 bits of a group, so
// 239.0.0.x and 239.128.0.x would share the frames of 224.0.0.x, which switches
// send everywhere; in 192..195 the second byte never maps there.
//
// Ports are 24 blocks of 32 in 29184..29951: the group's, then SendPorts ports of
// the forwarders. That is below Linux's ephemeral ports (32768) and the node ports
// of Kubernetes (30000), and holds no service in wide use over UDP.
const (
	groupBase  = 239<<24 | 192<<16
	groupCount = 1<<18 - 256

	portBase   = 29184
	portStep   = 32
	portBlocks = 24
)

// GroupOf returns the multicast address and port of the domain of that name. It
// is part of the network protocol: every node computes, in 64-bit arithmetic,
//
//	h       = FNV-1a 64 of the name's bytes
//	m       = (h xor h >> 32) * 0x9E3779B97F4A7C15
//	address = 239.192.0.0 + (m >> 32) mod (2^18 - 256)
//	port    = 29184 + 32 * ((m >> 8 and 0xFFFFFF) mod 24)
//
// since the high bits of FNV-1a alone differ little between similar names. Two
// domains may share a group by chance (1 in 261,888) or a port (1 in 24); frames
// carry the domain too, and ports are shared by design. It doesn't block or allocate.
func GroupOf(domain string) netip.AddrPort {
	h := fnv1a(domain)
	m := (h ^ h>>32) * 0x9E3779B97F4A7C15
	a := uint32(groupBase + (m>>32)%groupCount)
	port := uint16(portBase + portStep*((m>>8&0xFFFFFF)%portBlocks))
	addr := netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)})
	return netip.AddrPortFrom(addr, port)
}

func fnv1a(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// invalidGroup says why g can't be a group, or nothing.
func invalidGroup(g netip.AddrPort) string {
	a := g.Addr()
	switch {
	case !a.Is4():
		return "is not an IPv4 address: only IPv4 multicast is supported"
	case !a.IsMulticast():
		return "is not a multicast address: they are 224.0.0.0 to 239.255.255.255, " +
			"for a site's own use 239.0.0.0 to 239.255.255.255"
	case a.As4()[0] == 224 && a.As4()[1] == 0 && a.As4()[2] == 0:
		return "is kept for routers and the like (224.0.0.x): take one from 239.0.0.0 to 239.255.255.255"
	case g.Port() == 0:
		return "has no port"
	case int(g.Port())+SendPorts > 65535:
		return "leaves no room for the 16 send ports that follow it: the port may be 65519 at most"
	}
	return ""
}
