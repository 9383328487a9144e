package nodes

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
	"github.com/ringcast/ringcast/internal/netlab"
)

// pausePairs is how often our run with a stop and one without it take turns: a p99 of 85,000
// messages is that of the worst 85 ms, and one run of two cores has such of its own.
const pausePairs = 5

// A pausePair is one run with a stop, and one without beside it.
type pausePair struct{ calm, stopped outcome }

// ratio is what the stop made of the other receiver's p99.
func (o *pausePair) ratio() float64 {
	return float64(o.stopped.received[0].P99) / float64(max(o.calm.received[0].P99, 1))
}

// pauseCell stops all processes of one receiver's node for five seconds: what becomes of
// the other, of the sender, and of itself. Only ours is held to goals.
func (p *plan) pauseCell() table.Cell {
	const name = "stopped for 5 s"
	w := work{receivers: usual, size: 1024, rate: 10_000, warmup: 500 * time.Millisecond, duration: 8500 * time.Millisecond, pauseAt: time.Second, pause: 5 * time.Second}
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
		list, absent := p.present(name, "ms", w)
		pairs, err := p.ownPauses(ctx, until, &list[0].contender, w)
		if err != nil {
			return nil, err
		}
		rows := append(pauseGoals(name, pairs), pauseRow(name, list[0].name, &pairs[0].stopped))
		for _, peer := range list[1:] {
			o, err := measure(ctx, &peer.contender, w)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				absent = append(absent, table.Row{Cell: name, Unit: "ms", Peer: peer.name, Note: "failed: " + err.Error()})
			default:
				rows = append(rows, pauseRow(name, peer.name, &o))
			}
		}
		return append(rows, absent...), nil
	}}
}

// ownPauses runs ours with and without a stop by turns, at least once each.
func (p *plan) ownPauses(ctx context.Context, until time.Time, c *contender, w work) (pairs []pausePair, err error) {
	calm, want := w, pausePairs
	calm.pause = 0
	if p.rounds == 1 {
		want = 1
	}
	for len(pairs) < want && (len(pairs) == 0 || time.Now().Before(until)) {
		var pair pausePair
		if pair.calm, err = measure(ctx, c, calm); err != nil {
			return nil, err
		}
		if pair.stopped, err = measure(ctx, c, w); err != nil {
			return nil, err
		}
		pairs = append(pairs, pair)
	}
	return pairs, nil
}

// pauseGoals holds ours to its promises: the median of the pairs for what a stop costs the
// other receiver, and the worst of all runs for the rest.
func pauseGoals(name string, pairs []pausePair) []table.Row {
	var ratios []float64
	var stall, back, untold float64
	var missing, told uint64
	whole, words := true, make([]string, len(pairs))
	for i := range pairs {
		o := &pairs[i].stopped
		stopped := o.received[1]
		ratios = append(ratios, pairs[i].ratio())
		stall, back = max(stall, float64(o.sent.Longest)*millis), max(back, backAfter(o))
		untold += max(0, float64(stopped.Missing)-float64(stopped.Told))
		missing, told = missing+stopped.Missing, told+stopped.Told
		whole = whole && stopped.Ended && stopped.Disorder == 0
		words[i] = fmt.Sprintf("%.2f and %.2f", float64(pairs[i].calm.received[0].P99)*millis, float64(o.received[0].P99)*millis)
	}
	rows := []table.Row{table.Alone(name+": other's p99", "ratio", bench.Median(ratios), 1.2), table.Alone(name+": sender", "ms", stall, 500),
		table.Alone(name+": back after", "ms", back, 1000), table.Alone(name+": untold", "", untold, 0)}
	rows[0].Note = "ms without a stop and with one: " + strings.Join(words, ", ")
	rows[3].Met = rows[3].Met && whole
	rows[3].Note = fmt.Sprintf("%d messages missing, %d positions told", missing, told)
	for i := range rows {
		rows[i].Runs = len(pairs)
	}
	return rows
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
