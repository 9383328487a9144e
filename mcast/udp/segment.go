//go:build linux

package udp

// runLength is how many of the datagrams, from the first on, may go to the
// kernel as one that it cuts up again: all as long as the first, but for a last
// one that may be shorter, at most `most` of them, and no more bytes than UDP
// carries. It is 1 when joining isn't possible or, from joinLimit on, not worth it.
func runLength(datagrams [][]byte, most int) int {
	size := len(datagrams[0])
	if size == 0 || size > joinLimit {
		return 1
	}
	n, total := 1, size
	for n < len(datagrams) && n < most {
		k := len(datagrams[n])
		if k == 0 || k > size || total+k > MaxPayload {
			break
		}
		n++
		total += k
		if k < size {
			break
		}
	}
	return n
}

// joinLimit is the longest datagram that is joined to others.
const joinLimit = MaxPayload
