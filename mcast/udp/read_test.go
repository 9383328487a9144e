//go:build linux

package udp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// numbered are n datagrams of that size that begin with their number.
func numbered(n, size int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = bytes.Repeat([]byte{byte(i)}, size)
		copy(out[i], fmt.Sprintf("%08d", i))
	}
	return out
}

func TestOwnDatagramsLoopBackMarked(t *testing.T) {
	c := open(t, loopbackConfig())
	c.WriteMulticast([][]byte{[]byte("echo")})
	b := c.NewBatch()
	if n, err := c.ReadBatch(b, patience); n != 1 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	d := b.Datagrams()[0]
	if string(d.Bytes) != "echo" || !d.Own || !d.Multicast || d.From != c.LocalAddr() {
		t.Errorf("got %+v from %s", d, d.From)
	}
	if k := c.Counters(); k.ReceivedOwn.Load() != 1 || k.ReceivedDatagrams.Load() != 1 || k.ReceivedUnicast.Load() != 0 {
		t.Errorf("counters %+v", k.All())
	}
}

// Two domains on one port, and a foreign group that this host has joined, too.
func TestOnlyTheOwnGroupIsHeard(t *testing.T) {
	cfg := loopbackConfig()
	other := cfg
	other.Group = otherGroup(GroupOf(cfg.Domain))
	a, b, foreign := open(t, cfg), open(t, cfg), open(t, other)
	foreign.WriteMulticast([][]byte{[]byte("not for you")})
	a.WriteMulticast([][]byte{[]byte("for you")})
	if g := collect(t, b, 1); g[0].data != "for you" {
		t.Errorf("heard %q of another group", g[0].data)
	}
}

func TestReadWaitsAsLongAsAsked(t *testing.T) {
	c := open(t, loopbackConfig())
	b := c.NewBatch()
	for _, wait := range []time.Duration{0, 300 * time.Microsecond, 30 * time.Millisecond} {
		start := time.Now()
		n, err := c.ReadBatch(b, wait)
		if took := time.Since(start); n != 0 || err != nil || took < wait || took > wait+patience {
			t.Errorf("wait %v: %d, %v after %v", wait, n, err, took)
		}
	}
}

func TestWakeEndsASleep(t *testing.T) {
	c := open(t, loopbackConfig())
	b := c.NewBatch()
	for i := range 50 {
		go func() {
			if i%2 == 0 { // before or after the reader falls asleep
				time.Sleep(time.Millisecond)
			}
			c.Wake()
			c.Wake()
		}()
		start := time.Now()
		n, err := c.ReadBatch(b, 2*patience)
		if n != 0 || err != nil || time.Since(start) > patience {
			t.Fatalf("%d: %d, %v after %v", i, n, err, time.Since(start))
		}
		// The second Wake may have come after the first was taken.
		time.Sleep(100 * time.Microsecond)
		c.ReadBatch(b, 0)
	}
}

func TestWakeBeforeReadCountsOnce(t *testing.T) {
	c := open(t, loopbackConfig())
	b := c.NewBatch()
	c.Wake()
	start := time.Now()
	c.ReadBatch(b, 2*patience)
	if took := time.Since(start); took > patience {
		t.Errorf("slept %v after a Wake", took)
	}
	start = time.Now()
	c.ReadBatch(b, 20*time.Millisecond)
	if took := time.Since(start); took < 20*time.Millisecond {
		t.Errorf("one Wake ended a second read, after %v", took)
	}
}

// Whatever is published before a Wake is seen by the reader it woke, however it sleeps.
func TestNoWakeIsLost(t *testing.T) {
	t.Run("asleep", func(t *testing.T) { wakeOften(t, func(*Conn) {}) })
	t.Run("in slumber", func(t *testing.T) { wakeOften(t, settle) })
}

