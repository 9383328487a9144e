//go:build linux

package udp

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Many sleeps in close succession are traffic; a pause makes it few again. Short sleeps are the
// reader's own in any case.
func TestCalmIsWhereLittleComes(t *testing.T) {
	var r readState
	now := int64(time.Second)
	far := now + int64(time.Hour)
	calm := func(after int64, want bool) {
		t.Helper()
		now += after
		if got := r.calm(now, far); got != want {
			t.Errorf("calm %v", got)
		}
	}
	calm(hotApart, true)
	for range hotSleeps - 1 {
		calm(1000, true)
	}
	calm(1000, false)
	calm(hotApart-1, false)
	calm(hotApart, true)
	calm(1000, true)
	if r.calm(now+hotApart, now+hotApart+slumberMin-1) {
		t.Error("a short sleep is left to the poller")
	}
}

// settle makes a reader calm.
func settle(c *Conn) {
	c.SetIdle(true)
	c.read.hot, c.read.slept = 0, -hotApart
}

// A slumber ends by a datagram on either socket, by Wake and by its time, whether that comes before it or while it
// lasts. A reader to whom it comes too early looks again.
func TestSlumberEnds(t *testing.T) {
	cfg := loopbackConfig()
	a, b := open(t, cfg), open(t, cfg)
	batch, one := b.NewBatch(), [][]byte{[]byte("x")}
	for _, end := range []struct {
		by   string
		do   func()
		want int
		wait time.Duration
	}{
		{"multicast", func() { a.WriteMulticast(one) }, 1, patience},
		{"unicast", func() { a.WriteTo(b.LocalAddr(), one) }, 1, patience},
		{"Wake", b.Wake, 0, patience},
		{"time", func() {}, 0, 3 * time.Millisecond},
	} {
		for round := range 10 {
			settle(b)
			if round%2 == 0 {
				end.do()
			} else {
				time.AfterFunc(2*time.Millisecond, end.do)
			}
			start := time.Now()
			n, err := b.ReadBatch(batch, end.wait)
			took := time.Since(start)
			if err != nil || n != end.want || (end.by == "time") != (took >= end.wait) {
				t.Errorf("%s, round %d: read %d, %v after %v", end.by, round, n, err, took)
			}
			if !b.read.calmed && (end.by != "Wake" || round%2 == 1) {
				t.Errorf("%s, round %d: that was no slumber", end.by, round)
			}
		}
	}
}

// A program that has something else to do keeps its reader awake in the old way.
func TestBusyProgramsSleepThemselves(t *testing.T) {
	c := open(t, loopbackConfig())
	b := c.NewBatch()
	for _, idle := range []bool{false, true, false} {
		settle(c)
		c.SetIdle(idle)
		if _, err := c.ReadBatch(b, 2*time.Millisecond); err != nil || c.read.calmed != idle {
			t.Errorf("idle %v: a slumber %v, %v", idle, c.read.calmed, err)
		}
	}
}

// What the fault layer holds back ends a slumber, too, when its time has come.
func TestSlumberKeepsTheFaultLayersTime(t *testing.T) {
	cfg := loopbackConfig()
	a := open(t, cfg)
	cfg.Fault = FaultConfig{Delay: 20 * time.Millisecond, Side: SideReceive}
	b := open(t, cfg)
	settle(b)
	a.WriteMulticast(numbered(1, 100))
	if n, err := b.ReadBatch(b.NewBatch(), patience); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}

func TestSlumberAllocatesNothing(t *testing.T) {
	c := open(t, loopbackConfig())
	b := c.NewBatch()
	if n := testing.AllocsPerRun(50, func() {
		settle(c)
		c.ReadBatch(b, 2*time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations a sleep", n)
	}
}

// While much comes the reader sleeps in a call of its own, and datagrams wake nobody in the poller; where it is calm
// again, the next slumber ends by one that came before it or comes while it lasts.
func TestHotReaderHushesItsSlumber(t *testing.T) {
	cfg := loopbackConfig()
	a, b := open(t, cfg), open(t, cfg)
	batch, one := b.NewBatch(), [][]byte{[]byte("x")}
	read := func(what string) {
		t.Helper()
		if n, err := b.ReadBatch(batch, patience); n != 1 || err != nil {
			t.Fatalf("%s: read %d, %v", what, n, err)
		}
	}
	found := func() int {
		n, errno := epollLook(b.read.slumber.fd, b.read.slumber.events[:])
		if errno != 0 {
			t.Fatal(errno)
		}
		return n
	}
	for round := range 10 {
		b.SetIdle(true)
		b.read.hot, b.read.slept = hotSleeps, b.now()+int64(time.Minute) // however late it goes on
		a.WriteMulticast(one)
		read("hot")
		if b.read.calmed || !b.read.slumber.hushed {
			t.Fatal("that was a slumber")
		}
		a.WriteTo(b.LocalAddr(), one)
		a.WriteMulticast(one)
		if n := found(); n != 0 {
			t.Fatalf("%d descriptors would wake the poller", n)
		}
		if list := watched(t, b); slices.Contains(list, b.sendFD) || slices.Contains(list, b.recvFD) {
			t.Fatalf("the poller looks through its list for each datagram: %v", list)
		}
		settle(b)
		if n, err := b.ReadBatch(batch, patience); n != 2 || err != nil || !b.read.calmed {
			t.Fatalf("round %d: read %d, %v, what came before the slumber", round, n, err)
		}
		settle(b)
		time.AfterFunc(time.Millisecond, func() { a.WriteMulticast(one) })
		read("in slumber")
		if !b.read.calmed || b.read.slumber.hushed {
			t.Fatal("that was no slumber")
		}
	}
}

// watched are the descriptors in the epoll instance of a Conn's slumber.
func watched(t *testing.T, c *Conn) (list []int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", c.read.slumber.fd))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var fd int
		if n, _ := fmt.Sscanf(line, "tfd: %d", &fd); n == 1 {
			list = append(list, fd)
		}
	}
	return list
}

// In slumber the reader is woken by both sockets, and nobody ever waits on the one through which datagrams leave.
func TestNobodyWatchesTheWayOut(t *testing.T) {
	c := open(t, loopbackConfig())
	list := watched(t, c)
	if !slices.Contains(list, c.sendFD) || !slices.Contains(list, c.recvFD) {
		t.Errorf("a slumber ends by %v, not by both of %d and %d", list, c.sendFD, c.recvFD)
	}
	for _, p := range c.read.fds {
		list = append(list, int(p.Fd))
	}
	if slices.Contains(list, c.outFD) {
		t.Errorf("%d is among those that are slept on: %v", c.outFD, list)
	}
}
