//go:build linux

package udp

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// otherGroup is another group on the same port.
func otherGroup(g netip.AddrPort) netip.AddrPort {
	ip := g.Addr().As4()
	ip[1] = 239 // not one of GroupOf's
	return netip.AddrPortFrom(netip.AddrFrom4(ip), g.Port())
}

// unevenSizes has every case of joining: equal, shorter, longer, empty, long runs.
func unevenSizes() []int {
	sizes := []int{1, 0, 100, 100, 100, 50, 100, 100, 101, 0, 0, 8932, 8932, 8932, 65507, 65507, 7}
	for range 120 {
		sizes = append(sizes, 1408)
	}
	for range 130 {
		sizes = append(sizes, 1)
	}
	return append(sizes, 30000, 30000, 30000, 5)
}

func TestJoinedAndSingleArriveAlike(t *testing.T) {
	for _, from := range []Segmentation{SegmentationAuto, SegmentationOff} {
		for _, to := range []Segmentation{SegmentationAuto, SegmentationOff} {
			t.Run(fmt.Sprintf("from=%d/to=%d", from, to), func(t *testing.T) { exchangeUneven(t, from, to) })
		}
	}
}

func exchangeUneven(t *testing.T, from, to Segmentation) {
	cfg := loopbackConfig()
	cfg.MaxDatagram = MaxPayload
	cfg.Segmentation = from
	a := open(t, cfg)
	cfg.Segmentation = to
	b := open(t, cfg)
	var sent [][]byte
	var total int
	for i, n := range unevenSizes() {
		sent = append(sent, bytes.Repeat([]byte{byte(i)}, n))
		total += n
	}
	// In parts that the buffer holds even where net.core.rmem_max is small.
	const step = 50
	for lo := 0; lo < len(sent); lo += step {
		part := sent[lo:min(lo+step, len(sent))]
		if n, err := a.WriteMulticast(part); n != len(part) || err != nil {
			t.Fatalf("sent %d of %d, %v", n, len(part), err)
		}
		for i, g := range collect(t, b, len(part)) {
			if g.data != string(part[i]) {
				t.Fatalf("datagram %d has %d bytes, want %d", lo+i, len(g.data), len(part[i]))
			}
		}
	}
	k, r := a.Counters(), b.Counters()
	if k.SentDatagrams.Load() != uint64(len(sent)) || k.SentBytes.Load() != uint64(total) ||
		r.ReceivedDatagrams.Load() != uint64(len(sent)) || r.ReceivedBytes.Load() != uint64(total) {
		t.Errorf("counted %v\nand %v", k.All(), r.All())
	}
	if joined := k.Segmented.Load() > 0; joined != (from == SegmentationAuto) {
		t.Errorf("%d were joined", k.Segmented.Load())
	}
	if joined := r.Joined.Load() > 0; joined != (from == SegmentationAuto && to == SegmentationAuto) {
		t.Errorf("%d came joined", r.Joined.Load())
	}
}

func TestRunLength(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		most  int
		want  int
	}{
		{[]int{10}, 64, 1},
		{[]int{10, 10, 10}, 64, 3},
		{[]int{10, 10, 4, 4}, 64, 3},
		{[]int{10, 11}, 64, 1},
		{[]int{10, 10, 11}, 64, 2},
		{[]int{10, 0, 10}, 64, 1},
		{[]int{0, 0}, 64, 1},
		{[]int{10, 10, 10}, 2, 2},
		{[]int{32753, 32753, 1}, 64, 3},
		{[]int{32753, 32753, 2}, 64, 2},
		{[]int{32754, 32753}, 64, 2},
		{[]int{32754, 32754}, 64, 1},
		{[]int{65507, 1}, 64, 1},
	} {
		var d [][]byte
		for _, n := range c.sizes {
			d = append(d, make([]byte, n))
		}
		if got := runLength(d, c.most); got != c.want {
			t.Errorf("%v, at most %d: %d, want %d", c.sizes, c.most, got, c.want)
		}
	}
}

// The kernel refuses to cut datagrams without checksums; nothing may be lost by it.
func TestRefusedJoiningFallsBack(t *testing.T) {
	cfg := loopbackConfig()
	a, b := open(t, cfg), open(t, cfg)
	if err := unix.SetsockoptInt(a.outFD, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1); err != nil {
		t.Fatal(err)
	}
	sent := numbered(40, 500)
	if n, err := a.WriteMulticast(sent); n != 40 || err != nil {
		t.Fatalf("sent %d, %v", n, err)
	}
	for i, g := range collect(t, b, 40) {
		if g.data != string(sent[i]) {
			t.Fatalf("datagram %d is %.8s", i, g.data)
		}
	}
	if a.Segmenting() || a.Counters().Segmented.Load() != 0 || a.Counters().SendErrors.Load() != 0 {
		t.Errorf("segmenting %v, %v", a.Segmenting(), a.Counters().All())
	}
}

// A stern is a kernel that answers as told, then takes one header at a time.
type stern struct {
	answers []syscall.Errno
	taken   int
	calls   int
}

func (s *stern) give(_ int, h []mmsghdr) (int, syscall.Errno) {
	s.calls++
	if len(s.answers) > 0 {
		e := s.answers[0]
		s.answers = s.answers[1:]
		if e != 0 {
			return 0, e
		}
	}
	s.taken++
	return 1, 0
}

