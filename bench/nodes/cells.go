package nodes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

// Units of the table.
const (
	thousands = 1e-3
	millis    = 1e-6
	micros    = 1e-3
)

// allCells is the table.
func (p *plan) allCells() (list []table.Cell) {
	for _, size := range []int{256, 1024, 2048} {
		list = append(list, p.rateCell(fmt.Sprintf("rate %d B", size), work{size: size}))
	}
	list = append(list, p.rateCell("rate 2048 B, compressible", work{size: 2048, compressible: true}))
	for _, l := range []struct{ loss, goal float64 }{{0.1, 0.99}, {1, 0.95}, {5, 0.80}, {20, 0.40}} {
		list = append(list, p.lossCell(l.loss, l.goal))
	}
	list = append(list, p.latencyCell(10_000, 0, 0), p.latencyCell(10_000, 1, 3e6), p.latencyCell(50_000, 1, 5e6), p.pauseCell())
	return append(list, p.costCell(), p.idleCell())
}

// A tried contender has done its runs.
type tried struct {
	contender
	work
	outcomes []outcome
	err      error // of the run that failed; none was tried after it
}

// figure is an outcome as the table's comparisons take it.
func (o *outcome) figure() bench.Figure {
	slower, later := o.received[0], o.received[0]
	for _, r := range o.received[1:] {
		if r.Rate < slower.Rate {
			slower = r
		}
		if r.P99 > later.P99 {
			later = r
		}
	}
	return bench.Figure{Rate: slower.Rate, CPU: o.processor, Tail: later.Tail,
		Latency: &bench.Percentiles{P50: int64(later.P50), P99: int64(later.P99), P999: int64(later.P999), Max: int64(later.Max)}}
}

// try runs each contender at its work, in turn. A peer that fails is left out from then on.
func (p *plan) try(ctx context.Context, list []tried, until time.Time) ([]bench.Round, error) {
	var contenders []bench.Contender
	for i := range list {
		t := &list[i]
		contenders = append(contenders, bench.Contender{Name: t.name, Measure: func(ctx context.Context) (bench.Figure, error) {
			if t.err != nil {
				return bench.Figure{}, nil
			}
			o, err := t.once(ctx, until)
			if err != nil && (t.name == ours || ctx.Err() != nil) {
				return bench.Figure{}, err
			}
			if t.err = err; err != nil {
				return bench.Figure{}, nil
			}
			t.outcomes = append(t.outcomes, o)
			return o.figure(), nil
		}})
	}
	return bench.Alternate(ctx, contenders, bench.Rounds{Want: p.rounds, Most: p.rounds, Until: until})
}

// once is a run, again where others were at work: what was measured plays no part in it.
func (t *tried) once(ctx context.Context, until time.Time) (o outcome, err error) {
	for range 3 {
		if o, err = measure(ctx, &t.contender, t.work); err == nil {
			err = t.judge(&o)
		}
		if err != nil || o.elsewhere <= quietEnough || time.Now().After(until) {
			break
		}
	}
	return o, err
}

// busyNote says that others were at work in runs that count, in spite of trying again.
func busyNote(a, b *tried) string {
	most := 0.0
	for _, t := range []*tried{a, b} {
		for _, o := range t.outcomes {
			most = max(most, o.elsewhere)
		}
	}
	if most <= quietEnough {
		return ""
	}
	return fmt.Sprintf("others had up to %.1f cores meanwhile: take the ratio with care", most)
}

// judge holds those who promise everything to it: what is missing must have been told, and
// nothing comes twice or out of order.
func (t *tried) judge(o *outcome) error {
	for i, r := range o.received {
		switch {
		case r.Received == 0:
			return fmt.Errorf("receiver %d got nothing", i+1)
		case t.lossy:
		case r.Disorder > 0:
			return fmt.Errorf("receiver %d got %d messages twice or out of order", i+1, r.Disorder)
		case t.promises() && r.Missing > r.Told:
			return fmt.Errorf("receiver %d missed %d messages and was told of %d", i+1, r.Missing, r.Told)
		case t.promises() && !r.Ended:
			return errors.New("a receiver did not see the end")
		}
	}
	return nil
}

// present are ours and the peers that are here, at one work with the usual receivers, and rows that say why the others are not.
func (p *plan) present(name, unit string, w work) (list []tried, absent []table.Row) {
	w.receivers = usual
	for _, c := range p.contenders {
		why := c.missing()
		if why == "" && c.most > 0 && w.size > c.most {
			why = fmt.Sprintf("%s has no messages of %d bytes: one is one datagram", c.name, w.size)
		}
		if why != "" {
			absent = append(absent, table.Row{Cell: name, Unit: unit, Peer: c.name, Note: why})
			continue
		}
		list = append(list, tried{contender: c, work: w})
	}
	return list, absent
}

// A column is one figure of the outcomes, compared with each peer's.
type column struct {
	suffix, unit string
	scale        float64
	of           func(bench.Figure) float64
	smaller      bool
	goal         func(peer string) float64 // 0: none
	note         func(a, b *tried) string
}

