package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

const (
	// serveArgument makes the program an instance, at a directory, that works so many nanoseconds for each request.
	serveArgument = "serve"
	serviceName   = "work"
	// workEach is what a request costs its handler.
	workEach = 50 * time.Microsecond
	// waiting are as many requests as are open at a time.
	waiting = 64
)

// serve answers until it is killed.
func serve(dir, nanoseconds string) error {
	ns, err := strconv.Atoi(nanoseconds)
	if err != nil {
		return err
	}
	bus, err := ringcast.Open(context.Background(), &ringcast.Config{Dir: dir, Name: "instance"})
	if err != nil {
		return err
	}
	_, err = bus.Serve(serviceName, func(_ context.Context, r *ringcast.Request) error {
		for begin := time.Now(); time.Since(begin) < time.Duration(ns); {
		}
		return r.Reply(r.Payload())
	}, nil)
	if err != nil {
		return err
	}
	select {}
}

// instances measures one, two and four processes that serve one name, by turns: what they answer in a
// second, beside as many times as much as one does, as far as there are cores.
func (p *plan) instances(ctx context.Context, until time.Time) (rows []table.Row, err error) {
	counts := []int{1, 2, 4}
	rates, refused := make([][]float64, len(counts)), make([]uint64, len(counts))
	for begin, round := time.Now(), 0; round < 5 && (round == 0 || time.Now().Add(time.Since(begin)/time.Duration(round)).Before(until)); round++ {
		for i, n := range counts {
			rate, no, err := p.answered(ctx, n)
			if err != nil {
				return nil, fmt.Errorf("%d instances: %w", n, err)
			}
			rates[i], refused[i] = append(rates[i], rate), refused[i]+no
		}
	}
	line := bench.CacheLine()
	one := bench.Median(rates[0])
	for i, n := range counts {
		cores := min(n, runtime.NumCPU())
		r := table.Row{Cell: fmt.Sprintf("%d instances", n), Unit: "1/s", Ours: bench.Median(rates[i]), Peer: fmt.Sprintf("%d x one", cores),
			Theirs: one * float64(cores), Runs: len(rates[i]), Regime: string(bench.RegimeOf(line)), LineNs: int64(line)}
		r.Ratio = r.Ours / r.Theirs
		r.Note = fmt.Sprintf("%d requests open, a handler works %v; the caller, a process like them, needs a part of a core of %d; %d were refused and asked again",
			waiting, workEach, runtime.NumCPU(), refused[i])
		rows = append(rows, r)
	}
	return rows, nil
}

// answered is how many requests so many instances answer in a second, and how many were refused meanwhile.
func (p *plan) answered(ctx context.Context, n int) (rate float64, refused uint64, err error) {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-rpc-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for range n {
		cmd := exec.CommandContext(ctx, p.self, serveArgument, dir, strconv.Itoa(int(workEach)))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			return 0, 0, err
		}
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	}
	bus, err := ringcast.Open(ctx, &ringcast.Config{Dir: dir, Name: "caller"})
	if err != nil {
		return 0, 0, err
	}
	defer bus.Close()
	if err := awaitInstances(ctx, bus, n); err != nil {
		return 0, 0, err
	}
	return p.flood(ctx, bus)
}

// awaitInstances waits until all serve.
func awaitInstances(ctx context.Context, bus *ringcast.Bus, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for e, err := range bus.Watch(ctx, &ringcast.WatchConfig{Kinds: []ringcast.PresenceKind{ringcast.PresenceInstance}, Name: serviceName}) {
		if err != nil {
			return err
		}
		if e.Up {
			n--
		}
		if n == 0 {
			return nil
		}
	}
	return errors.New("closed")
}

// flood keeps requests open for half a second, and counts the answers of the last 400 ms. An instance that has lost its
// processor keeps a request in hand, and the queue ends 256 behind it: who is refused then asks again after a millisecond.
func (p *plan) flood(ctx context.Context, bus *ringcast.Bus) (rate float64, refused uint64, err error) {
	const warmup, window = 100 * time.Millisecond, 400 * time.Millisecond
	var count, no atomic.Uint64
	over := make(chan error, waiting)
	begin := time.Now()
	for range waiting {
		go func() {
			payload := make([]byte, p.size)
			var reply ringcast.Reply
			client, err := bus.Client(serviceName, nil)
			for err == nil && time.Since(begin) < warmup+window {
				switch err = client.RequestInto(ctx, payload, &reply); {
				case errors.Is(err, ringcast.ErrOverloaded):
					err = nil
					no.Add(1)
					time.Sleep(time.Millisecond)
				case err == nil && time.Since(begin) > warmup:
					count.Add(1)
				}
			}
			over <- err
		}()
	}
	var errs error
	for range waiting {
		errs = errors.Join(errs, <-over)
	}
	return float64(count.Load()) / (time.Since(begin) - warmup).Seconds(), no.Load(), errs
}
