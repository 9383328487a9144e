// Package program is what a Go program of the network cells has: its flags, the sender's
// pace, the receiver's books, the round trips of one who asks, and its word with the one that started it. It is the twin
// of bench/peers/net/peer.h and asking.h, which say what is printed when.
package program

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/ringcast/ringcast/bench"
	"golang.org/x/sys/unix"
)

// A Work is what the flags say.
type Work struct {
	Sends     bool
	Asks      bool
	Answers   bool
	Size      int
	Rate      float64 // messages a second; 0: as fast as they are taken
	Warmup    time.Duration
	Duration  time.Duration
	Address   string // own
	Sender    string
	Receivers int
	Open      int // requests that one who asks has open at a time
	Dir       string
	// Compressible payloads are those that fold; others do not.
	Compressible bool
}

// Parse reads "send", "receive", "ask" or "answer" and the flags after it.
func Parse(args []string) (Work, error) {
	var w Work
	if len(args) == 0 || !slices.Contains([]string{"send", "receive", "ask", "answer"}, args[0]) {
		return w, errors.New("want send, receive, ask or answer")
	}
	w.Sends, w.Asks, w.Answers = args[0] == "send", args[0] == "ask", args[0] == "answer"
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.IntVar(&w.Size, "size", 1024, "bytes of a message, at least 16")
	f.Float64Var(&w.Rate, "rate", 0, "messages a second; 0: as fast as they are taken")
	warmup := f.Int64("warmup-ns", 0, "before the window")
	duration := f.Int64("duration-ns", int64(time.Second), "of the window")
	f.StringVar(&w.Address, "address", "127.0.0.1", "of this node")
	f.StringVar(&w.Sender, "sender", "127.0.0.1", "of the sender's node, or of the service's")
	f.IntVar(&w.Receivers, "receivers", 2, "how many there are")
	f.IntVar(&w.Open, "open", 1, "requests open at a time")
	f.StringVar(&w.Dir, "dir", "", "of this node")
	compressible := f.Int("compressible", 0, "1: payloads that fold")
	if err := f.Parse(args[1:]); err != nil {
		return w, err
	}
	w.Warmup, w.Duration, w.Compressible = time.Duration(*warmup), time.Duration(*duration), *compressible != 0
	return w, nil
}

// Write writes every byte of a message.
func (w *Work) Write(b []byte, tag, stamp uint64) {
	if w.Compressible {
		bench.Fill(b, tag, stamp)
	} else {
		bench.FillScattered(b, tag, stamp)
	}
}

// Read reads every byte of a message, and reports whether it is what was written.
func (w *Work) Read(b []byte) (tag, stamp uint64, whole bool) {
	if w.Compressible {
		return bench.Read(b)
	}
	return bench.ReadScattered(b)
}

// Now is the time of all programs' clock, CLOCK_MONOTONIC, which the nodes of one host share. It
// makes no system call, as it makes none in C: it is read for each message.
func Now() uint64 { return zero + uint64(time.Since(start)) }

// Zero is what the clock says at start, of which Go's own tells how long it is ago.
var zero, start = clock(), time.Now()

func clock() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail
	return uint64(t.Nano())
}

// Ready says that the program is joined.
func Ready() { fmt.Println("ready") }

// sleepExactly has the kernel end this thread's sleeps when they are over, as peer.h does: by default it may take
// 50 us more.
func sleepExactly() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0) }

// AwaitStart waits for the line that lets the sender begin.
func AwaitStart() error {
	_, err := bufio.NewReader(os.Stdin).ReadString('\n')
	return err
}

// A Pace is a sender's. It belongs to one goroutine.
type Pace struct {
	start, end uint64
	period     float64
	sent       uint64
	longest    uint64
}

// NewPace begins now. The goroutine keeps its thread from then on, whose sleeps end exactly.
func NewPace(w *Work) *Pace {
	runtime.LockOSThread()
	sleepExactly()
	p := &Pace{start: Now()}
	p.end = p.start + uint64(w.Warmup+w.Duration+100*time.Millisecond)
	if w.Rate > 0 {
		p.period = 1e9 / w.Rate
	}
	return p
}

