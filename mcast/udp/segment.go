//go:build linux

package udp

// runLength is how many of the datagrams, from the first on, may go to the
// kernel as one that it cuts up again: all as long as the first, but for a last
// one that may be shorter, no more than most, and no more bytes than UDP carries.
//
// Joining pays at every size, so there is no other limit. On loopback (Linux
// 6.18, two cores) the stack is passed once instead of up to 64 times: a delivered
// multicast datagram of 1408 bytes costs 0.9 us instead of 9, one of 8932 bytes 4.7 us
// instead of 19, and even runs of two save a third. See BenchmarkMulticast.
func runLength(datagrams [][]byte, most int) int {
	size := len(datagrams[0])
	if size == 0 {
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
