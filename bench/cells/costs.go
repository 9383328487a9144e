package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

// allocationCell is what the garbage collector gets to see of a message: the
// busier side's allocations within the window.
func allocationCell(copying bool) cell {
	name := "allocations, lending"
	if copying {
		name = "allocations, copying"
	}
	return cell{name, func(ctx context.Context, p *plan, _ time.Time) ([]table.Row, error) {
		r, err := bench.Run(ctx, p.spec(bench.Spec{Scenario: bench.Stream, Copy: copying}), bench.Options{Child: p.self})
		if err != nil {
			return nil, err
		}
		// Reading the counter at the two ends of the window allocates a few objects.
		messages := r.Processes[0].Messages
		out := table.Alone(name, "/msg", r.Allocs, 0)
		if objects := r.Allocs * float64(messages); objects < float64(messages)/1000 {
			out.Ours = 0
			out.Note = fmt.Sprintf("%.0f objects in %d messages, by the counter's own reading", objects, messages)
		}
		out.Verdict()
		return []table.Row{out}, nil
	}}
}

// idleCell is the processor time of a reader that sleeps: one message in two
// seconds, so that the window opens and closes.
func idleCell() cell {
	const name = "CPU of a blocked reader"
	return cell{name, func(ctx context.Context, p *plan, _ time.Time) ([]table.Row, error) {
		s := bench.Spec{Scenario: bench.Wake, Pause: 2 * time.Second, Warmup: 100 * time.Millisecond, Duration: 7 * time.Second}
		if p.quick {
			s.Pause, s.Duration = time.Second, 3*time.Second
		}
		r, err := bench.Run(ctx, s, bench.Options{Child: p.self})
		if err != nil {
			return nil, err
		}
		sleeper := r.Processes[1]
		out := table.Alone(name, "%", 100*sleeper.CPU, 0.1)
		out.Note = fmt.Sprintf("of one core, over %.1f s with %d messages; the goal is a tenth of a percent", sleeper.Seconds, sleeper.Messages)
		return []table.Row{out}, nil
	}}
}

// quietCell is the futex calls on the segments' addresses while a million messages
// are published and nobody sleeps, as a tracer sees them, and the rings' own count.
func quietCell() cell {
	const name = "futex calls, none asleep"
	return cell{name, func(ctx context.Context, p *plan, _ time.Time) ([]table.Row, error) {
		tracer, err := exec.LookPath("strace")
		if err != nil {
			return []table.Row{{Cell: name, Unit: "calls", Note: "strace is not installed: as root, apt-get install strace"}}, nil
		}
		dir, err := os.MkdirTemp("", "ringcast-bench-trace-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		log := filepath.Join(dir, "calls")
		s := bench.Spec{Scenario: bench.Stream, Size: 64, Wait: bench.Spin, Warmup: 100 * time.Millisecond, Duration: 2 * time.Second}
		r, err := bench.Run(ctx, s, bench.Options{Child: p.self, Wrap: []string{tracer, "-f", "-qq", "--seccomp-bpf", "-e", "trace=futex", "-o", log}})
		if err != nil {
			return nil, err
		}
		calls, other, err := bench.FutexCalls(log, r.Processes[0].Mapped)
		if err != nil {
			return nil, err
		}
		sent := r.Processes[0].Total
		a, b := table.Alone(name, "calls", float64(calls), 0), table.Alone("wakes by the ring's count", "wakes", float64(r.Wakes), 0)
		a.Note = fmt.Sprintf("in %d publishes, by strace; %d more calls of Go's runtime on its own words", sent, other)
		if sent < 1_000_000 {
			a.Met, a.Note = false, a.Note+": fewer than the million that the goal is about"
		}
		return []table.Row{a, b}, nil
	}}
}

// memoryCell is the size of a default topic, and what attaching to it adds to a
// process.
func memoryCell() cell {
	return cell{"memory", func(ctx context.Context, p *plan, _ time.Time) ([]table.Row, error) {
		r, err := bench.Run(ctx, p.spec(bench.Spec{Scenario: bench.Stream, SlotSize: 2048}), bench.Options{Child: p.self})
		if err != nil {
			return nil, err
		}
		rows := []table.Row{table.Alone("memory, default topic", "MB", float64(r.RingBytes)/1e6, 3)}
		for _, proc := range r.Processes {
			rows = append(rows, table.Alone("memory, "+proc.Role+" adds", "MB", float64(proc.Attached)/1e6, 1))
		}
		return rows, nil
	}}
}
