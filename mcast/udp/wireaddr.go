//go:build linux

package udp

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sockaddr is a struct sockaddr_in: family in host order, port in network
// order, address, padding.
type sockaddr = [unix.SizeofSockaddrInet4]byte

// rawAddr is a, which must be IPv4, as the kernel wants it. It doesn't allocate.
func rawAddr(a netip.AddrPort) (s sockaddr) {
	binary.NativeEndian.PutUint16(s[0:], unix.AF_INET)
	binary.BigEndian.PutUint16(s[2:], a.Port())
	ip := a.Addr().As4()
	copy(s[4:], ip[:])
	return s
}

// addrOf is the address in s, which the kernel filled in. It doesn't allocate.
func addrOf(s []byte) netip.AddrPort {
	ip := [4]byte(s[4:8])
	return netip.AddrPortFrom(netip.AddrFrom4(ip), binary.BigEndian.Uint16(s[2:]))
}

// controlSize holds the two control messages that a received datagram may bear,
// or the one that a sent one does.
const controlSize = 64

// A controlInfo is what the kernel says about a received datagram beside its source.
type controlInfo struct {
	segment  int    // size of the datagrams that were joined, 0: a single one
	drops    uint32 // cumulative
	hasDrops bool
}

// parseControl reads the control messages in b; unknown ones are passed over.
func parseControl(b []byte) (info controlInfo) {
	for len(b) >= unix.SizeofCmsghdr {
		h := cmsgAt(b)
		n := int(h.Len)
		if n < unix.CmsgLen(0) || n > len(b) {
			return info
		}
		data := b[unix.CmsgLen(0):n]
		switch {
		case len(data) < 4:
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL:
			info.drops, info.hasDrops = binary.NativeEndian.Uint32(data), true
		case h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO:
			info.segment = int(int32(binary.NativeEndian.Uint32(data)))
		}
		b = b[min(unix.CmsgSpace(len(data)), len(b)):]
	}
	return info
}

// putSegmentControl writes the control message that makes the kernel cut a
// datagram into ones of size bytes, and returns its length.
func putSegmentControl(b []byte, size int) int {
	h := cmsgAt(b)
	h.Level = unix.IPPROTO_UDP
	h.Type = unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(b[unix.CmsgLen(0):], uint16(size))
	return unix.CmsgSpace(2)
}