func wakeOften(t *testing.T, before func(*Conn)) {
	c := open(t, loopbackConfig())
	work := make(chan int, 1)
	const rounds = 5000
	go func() {
		for i := range rounds {
			work <- i
			c.Wake()
		}
	}()
	b := c.NewBatch()
	for done := 0; done < rounds; {
		select {
		case <-work:
			done++
			continue
		default:
		}
		before(c)
		start := time.Now()
		if _, err := c.ReadBatch(b, 2*patience); err != nil || time.Since(start) > patience {
			t.Fatalf("after %d rounds: %v, slept %v", done, err, time.Since(start))
		}
	}
}

func TestCloseUnblocksTheReader(t *testing.T) {
	for i := range 20 {
		cfg := loopbackConfig()
		c, err := Open(&cfg)
		if err != nil {
			t.Fatal(err)
		}
		c.SetIdle(i%2 == 0)
		result := make(chan error, 1)
		go func() {
			_, err := c.ReadBatch(c.NewBatch(), -1)
			result <- err
		}()
		time.Sleep(time.Millisecond)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-result:
			if !errors.Is(err, os.ErrClosed) {
				t.Fatalf("the reader got %v", err)
			}
		case <-time.After(patience):
			t.Fatal("the reader still sleeps")
		}
	}
}

func TestClosedConnSaysSo(t *testing.T) {
	c := open(t, loopbackConfig())
	c.Close()
	c.Wake()
	_, read := c.ReadBatch(c.NewBatch(), -1)
	_, multicast := c.WriteMulticast([][]byte{{1}})
	_, unicast := c.WriteTo(c.LocalAddr(), [][]byte{{1}})
	for i, err := range []error{c.Close(), read, multicast, unicast} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("call %d: %v, want ErrClosed", i, err)
		}
	}
}

// Everything at once, for the race detector.
func TestCloseWhileEverythingIsInUse(t *testing.T) {
	cfg := loopbackConfig()
	cfg.Fault = FaultConfig{Loss: 0.1, Reorder: 0.2, Delay: 100 * time.Microsecond, Side: SideBoth}
	for range 5 {
		c := open(t, cfg)
		var wg sync.WaitGroup
		wg.Go(func() {
			for b := c.NewBatch(); ; {
				if _, err := c.ReadBatch(b, time.Millisecond); err != nil {
					return
				}
			}
		})
		wg.Go(func() {
			for d := numbered(20, 100); ; {
				if _, err := c.WriteMulticast(d); err != nil {
					return
				}
				c.WriteTo(c.LocalAddr(), d[:1])
			}
		})
		wg.Go(func() {
			for range 1000 {
				c.Wake()
				c.Counters().All()
				c.Segmenting()
			}
		})
		time.Sleep(5 * time.Millisecond)
		c.Close()
		wg.Wait()
	}
}

func TestBatchIsSplitOverReads(t *testing.T) {
	cfg := loopbackConfig()
	cfg.Batch, cfg.Segmentation = 8, SegmentationOff
	a, b := open(t, cfg), open(t, cfg)
	sent := numbered(20, 100)
	a.WriteMulticast(sent)
	a.WriteTo(b.LocalAddr(), sent)
	batch := b.NewBatch()
	multicast, unicast, reads := 0, 0, 0
	for multicast+unicast < 40 {
		n, err := b.ReadBatch(batch, patience)
		if n == 0 || n > 8 || err != nil {
			t.Fatalf("read %d, %v after %d+%d", n, err, multicast, unicast)
		}
		reads++
		for _, d := range batch.Datagrams() {
			next := &unicast
			if d.Multicast {
				next = &multicast
			}
			if !bytes.Equal(d.Bytes, sent[*next]) {
				t.Fatalf("got %.8s instead of %.8s", d.Bytes, sent[*next])
			}
			*next++
		}
		if reads == 1 && (unicast != 2 || multicast != 6) {
			t.Errorf("first read: %d unicast and %d multicast, want a quarter of unicast", unicast, multicast)
		}
	}
	// 2+6, 2+6, 2+6, 2+2, and unicast alone: 8, 4.
	if reads != 6 {
		t.Errorf("%d reads for 40 datagrams in batches of 8, want 6", reads)
	}
}