func repeat(e syscall.Errno, n int) (out []syscall.Errno) {
	for range n {
		out = append(out, e)
	}
	return out
}

func TestSendErrors(t *testing.T) {
	for _, c := range []struct {
		name                   string
		answers                []syscall.Errno
		sent                   int
		err                    error
		dropped, errs, retries uint64
	}{
		{"one at a time", nil, 5, nil, 0, 0, 0},
		{"interrupted", repeat(unix.EINTR, 3), 5, nil, 0, 0, 0},
		{"full for a while", repeat(unix.EAGAIN, 2), 5, nil, 0, 0, 2},
		{"out of memory for a while", []syscall.Errno{0, unix.ENOBUFS, unix.ENOMEM}, 5, nil, 0, 0, 2},
		{"full for too long", append([]syscall.Errno{0, 0}, repeat(unix.EAGAIN, 20)...), 2, nil, 3, 0, sendWaits},
		{"nobody listened to an earlier one", []syscall.Errno{unix.ECONNREFUSED}, 5, nil, 0, 0, 0},
		{"nobody listens", repeat(unix.ECONNREFUSED, 2), 4, nil, 0, 1, 0},
		{"too long", []syscall.Errno{0, unix.EMSGSIZE}, 4, unix.EMSGSIZE, 0, 1, 0},
		{"network gone", []syscall.Errno{0, unix.ENETUNREACH}, 1, unix.ENETUNREACH, 0, 4, 0},
	} {
		c0 := open(t, loopbackConfig())
		kernel := &stern{answers: c.answers}
		c0.write.give = kernel.give
		// Of different lengths, so that none are joined.
		n, err := c0.WriteMulticast([][]byte{{1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}, {1, 2, 3, 4, 5}})
		k := c0.Counters()
		if n != c.sent || !errors.Is(err, c.err) || kernel.taken != c.sent ||
			k.SentDatagrams.Load() != uint64(c.sent) || k.SendDropped.Load() != c.dropped ||
			k.SendErrors.Load() != c.errs || k.SendRetries.Load() != c.retries {
			t.Errorf("%s: sent %d, %v; taken %d; dropped %d, errors %d, retries %d", c.name, n, err, kernel.taken,
				k.SendDropped.Load(), k.SendErrors.Load(), k.SendRetries.Load())
		}
	}
}

func TestAPersistentSendErrorIsMadeOnce(t *testing.T) {
	c := open(t, loopbackConfig())
	c.write.give = func(int, []mmsghdr) (int, syscall.Errno) { return 0, unix.ENETUNREACH }
	d := [][]byte{{1}}
	_, first := c.WriteMulticast(d)
	var se *SendError
	if !errors.As(first, &se) || se.To != c.Group() || first.Error() != "udp: send to "+c.Group().String()+": network is unreachable" {
		t.Fatalf("error %v", first)
	}
	if n := testing.AllocsPerRun(100, func() { c.WriteMulticast(d) }); n != 0 {
		t.Errorf("%v allocations for an error that persists", n)
	}
}

func TestLongerThanTheInterfaceCarries(t *testing.T) {
	c := open(t, loopbackConfig())
	n, err := c.WriteMulticast([][]byte{{1}, make([]byte, MaxPayload+1), {2}})
	if n != 2 || !errors.Is(err, unix.EMSGSIZE) || c.Counters().SendErrors.Load() != 1 {
		t.Errorf("sent %d, %v", n, err)
	}
}

func TestUnicastToNobodyIsNoError(t *testing.T) {
	c := open(t, loopbackConfig())
	nobody := netip.AddrPortFrom(c.LocalAddr().Addr(), c.Group().Port()) // no socket has it alone
	for range 3 {
		if n, err := c.WriteTo(nobody, [][]byte{{1}}); n != 1 || err != nil {
			t.Errorf("sent %d, %v", n, err)
		}
	}
	c.WriteMulticast([][]byte{[]byte("still here")})
	b := c.NewBatch()
	if n, err := c.ReadBatch(b, patience); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestWriteToWantsAnIPv4Address(t *testing.T) {
	c := open(t, loopbackConfig())
	for _, to := range []netip.AddrPort{{}, netip.MustParseAddrPort("[::1]:5000"), netip.MustParseAddrPort("127.0.0.1:0")} {
		if n, err := c.WriteTo(to, [][]byte{{1}}); n != 0 || !errors.Is(err, unix.EAFNOSUPPORT) {
			t.Errorf("%s: sent %d, %v", to, n, err)
		}
	}
	mapped := netip.AddrPortFrom(netip.AddrFrom16(c.LocalAddr().Addr().As16()), c.LocalAddr().Port())
	if n, err := c.WriteTo(mapped, [][]byte{{1}}); n != 1 || err != nil {
		t.Errorf("an IPv4 address in IPv6 form: sent %d, %v", n, err)
	}
}

func TestWritingNothing(t *testing.T) {
	c := open(t, loopbackConfig())
	if n, err := c.WriteMulticast(nil); n != 0 || err != nil {
		t.Errorf("sent %d, %v", n, err)
	}
	if c.Counters().SendCalls.Load() != 0 {
		t.Error("a system call for nothing")
	}
}
