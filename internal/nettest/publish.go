package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringcast/ringcast"
	"golang.org/x/sys/unix"
)

// A pace says how a publisher sends: numbered messages at a rate, or in bursts. Marked
// ones are told by their size, also on the wire.
type pace struct {
	topic string
	size  int
	rate  float64 // messages a second
	every int     // each so manieth is marked; with a burst, its last
	burst int     // messages at once, then
	pause time.Duration
}

// markedSize is the payload of a marked message in bytes: its datagram has 1280 bytes or more,
// which nine small ones do not fill.
const markedSize = 1216

// sent is what a publisher says at its end.
type sent struct {
	Address string
	Sent    uint64
	Marked  uint64
	Longest time.Duration // that one message took to publish
	Late    time.Duration // the most that a second held in waiting
}

// publish is the role of a publisher; it ends at SIGTERM.
func publish(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var p pace
	f := flag.NewFlagSet("publish", flag.ContinueOnError)
	dir := f.String("dir", "", "")
	f.StringVar(&p.topic, "topic", "", "")
	f.IntVar(&p.size, "size", 64, "")
	f.Float64Var(&p.rate, "rate", 1000, "")
	f.IntVar(&p.every, "every", 0, "")
	f.IntVar(&p.burst, "burst", 0, "")
	f.DurationVar(&p.pause, "pause", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	bus, err := ringcast.Open(ctx, &ringcast.Config{Dir: *dir, Domain: domain, Name: "publish"})
	if err != nil {
		return err
	}
	defer bus.Close()
	pub, err := bus.Publisher(p.topic, &ringcast.PublisherConfig{Solo: true})
	if err != nil {
		return err
	}
	defer pub.Close()
	os.Stdout.WriteString("ready\n")
	w := writer{pub: pub, pace: p, said: sent{Address: bus.Address().String()}}
	if err := w.write(ctx); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(w.said)
}

// A writer sends. It belongs to one goroutine.
type writer struct {
	pace
	pub    *ringcast.Publisher
	buffer [8192]byte
	said   sent
	second time.Time // the one that is summed up,
	waited time.Duration
}

// write sends until the context ends; a message under way is still sent.
func (w *writer) write(ctx context.Context) error {
	begin := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		due := begin.Add(time.Duration(float64(n) / w.rate * float64(time.Second)))
		if w.burst > 0 {
			due = begin.Add(time.Duration(n/w.burst) * w.pause)
		}
		if wait := time.Until(due); wait > 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
		}
		if err := w.one(); err != nil {
			return err
		}
	}
	return nil
}

// one sends one message.
func (w *writer) one() error {
	n := w.said.Sent + 1
	size := w.size
	if w.every > 0 && n%uint64(w.every) == 0 {
		size = markedSize
		w.said.Marked++
	}
	began := time.Now()
	binary.LittleEndian.PutUint64(w.buffer[:], n)
	binary.LittleEndian.PutUint64(w.buffer[8:], clock())
	if err := w.pub.Publish(context.Background(), w.buffer[:size]); err != nil {
		return err
	}
	w.said.Sent = n
	took := time.Since(began)
	w.said.Longest = max(w.said.Longest, took)
	if began.Sub(w.second) > time.Second {
		w.second, w.waited = began, 0
	}
	w.waited += took
	w.said.Late = max(w.said.Late, w.waited)
	return nil
}

// clock is the time in nanoseconds that all programs of the host share.
func clock() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail
	return uint64(t.Nano())
}
