package nodes

import (
	"context"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
	"github.com/ringcast/ringcast/internal/netlab"
)

// pauseCell stops all processes of one receiver's node for five seconds: what becomes of
// the other, of the sender, and of itself. Only ours is held to goals.
func (p *plan) pauseCell() table.Cell {
	const name = "stopped for 5 s"
	return table.Cell{Name: name, Measure: func(ctx context.Context, _ time.Time) (rows []table.Row, err error) {
		list, absent := p.present(name, "ms", work{size: 1024, rate: 10_000, warmup: 500 * time.Millisecond, duration: 8500 * time.Millisecond,
			pauseAt: time.Second, pause: 5 * time.Second})
		calm := list[0].work
		calm.pause = 0
		before, err := measure(ctx, &list[0].contender, calm)
		if err != nil {
			return nil, err
		}
		for i := range list {
			o, err := measure(ctx, &list[i].contender, list[i].work)
			if err != nil {
				if i == 0 || ctx.Err() != nil {
					return nil, err
				}
				absent = append(absent, table.Row{Cell: name, Unit: "ms", Peer: list[i].name, Note: "failed: " + err.Error()})
				continue
			}
			if i == 0 {
				rows = append(rows, ownPause(name, &before, &o)...)
			}
			rows = append(rows, pauseRow(name, list[i].name, &o))
		}
		return append(rows, absent...), nil
	}}
}

// ownPause holds ours to its promises.
func ownPause(name string, before, o *outcome) []table.Row {
	other, stopped := o.received[0], o.received[1]
	p99 := table.Alone(name+": other's p99", "ratio", float64(other.P99)/float64(before.received[0].P99), 1.2)
	p99.Note = fmt.Sprintf("%.2f ms without a stop, %.2f ms with one", float64(before.received[0].P99)*millis, float64(other.P99)*millis)
	stall := table.Alone(name+": sender", "ms", float64(o.sent.Longest)*millis, 500)
	back := table.Alone(name+": back after", "ms", backAfter(o), 1000)
	untold := table.Alone(name+": untold", "", max(0, float64(stopped.Missing)-float64(stopped.Told)), 0)
	untold.Met = untold.Met && stopped.Ended && stopped.Disorder == 0
	untold.Note = fmt.Sprintf("%d messages missing, %d positions told", stopped.Missing, stopped.Told)
	return []table.Row{p99, stall, back, untold}
}

// backAfter is how many ms after it went on the stopped receiver had its first message.
func backAfter(o *outcome) float64 {
	r := o.received[1]
	if r.AfterGap < o.resumed {
		return 0
	}
	return float64(r.AfterGap-o.resumed) * millis
}

// pauseRow is one contender's in words; its figure is the other receiver's longest silence.
func pauseRow(name, contender string, o *outcome) table.Row {
	other, stopped := o.received[0], o.received[1]
	line := bench.CacheLine()
	return table.Row{Cell: name + ": " + contender, Unit: "ms", Ours: float64(other.Gap) * millis, Smaller: true, Runs: 1,
		Regime: string(bench.RegimeOf(line)), LineNs: int64(line),
		Note: fmt.Sprintf("other: p99 %.2f ms, longest silence %.0f ms, %d missing; sender's longest send %.0f ms; stopped: %d missing, %d told, back after %.0f ms, end seen: %v",
			float64(other.P99)*millis, float64(other.Gap)*millis, other.Missing, float64(o.sent.Longest)*millis, stopped.Missing, stopped.Told,
			backAfter(o), stopped.Ended)}
}

// costCell is what the daemon takes for 100,000 messages a second, by what it took at
// 50,000, and its memory.
func (p *plan) costCell() table.Cell {
	const name = "50 k/s, no loss"
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) (rows []table.Row, err error) {
		list, absent := p.present(name, "%", work{size: 1024, rate: 50_000, warmup: p.warmup, duration: p.duration})
		latency := column{suffix: ", p99", unit: "us", scale: micros, of: bench.P99Of, smaller: true, note: lateNote}
		if rows, err = p.beside(ctx, until, name, list, latency, perProcessor()); err != nil {
			return nil, err
		}
		for i := range list {
			rows = append(rows, daemonRow(name, &list[i])...)
		}
		return append(rows, absent...), nil
	}}
}

// daemonRow is the busiest daemon of a contender that has one.
func daemonRow(name string, t *tried) []table.Row {
	if t.daemon == nil || len(t.outcomes) == 0 {
		return nil
	}
	var share, memory, own []float64
	for _, o := range t.outcomes {
		share = append(share, 100*o.daemon*100_000/max(o.figure().Rate, 1))
		memory, own = append(memory, o.resident), append(own, o.own)
	}
	line := bench.CacheLine()
	return []table.Row{{Cell: name + ": daemon", Unit: "%", Ours: bench.Median(share), Smaller: true, Runs: len(share),
		Regime: string(bench.RegimeOf(line)), LineNs: int64(line),
		Note: fmt.Sprintf("%s: busiest daemon, of a core for 100,000 messages a second; %.1f MB resident, %.1f of them its own",
			t.name, bench.Median(memory), bench.Median(own))}}
}

// idleCell is a daemon of each kind with nobody to serve.
func (p *plan) idleCell() table.Cell {
	const name = "idle"
	return table.Cell{Name: name, Measure: func(ctx context.Context, _ time.Time) (rows []table.Row, err error) {
		list, absent := p.present(name, "%", work{})
		for _, t := range list {
			if t.daemon == nil {
				continue
			}
			share, memory, own, err := idle(ctx, &t.contender)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			cpu := table.Alone(name+": "+t.name, "%", 100*share, 1)
			rss := table.Alone(name+": "+t.name, "MB", memory, 30)
			cpu.Judged, rss.Judged = t.name == ours, t.name == ours
			cpu.Note = "of a core, the busiest of the three"
			rss.Note = fmt.Sprintf("resident, %.1f of them its own", own)
			rows = append(rows, cpu, rss)
		}
		return append(rows, absent...), nil
	}}
}

// idle looks at daemons that have nothing to do for three seconds.
func idle(ctx context.Context, c *contender) (share, memory, own float64, err error) {
	lab, err := netlab.New(1 + usual)
	if err != nil {
		return 0, 0, 0, err
	}
	defer lab.Close()
	r := &run{contender: c, lab: lab}
	defer r.end()
	for i := 1; i <= lab.Nodes(); i++ {
		if err := r.startDaemon(lab.Node(i)); err != nil {
			return 0, 0, 0, err
		}
	}
	select {
	case <-ctx.Done():
		return 0, 0, 0, ctx.Err()
	case <-time.After(2 * time.Second):
	}
	var before []time.Duration
	for _, p := range r.daemons {
		before = append(before, p.Processor())
	}
	const span = 5 * time.Second
	time.Sleep(span)
	for i, p := range r.daemons {
		share = max(share, float64(p.Processor()-before[i])/float64(span))
		if all, private := p.Resident(); all > memory {
			memory, own = all, private
		}
	}
	return share, memory, own, nil
}
