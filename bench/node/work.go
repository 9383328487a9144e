// Package node is what a peer's program of one node has where the peer is written in Go: its
// processes, paces, windows and books. It is the twin of bench/peers/node/node.h, which says what
// flags there are and what is printed; a peer gives it a [Link].
package node

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ringcast/ringcast/bench"
	"golang.org/x/sys/unix"
)

// A Role is what one process of a run does.
type Role string

// Roles.
const (
	Produce Role = "produce"
	Consume Role = "consume"
	Ping    Role = "ping"
	Pong    Role = "pong"
	Ask     Role = "ask"
	Serve   Role = "serve"
)

// A Link is what one process has of the peer. It belongs to one goroutine.
type Link interface {
	// Send sends a message, a request, or the answer to what was received last; it waits while
	// that is not taken.
	Send(payload []byte) error
	// Receive gives what is there to take, or waits for some time.
	Receive(take func(payload []byte) error) error
	// Close lets go of it, when all that was sent has arrived.
	Close() error
}

// A Server is a Link whose peer calls for each request. Serve returns after the one for which
// handle says that it was the last has been answered.
type Server interface {
	Serve(handle func(request, reply []byte) (last bool, err error)) error
}

// A Work is what the flags say, and what this process is in it.
type Work struct {
	Scenario           string
	Size               int
	Touched            int // bytes of a message that are written and read
	Rate               float64
	Producers, Readers int
	Wait, Dir          string
	Warmup, Duration   time.Duration
	Hold               time.Duration // between ready and the warm-up

	Role  Role
	Index int    // among those of its role
	Place string // what Begin has returned

	page *page
}

func parse(args []string) (*Work, error) {
	w := new(Work)
	f := flag.NewFlagSet("peer", flag.ContinueOnError)
	f.StringVar(&w.Scenario, "scenario", "stream", "stream, pingpong, request or idle")
	f.IntVar(&w.Size, "size", 64, "bytes of a message, at least 16")
	f.IntVar(&w.Touched, "touched", 0, "bytes of a message that are written and read, at least 16; 0: all")
	f.Float64Var(&w.Rate, "rate", 0, "messages a second; 0: as fast as they are taken")
	f.IntVar(&w.Producers, "producers", 1, "that there are")
	f.IntVar(&w.Readers, "readers", 1, "that there are")
	f.StringVar(&w.Wait, "wait", "block", "spin, yield or block")
	f.StringVar(&w.Dir, "dir", "", "a name below a folder that is there")
	warmup := f.Int64("warmup-ns", 2e8, "before the window")
	duration := f.Int64("duration-ns", 1e9, "of the window")
	f.Int64Var((*int64)(&w.Hold), "hold-ns", 0, "between ready and the warm-up")
	for _, of := range []string{"pause-ns", "slots", "exclusive", "pin"} {
		f.String(of, "", "without meaning here")
	}
	f.StringVar((*string)(&w.Role), "role", "", "of a child")
	f.IntVar(&w.Index, "index", 0, "of a child")
	f.StringVar(&w.Place, "place", "", "of a child")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if w.Touched == 0 {
		w.Touched = w.Size
	}
	if w.Touched < 16 || w.Touched > w.Size {
		return nil, fmt.Errorf("-touched %d: want 16 to the %d bytes of a message", w.Touched, w.Size)
	}
	w.Warmup, w.Duration = time.Duration(*warmup), time.Duration(*duration)
	return w, nil
}

// roles are all processes of the run.
func (w *Work) roles() (list []Role, err error) {
	switch w.Scenario {
	case "stream", "idle":
		for range w.Producers {
			list = append(list, Produce)
		}
		for range w.Readers {
			list = append(list, Consume)
		}
	case "pingpong":
		list = []Role{Pong, Ping}
	case "request":
		list = []Role{Serve, Ask}
	default:
		_, err = os.Stderr.WriteString("unknown scenario " + w.Scenario + "\n")
	}
	return list, err
}

// now reads CLOCK_MONOTONIC, which all processes share.
func now() uint64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail
	return uint64(t.Nano())
}

func (w *Work) stopped() bool { return w.page.stop.Load() != 0 }

// A pace is an open loop: message i is due at start + i*period.
type pace struct {
	start  uint64
	period float64
	sent   int
}

func newPace(w *Work, of int) *pace {
	if w.Rate == 0 {
		return nil
	}
	period := float64(of) / w.Rate * 1e9
	return &pace{start: now() + uint64(period*float64(w.Index)/float64(of)), period: period}
}

// wait returns the instant at which the next message was due, once it has come.
func (p *pace) wait(w *Work) uint64 {
	due := p.start + uint64(p.period*float64(p.sent))
	p.sent++
	for t := now(); t < due && !w.stopped(); t = now() {
		if due-t > 250_000 {
			bench.Pause(min(time.Duration(due-t-250_000), 20*time.Millisecond))
		} else {
			_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		}
	}
	return due
}