// TestNoRestWhileMoreWaits: a reader rests behind a look that brought much, but not behind one that had no room for all:
// a batch in each rest would be all that it can receive.
func TestNoRestWhileMoreWaits(t *testing.T) {
	cfg := loopbackConfig()
	cfg.Batch, cfg.Segmentation = 16, SegmentationOff
	a, b := open(t, cfg), open(t, cfg)
	batch := b.NewBatch()
	read := func(want int, rests bool) {
		t.Helper()
		if n, err := b.ReadBatch(batch, patience); n != want || err != nil || b.read.busy != rests {
			t.Errorf("read %d, %v; rests: %v; want %d and %v", n, err, b.read.busy, want, rests)
		}
	}
	for _, unicast := range []bool{false, true} {
		to := a.Group()
		if unicast {
			to = b.LocalAddr()
		}
		if n, err := a.WriteTo(to, numbered(37, 100)); n != 37 || err != nil {
			t.Fatal(n, err)
		}
		read(16, false)
		read(16, false)
		read(5, true)
	}
	a.WriteMulticast(numbered(12, 100))
	a.WriteTo(b.LocalAddr(), numbered(5, 100))
	read(16, false) // a quarter is for unicast while both wait: one is left
	read(1, false)  // which is not much
}

func TestTruncatedDatagramsAreCountedAndNotHandedOut(t *testing.T) {
	cfg := loopbackConfig()
	cfg.Segmentation, cfg.MTU, cfg.MaxDatagram = SegmentationOff, 1408, 1408
	a, b := open(t, cfg), open(t, cfg)
	if n, err := a.WriteMulticast([][]byte{make([]byte, 1409), []byte("whole"), make([]byte, 1408)}); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	g := collect(t, b, 2)
	if g[0].data != "whole" || len(g[1].data) != 1408 {
		t.Errorf("got %d and %d bytes", len(g[0].data), len(g[1].data))
	}
	if n := b.Counters().Truncated.Load(); n != 1 {
		t.Errorf("%d counted as truncated, want 1", n)
	}
}

// The socket's buffer is overrun while nobody reads: what arrived and what the
// kernel says it dropped make up what was sent, and the datagram after the hole tells it.
func TestKernelDropsAreSeen(t *testing.T) {
	cfg := loopbackConfig()
	cfg.Segmentation, cfg.ReceiveBuffer, cfg.Batch = SegmentationOff, 64<<10, 1024
	a, b := open(t, cfg), open(t, cfg)
	const n = 500
	a.WriteMulticast(numbered(n, 1408))
	batch := b.NewBatch()
	arrived, err := b.ReadBatch(batch, patience)
	if err != nil || arrived == 0 || arrived == n {
		t.Fatalf("%d of %d arrived, %v", arrived, n, err)
	}
	if d := batch.Datagrams()[arrived-1]; d.Drops != 0 {
		t.Errorf("the last before the hole knows of %d drops", d.Drops)
	}
	a.WriteMulticast([][]byte{[]byte("after")})
	if _, err := b.ReadBatch(batch, patience); err != nil {
		t.Fatal(err)
	}
	d := batch.Datagrams()[0]
	if string(d.Bytes) != "after" || d.Drops != uint64(n-arrived) {
		t.Errorf("%q: %d drops, want %d", d.Bytes, d.Drops, n-arrived)
	}
	if k := b.Counters().KernelDrops.Load(); k != d.Drops {
		t.Errorf("counter %d, datagram %d", k, d.Drops)
	}
}

func TestDropCounterWraps(t *testing.T) {
	d := dropCounter{last: 1<<32 - 2, total: 5}
	for _, step := range []struct {
		v            uint32
		moved, total uint64
	}{{1<<32 - 2, 0, 5}, {1<<32 - 1, 1, 6}, {3, 4, 10}, {2, 0, 10}} {
		if m := d.update(step.v); m != step.moved || d.total != step.total {
			t.Errorf("at %d: moved %d to %d, want %d to %d", step.v, m, d.total, step.moved, step.total)
		}
	}
}

