package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// A toolResult is what ringcast pub and sub print with --json.
type toolResult struct {
	Messages int64   `json:"messages"`
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"rate"`
	Lagged   int64   `json:"lagged"`
	Lost     int64   `json:"lost"`
	Gaps     int64   `json:"gaps"`
	Latency  struct {
		P50  int64 `json:"p50"`
		P90  int64 `json:"p90"`
		P99  int64 `json:"p99"`
		P999 int64 `json:"p999"`
		Max  int64 `json:"max"`
	} `json:"latency_ns"`
}

// A report is what one part of the demo did.
type report struct {
	a, b            *node
	pub, subA, subB *process
	input           *input
	outA, outB      string
	come            func(*node) (bytes int64, known bool) // how much of it is on a node
	offered         float64

	elapsed         time.Duration
	sent, gotA      toolResult
	gotB            toolResult
	fwdA, fwdB      map[string]uint64
	shaA, shaB      string
	sizeA, sizeB    int64
	dirsAreDistinct bool
}

// await waits for publisher and subscribers, and shows progress.
func (r *report) await(ctx context.Context, total int64) error {
	begin := time.Now()
	stop := r.progress(total)
	var errs []error
	for _, p := range []*process{r.pub, r.subA, r.subB} {
		errs = append(errs, p.wait(ctx))
	}
	stop()
	r.elapsed = time.Since(begin)
	errs = append(errs, r.pub.result(&r.sent), r.subA.result(&r.gotA), r.subB.result(&r.gotB))
	return errors.Join(errs...)
}

// progress prints how much has come to each node, on one line of a terminal, else every 5 s.
func (r *report) progress(total int64) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	tty := term.IsTerminal(int(os.Stdout.Fd()))
	period := 5 * time.Second
	if tty {
		period = 200 * time.Millisecond
	}
	go func() {
		defer close(ended)
		tick := time.NewTicker(period)
		defer tick.Stop()
		for begin := time.Now(); ; {
			select {
			case <-done:
				if tty {
					fmt.Print("\r\033[K")
				}
				return
			case <-tick.C:
				line := fmt.Sprintf("%5.1f s   A %s   B %s   of %.0f MB",
					time.Since(begin).Seconds(), r.there(r.a), r.there(r.b), float64(total)/1e6)
				if tty {
					fmt.Print("\r\033[K" + line)
				} else {
					fmt.Println(line)
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

// there says how much has come to a node.
func (r *report) there(n *node) string {
	bytes, known := r.come(n)
	if !known {
		return "    - MB"
	}
	return fmt.Sprintf("%5.0f MB", float64(bytes)/1e6)
}

// finish reads what the forwarders said at their end, and the outputs.
func (r *report) finish(a, b *node) {
	for _, n := range []*node{a, b} {
		m := map[string]uint64{}
		if n.forwarder != nil {
			_ = n.forwarder.result(&m)
		}
		if n == a {
			r.fwdA = m
		} else {
			r.fwdB = m
		}
	}
	r.dirsAreDistinct = a.dir != b.dir
	if r.input != nil {
		r.shaA, r.sizeA, _ = fileSHA(r.outA)
		r.shaB, r.sizeB, _ = fileSHA(r.outB)
	}
}

// dropped is how many DATA datagrams, repairs among them, the fault layer of B
// dropped on arrival: each one has to be repaired. Lost control frames are simply
// sent again by their timers.
func (r *report) dropped() uint64 { return r.fwdB["forward.dropped_data"] }

func (r *report) repairs() uint64 { return r.fwdA["mcast.repairs_sent"] }

// print shows the figures.
func (r *report) print() {
	fmt.Printf("%-22s %12s %12s %12s %10s %10s\n", "", "messages", "messages/s", "MB", "lagged", "lost")
	for _, row := range []struct {
		name string
		t    toolResult
	}{{"published on A", r.sent}, {"subscriber on A", r.gotA}, {"subscriber on B", r.gotB}} {
		fmt.Printf("%-22s %12d %12.0f %12.1f %10d %10d\n", row.name, row.t.Messages, row.t.Rate,
			float64(row.t.Bytes)/1e6, row.t.Lagged, row.t.Lost)
	}
	fmt.Printf("%-22s %12s %12s %12s %12s\n", "latency, us", "p50", "p99", "p99.9", "max")
	for _, row := range []struct {
		name string
		t    toolResult
	}{{"on A", r.gotA}, {"on B", r.gotB}} {
		l := row.t.Latency
		fmt.Printf("%-22s %12.1f %12.1f %12.1f %12.1f\n", row.name, us(l.P50), us(l.P99), us(l.P999), us(l.Max))
	}
	fmt.Printf("%-22s %d sent by A; dropped on arrival: %d at B (%d of them DATA), %d at A\n", "datagrams",
		r.fwdA["udp.sent"], r.fwdB["udp.fault_rx_dropped"], r.dropped(), r.fwdA["udp.fault_rx_dropped"])
	fmt.Printf("%-22s %d NAKs by B, %d repairs by A, %d holes at B\n", "repair",
		r.fwdB["mcast.nak_sent"], r.repairs(), r.fwdB["mcast.holes"])
	fmt.Printf("%-22s", "processor, % of a core")
	for _, p := range []*process{r.pub, r.subA, r.subB, r.a.forwarder, r.b.forwarder} {
		if p != nil {
			fmt.Printf("  %s %.0f", p.name, r.share(p))
		}
	}
	fmt.Println()
	if r.input != nil {
		fmt.Printf("sha256 input    %s\nsha256 on A     %s\nsha256 on B     %s\n", r.input.sha, r.shaA, r.shaB)
	}
}

func us(ns int64) float64 { return float64(ns) / 1000 }

// share is a process's processor time as percent of one core over the part.
func (r *report) share(p *process) float64 {
	return 100 * p.cpu().Seconds() / r.elapsed.Seconds()
}

// verdict is nil only if everything was delivered although datagrams were lost.
func (r *report) verdict(s settings, in *input) error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(r.dirsAreDistinct, "both nodes use one directory")
	check(r.shaA == in.sha, "subscriber on A wrote %d bytes, not the input's %d", r.sizeA, in.bytes)
	check(r.shaB == in.sha, "subscriber on B wrote %d bytes, not the input's %d", r.sizeB, in.bytes)
	check(r.dropped() > 0, "no DATA datagram was dropped at B")
	check(r.repairs() >= r.dropped(), "%d repairs for %d dropped DATA datagrams", r.repairs(), r.dropped())
	return errors.Join(errs...)
}

// complete is nil only if both subscribers got every message.
func (r *report) complete(count int64) error {
	if r.sent.Messages != count || r.gotA.Messages != count || r.gotB.Messages != count {
		return fmt.Errorf("published %d, A got %d, B got %d: want %d each",
			r.sent.Messages, r.gotA.Messages, r.gotB.Messages, count)
	}
	return nil
}

// limits names what kept the publisher below the offer, if anything did.
func (r *report) limits() {
	if r.sent.Rate >= 0.99*r.offered {
		fmt.Printf("%-22s carried in full\n", "the offer")
		return
	}
	sum := 0.0
	var most *process
	for _, p := range []*process{r.pub, r.subA, r.subB, r.a.forwarder, r.b.forwarder} {
		if p == nil {
			continue
		}
		sum += r.share(p)
		if most == nil || p.cpu() > most.cpu() {
			most = p
		}
	}
	fmt.Printf("%-22s %.0f of %.0f a second: the processes used %.0f %% of a core together, most of it %s (%.0f %%)\n",
		"the publisher was slowed", r.sent.Rate, r.offered, sum, most.name, r.share(most))
}