// compared takes the pairs of one regime, as everywhere. Where there are none it takes all,
// and says so: between nodes most of a message's way is in the kernel, where the distance of
// the cores matters less than it does to a ring.
func (c column) compared(name, peer string, rounds []bench.Round) table.Row {
	one := bench.Compare(rounds, 1, c.of, c.of)
	r := table.Compared(name+c.suffix, c.unit, peer, c.scale, one)
	if one.Pairs > 0 || len(rounds) == 0 {
		return r
	}
	var a, b []float64
	for _, round := range rounds {
		a, b = append(a, c.of(round[0].Figure)), append(b, c.of(round[1].Figure))
	}
	r.Ours, r.Theirs, r.Runs, r.Dropped, r.Note = bench.Median(a)*c.scale, bench.Median(b)*c.scale, len(rounds), 0, ""
	if r.Theirs > 0 {
		r.Ratio = r.Ours / r.Theirs
	}
	return r
}

// row compares a peer with ours.
func (c column) row(name string, ours, peer *tried, rounds []bench.Round) table.Row {
	r := c.compared(name, peer.name, rounds)
	r.Smaller = c.smaller
	if c.goal != nil {
		r.Goal = c.goal(peer.name)
	}
	r.Judged = r.Goal != 0 && peer.err == nil
	r.Verdict()
	if c.note != nil && r.Runs > 0 {
		r.Note = c.note(ours, peer)
	}
	if busy := busyNote(ours, peer); busy != "" {
		r.Note = strings.TrimPrefix(r.Note+"; "+busy, "; ")
	}
	if peer.err != nil {
		r.Note = "failed: " + peer.err.Error()
	}
	return r
}

// beside runs ours and each of the others by turns, one pair after the other, so that little
// time, in which the machine may change, lies between the two of a pair; it gives a row of
// each column for each peer. What ours did in all of the runs is added to it.
func (p *plan) beside(ctx context.Context, until time.Time, name string, list []tried, columns ...column) (rows []table.Row, err error) {
	for i := 1; i < len(list); i++ {
		pair := []tried{{contender: list[0].contender, work: list[0].work}, list[i]}
		rounds, err := p.try(ctx, pair, time.Now().Add(bench.Share(time.Until(until), len(list)-i)))
		if err != nil {
			return nil, err
		}
		for _, c := range columns {
			rows = append(rows, c.row(name, &pair[0], &pair[1], rounds))
		}
		list[0].outcomes = append(list[0].outcomes, pair[0].outcomes...)
		list[i] = pair[1]
	}
	return rows, nil
}

// rateCell is as many messages as go, without loss. The limit has no goal.
func (p *plan) rateCell(name string, w work) table.Cell {
	w.warmup, w.duration = p.warmup, p.duration
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
		list, absent := p.present(name, "k/s", w)
		rate := column{unit: "k/s", scale: thousands, of: bench.RateOf, note: missingNote, goal: func(peer string) float64 {
			if peer == raw {
				return 0
			}
			return 1
		}}
		rows, err := p.beside(ctx, until, name, list, rate, perProcessor())
		return append(rows, absent...), err
	}}
}

// perProcessor is messages a second of processor time, of all processes together.
func perProcessor() column {
	return column{suffix: ", a CPU second", unit: "k", scale: thousands, of: func(f bench.Figure) float64 {
		if f.CPU == 0 {
			return 0
		}
		return f.Rate / f.CPU
	}}
}

// lossCell is the rate under loss: beside ours without loss, and beside the peers.
func (p *plan) lossCell(loss, goal float64) table.Cell {
	name := fmt.Sprintf("1024 B, loss %g %%", loss)
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
		list, absent := p.present(name, "k/s", work{size: 1024, loss: loss, warmup: p.warmup, duration: p.duration})
		own := list[0]
		own.loss, own.name = 0, ownLossless
		list = append([]tried{list[0], own}, list[1:]...)
		c := column{unit: "k/s", scale: thousands, of: bench.RateOf, note: lossNote, goal: func(peer string) float64 {
			if peer == ownLossless {
				return goal
			}
			return 0
		}}
		rows, err := p.beside(ctx, until, name, list, c)
		return append(rows, absent...), err
	}}
}

// ownLossless is ours without loss, as a peer of itself.
const ownLossless = "no loss, own"

// latencyCell offers messages of 1 KB at a rate. Without loss the goal is twice the raw limit,
// else a time of p99.
func (p *plan) latencyCell(rate, loss, most float64) table.Cell {
	name := fmt.Sprintf("%g k/s, loss %g %%", rate/1000, loss)
	return table.Cell{Name: name, Measure: func(ctx context.Context, until time.Time) ([]table.Row, error) {
		list, absent := p.present(name, "us", work{size: 1024, rate: rate, loss: loss, warmup: p.warmup, duration: p.duration})
		twice := func(peer string) float64 {
			if peer == raw && loss == 0 {
				return 2
			}
			return 0
		}
		p50 := column{suffix: ", p50", unit: "us", scale: micros, of: bench.P50Of, smaller: true, goal: twice, note: lateNote}
		p99 := column{suffix: ", p99", unit: "us", scale: micros, of: bench.P99Of, smaller: true, goal: twice}
		rows, err := p.beside(ctx, until, name, list, p50, p99)
		if err != nil || most == 0 {
			return append(rows, absent...), err
		}
		if len(list) == 1 { // no peers
			if _, err := p.try(ctx, list, until); err != nil {
				return nil, err
			}
		}
		var values []float64
		for _, o := range list[0].outcomes {
			values = append(values, bench.P99Of(o.figure()))
		}
		row := table.Alone(name+", p99", "us", bench.Median(values)*micros, most*micros)
		row.Runs, row.Note = len(values), lossNote(&list[0], &list[0])
		return append(append([]table.Row{row}, rows...), absent...), nil
	}}
}