func TestReceiveErrorIsCountedAndTold(t *testing.T) {
	c := open(t, loopbackConfig())
	var p [2]int
	if err := unix.Pipe(p[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[0])
	defer unix.Close(p[1])
	unix.Write(p[1], []byte{1})
	c.read.fds[pollRecv].Fd = int32(p[0]) // readable, but no socket
	_, err := c.ReadBatch(c.NewBatch(), patience)
	if !errors.Is(err, unix.ENOTSOCK) || !strings.Contains(err.Error(), "receive from the group's socket") {
		t.Errorf("error %v", err)
	}
	if n := c.Counters().ReceiveErrors.Load(); n != 1 {
		t.Errorf("%d errors counted", n)
	}
}

func TestABatchBelongsToItsConn(t *testing.T) {
	cfg := loopbackConfig()
	a, b := open(t, cfg), open(t, cfg)
	if _, err := a.ReadBatch(b.NewBatch(), 0); err == nil {
		t.Error("a foreign batch is accepted")
	}
}

func TestParseControlIgnoresWhatItDoesNotKnow(t *testing.T) {
	message := func(level, kind int32, value uint32) []byte {
		b := make([]byte, unix.CmsgSpace(4))
		h := cmsgAt(b)
		h.Level, h.Type = level, kind
		h.SetLen(unix.CmsgLen(4))
		binary.NativeEndian.PutUint32(b[unix.CmsgLen(0):], value)
		return b
	}
	all := append(message(unix.SOL_IP, unix.IP_TTL, 9), message(unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 7)...)
	all = append(all, message(unix.IPPROTO_UDP, unix.UDP_GRO, 100)...)
	want := controlInfo{segment: 100, drops: 7, hasDrops: true}
	if got := parseControl(all); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for n := range all { // cut short anywhere: what is whole counts
		_ = parseControl(all[:n])
	}
	cmsgAt(all).SetLen(1 << 20)
	if got := parseControl(all); got != (controlInfo{}) {
		t.Errorf("a length beyond the buffer gives %+v", got)
	}
	cmsgAt(all).SetLen(0)
	if got := parseControl(all); got != (controlInfo{}) {
		t.Errorf("a length of nothing gives %+v", got)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	for _, fault := range []FaultConfig{{}, {Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Seed: 3}} {
		cfg := loopbackConfig()
		cfg.Fault = fault
		a, b := open(t, cfg), open(t, cfg)
		batch, sent := b.NewBatch(), numbered(32, 1408)
		read := func() {
			a.WriteMulticast(sent)
			a.WriteTo(b.LocalAddr(), sent[:1])
			for n := 0; n < 20; { // 33 less what is lost
				k, err := b.ReadBatch(batch, patience)
				if err != nil {
					t.Fatal(err)
				}
				n += k
			}
			b.ReadBatch(batch, 0)
		}
		for range 300 {
			read() // the fault layer's store has its size after that
		}
		if n := testing.AllocsPerRun(200, read); n != 0 {
			t.Errorf("faults %q: %v allocations for a batch written and read, want 0", fault, n)
		}
	}
}

// What a forwarder tells as credit (spec/wire.md, Credit) fits into its socket, though nobody
// reads: each datagram alone, and joined ones.
func TestSocketHoldsTheCredit(t *testing.T) {
	for _, joined := range []Segmentation{SegmentationAuto, SegmentationOff} {
		cfg := loopbackConfig()
		cfg.ReceiveBuffer, cfg.Segmentation = 200<<10, joined // no more than every kernel gives
		a, b := open(t, cfg), open(t, cfg)
		const mtu = 1408
		credit := b.Buffers().Counted() / (2 * (mtu + 1024))
		if n, err := a.WriteMulticast(numbered(credit, mtu)); n != credit || err != nil {
			t.Fatalf("%v: sent %d of %d, %v", joined, n, credit, err)
		}
		if all := collect(t, b, credit); len(all) != credit {
			t.Errorf("%v: %d came of %d", joined, len(all), credit)
		}
	}
}
