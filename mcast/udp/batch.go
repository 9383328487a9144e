//go:build linux

package udp

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// A Datagram is one wire datagram as received.
type Datagram struct {
	// Bytes is the payload, to be read only; a duplicated datagram appears twice
	// with the same bytes. It is valid until the next ReadBatch.
	Bytes []byte

	// From is the sender's send socket: the way back to it.
	From netip.AddrPort

	// Drops is how many datagrams the kernel had dropped at this socket, since
	// Open, when this one was queued: if it moved from the last datagram to this
	// one, what is missing between them was lost here. At least that many: the
	// kernel may count joined datagrams once.
	Drops uint64

	// Multicast says that it came to the group, not to this Conn alone.
	Multicast bool

	// Own says that this Conn sent it.
	Own bool
}

const (
	// maxKernelDatagram is what the kernel hands out at most, joined or not.
	maxKernelDatagram = 65536

	// maxSegments is how many datagrams a kernel of any version takes joined;
	// newer ones hand out more in one piece (a Batch grows once, then).
	maxSegments = 64

	// slotSkew is added to each receive buffer, so that the beginnings of
	// successive ones don't fall onto the same sets of the caches.
	slotSkew = 23 * 64
)

// A Batch is the memory into which ReadBatch receives. It is made by NewBatch,
// once, and used again and again. A Batch must not be used by more than one
// goroutine at a time.
type Batch struct {
	conn      *Conn // whose buffer sizes it has
	hdrs      []mmsghdr
	iovs      []unix.Iovec
	names     []byte // a sockaddr for each
	control   []byte // controlSize bytes for each
	data      []byte
	stride    int
	datagrams []Datagram
}

// NewBatch returns an empty Batch for this Conn. It allocates all that reading
// needs: about 4 MiB by default, of which only what is received into is touched.
func (c *Conn) NewBatch() *Batch {
	slots := c.cfg.Batch
	b := &Batch{
		conn:    c,
		hdrs:    make([]mmsghdr, slots),
		iovs:    make([]unix.Iovec, slots),
		names:   make([]byte, slots*unix.SizeofSockaddrInet4),
		control: make([]byte, slots*controlSize),
		stride:  c.slot + slotSkew,
	}
	b.data = make([]byte, slots*b.stride)
	most := slots
	if c.gro {
		most *= maxSegments
	}
	b.datagrams = make([]Datagram, 0, most)
	for i := range b.hdrs {
		b.iovs[i].Base = &b.data[i*b.stride]
		b.iovs[i].SetLen(c.slot)
		h := &b.hdrs[i].hdr
		h.Name = &b.names[i*unix.SizeofSockaddrInet4]
		h.Control = &b.control[i*controlSize]
		h.Iov = &b.iovs[i]
		h.SetIovlen(1)
	}
	return b
}

// Datagrams are those that the last ReadBatch received, in the order in which
// they came to each socket.
func (b *Batch) Datagrams() []Datagram { return b.datagrams }

// arm readies up to n headers from the first on for the kernel.
func (b *Batch) arm(from, to int) []mmsghdr {
	for i := from; i < to; i++ {
		h := &b.hdrs[i].hdr
		h.Namelen = unix.SizeofSockaddrInet4
		h.SetControllen(controlSize)
		h.Flags = 0
	}
	return b.hdrs[from:to]
}

// controlOf is what the kernel wrote to the control buffer of header i.
func (b *Batch) controlOf(i int) []byte {
	n := min(int(b.hdrs[i].hdr.Controllen), controlSize)
	return b.control[i*controlSize:][:n]
}

func (b *Batch) nameOf(i int) []byte {
	return b.names[i*unix.SizeofSockaddrInet4:][:unix.SizeofSockaddrInet4]
}

// bytesOf is the data of header i, never more than its buffer.
func (b *Batch) bytesOf(i, n int) []byte {
	return b.data[i*b.stride:][:min(n, b.stride-slotSkew)]
}

// split appends the datagrams of d.Bytes, which the kernel joined from ones of
// size bytes, the last one possibly shorter. Size 0: there is just one.
func (b *Batch) split(d Datagram, size int) int {
	data := d.Bytes
	if size <= 0 || size >= len(data) {
		b.datagrams = append(b.datagrams, d)
		return 1
	}
	n := 0
	for len(data) > 0 {
		k := min(size, len(data))
		d.Bytes = data[:k:k]
		b.datagrams = append(b.datagrams, d)
		data = data[k:]
		n++
	}
	return n
}
