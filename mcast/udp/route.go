//go:build linux

package udp

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// route is one line of /proc/net/route.
type route struct {
	iface  string
	prefix netip.Prefix
	metric int
}

// better says whether the kernel would prefer r to o, both leading to the
// destination.
func (r route) better(o route) bool {
	if r.prefix.Bits() != o.prefix.Bits() {
		return r.prefix.Bits() > o.prefix.Bits()
	}
	return r.metric < o.metric
}

const routeUp, routeReject = 0x1, 0x200 // RTF_UP, RTF_REJECT

// parseRoutes reads the text of /proc/net/route. Lines that it doesn't
// understand are left out: the choice of an interface has other rules to go by.
func parseRoutes(text string) []route {
	var out []route
	for line := range strings.Lines(text) {
		if r, ok := parseRoute(strings.Fields(line)); ok {
			out = append(out, r)
		}
	}
	return out
}

// parseRoute reads: iface destination gateway flags refcnt use metric mask ...
func parseRoute(f []string) (route, bool) {
	if len(f) < 8 {
		return route{}, false
	}
	flags, err := strconv.ParseUint(f[3], 16, 16)
	if err != nil || flags&routeUp == 0 || flags&routeReject != 0 {
		return route{}, false
	}
	dst, ok1 := parseHexAddr(f[1])
	mask, ok2 := parseHexAddr(f[7])
	metric, err := strconv.Atoi(f[6])
	if !ok1 || !ok2 || err != nil {
		return route{}, false
	}
	ones := bits.LeadingZeros32(^binary.BigEndian.Uint32(mask[:]))
	return route{f[0], netip.PrefixFrom(netip.AddrFrom4(dst), ones), metric}, true
}

// parseHexAddr reads an address as the kernel prints it there: the four bytes
// in network order taken for a number of the host's own byte order.
func parseHexAddr(s string) (a [4]byte, ok bool) {
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return a, false
	}
	binary.NativeEndian.PutUint32(a[:], uint32(v))
	return a, true
}