// Wait returns the time for the next message once it has come, and its tag; 0 when the time
// is over. A message that is late goes at once, with the time at which it was due.
func (p *Pace) Wait(ctx context.Context) (due, tag uint64) {
	t := Now()
	if t >= p.end || ctx.Err() != nil {
		return 0, 0
	}
	if p.period == 0 {
		return t, p.sent + 1
	}
	due = p.start + uint64(p.period*float64(p.sent))
	for t < due {
		bench.Pause(time.Duration(due - t))
		t = Now()
	}
	return due, p.sent + 1
}

// Sent counts the message whose sending began at an instant.
func (p *Pace) Sent(began uint64) {
	p.longest = max(p.longest, Now()-began)
	p.sent++
}

// Last is the tag of the message that ends it all.
func (p *Pace) Last() uint64 { return p.sent | bench.LastMark }

// Print prints the sender's line.
func (p *Pace) Print() {
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"sent": p.sent, "seconds": float64(Now()-p.start) / 1e9, "longest_ns": p.longest})
}

// Books are a receiver's. They belong to one goroutine.
type Books struct {
	work              *Work
	received, missing uint64
	disorder, next    uint64
	total             uint64
	last, gap, after  uint64
	from, to          uint64
	latency           histogram   // of the window
	parts             []histogram // of its parts
	ended             bool
}

// NewBooks returns empty ones.
func NewBooks(w *Work) *Books {
	b := &Books{work: w, next: 1}
	if w.Rate > 0 {
		b.parts = make([]histogram, min(int(w.Duration/bench.PartBetween), bench.MostParts))
		for i := range b.parts {
			clear(b.parts[i].bins[:]) // so that no page is missing later
		}
	}
	return b
}

// Take books one message, and reports whether it was the last.
func (b *Books) Take(payload []byte) (last bool, err error) {
	t := Now()
	tag, stamp, whole := b.work.Read(payload)
	if !whole || len(payload) != b.work.Size {
		return false, fmt.Errorf("message of %d bytes with tag %x is not what was written", len(payload), tag)
	}
	if tag&bench.LastMark != 0 {
		b.ended, b.total = true, tag&^bench.LastMark
		return true, nil
	}
	if b.from == 0 {
		b.last, b.from = t, t+uint64(b.work.Warmup)
		b.to = b.from + uint64(b.work.Duration)
	}
	if t-b.last > b.gap {
		b.gap, b.after = t-b.last, t
	}
	b.last = t
	b.received++
	if tag >= b.next {
		b.missing += tag - b.next
		b.next = tag + 1
	} else {
		b.disorder++
	}
	if t >= b.from && t < b.to {
		b.book(t-b.from, t-min(stamp, t))
	}
	return false, nil
}

// book counts the latency of a message that came so long after the window's begin.
func (b *Books) book(after, took uint64) {
	b.latency.record(took)
	if part := after / uint64(bench.PartBetween); part < uint64(len(b.parts)) {
		b.parts[part].record(took)
	}
}

// tail is what the parts come to, nil where there are none.
func (b *Books) tail() *bench.Tail {
	var p99 []float64
	for i := range b.parts {
		if b.parts[i].count > 0 {
			p99 = append(p99, float64(b.parts[i].quantile(0.99)))
		}
	}
	return bench.TailOf(p99, bench.StallBetween)
}

// Print prints the receiver's line. Told is how many missing messages were announced.
func (b *Books) Print(told uint64) {
	missing := b.missing
	if b.ended && b.total >= b.next {
		missing += b.total + 1 - b.next
	}
	h, tail := &b.latency, b.tail()
	line := map[string]any{
		"received": b.received, "missing": missing, "told": told, "disorder": b.disorder, "ended": b.ended,
		"rate": float64(h.count) / b.work.Duration.Seconds(), "p50": h.quantile(0.5), "p99": h.quantile(0.99),
		"p999": h.quantile(0.999), "max": h.longest, "gap_ns": b.gap, "after_gap": b.after}
	if tail != nil {
		line["tail"] = tail
	}
	_ = json.NewEncoder(os.Stdout).Encode(line)
}
