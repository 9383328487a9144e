package main

import (
	"context"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

// A want is one row of a cell of latencies: a value of ours beside one of a peer.
type want struct {
	peer  string
	label string
	of    func(bench.Figure) float64
	goal  float64 // of the ratio; 0: none
}

// microseconds is the scale of latencies in the table.
const microseconds = 1e-3

// latencyRows makes the rows of a cell.
func latencyRows(name string, contenders []bench.Contender, rounds []bench.Round, wants []want) []table.Row {
	var rows []table.Row
	for _, w := range wants {
		for i, c := range contenders {
			if c.Name != w.peer || i == 0 {
				continue
			}
			r := table.Compared(name+" "+w.label, "us", w.peer, microseconds, bench.Compare(rounds, i, w.of, w.of))
			r.Smaller, r.Judged, r.Goal = true, w.goal > 0, w.goal
			r.Verdict()
			rows = append(rows, r)
		}
	}
	return rows
}

// pingPongCell is a round trip, both sides spinning; bare is the goal beside the
// bare cache line, which bears no payload. Which kind of topic is the user's
// choice: the link of two has one publisher each, so it is exclusive.
func pingPongCell(size int, bare float64) cell {
	name := fmt.Sprintf("pingpong %d B", size)
	return cell{name, func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error) {
		s := bench.Spec{Scenario: bench.PingPong, Size: size, Exclusive: true, Wait: bench.Spin, Pin: bothCores()}
		list := []bench.Contender{p.ours(s), p.limit("line", s), p.limit("ring", s)}
		list = append(append(list, p.aeronC(s)...), p.aeronJava(s)...)
		rounds, err := p.alternate(ctx, list, until)
		if err != nil {
			return nil, err
		}
		rows := latencyRows(name, list, rounds, []want{
			{"bare line", "p50", bench.P50Of, bare},
			{"C ring", "p50", bench.P50Of, 0},
			{aeronC, "p50", bench.P50Of, 1}, {aeronC, "p99", bench.P99Of, 1},
			{aeronJava, "p50", bench.P50Of, 0}, {aeronJava, "p99", bench.P99Of, 0},
		})
		return append(rows, p.missing(name, "us", list)...), nil
	}}
}

// trafficCell is a round trip with the default wait, one after the other, beside
// ours spinning and a bare futex ring.
func trafficCell() cell {
	const name = "pingpong 64 B wait"
	return cell{name, func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error) {
		s := bench.Spec{Scenario: bench.PingPong, Size: 64, Exclusive: true, Wait: bench.Block, Pin: bothCores()}
		spin := s
		spin.Wait = bench.Spin
		spinning := p.ours(spin)
		spinning.Name = "ours spinning"
		list := append([]bench.Contender{p.ours(s), spinning, p.limit("futex", s)}, p.aeronC(s)...)
		rounds, err := p.alternate(ctx, list, until)
		if err != nil {
			return nil, err
		}
		rows := latencyRows(name, list, rounds, []want{
			{"ours spinning", "p50", bench.P50Of, 2},
			{"futex ring", "p99", bench.P99Of, 1},
			{aeronC, "p50", bench.P50Of, 0}, {aeronC, "p99", bench.P99Of, 0},
		})
		return rows, nil
	}}
}

// wakeCell is the first message after a pause of 5 ms, one way, to a reader that
// sleeps.
func wakeCell(pinned bool) cell {
	name, goal := "after a pause, free", 0.0
	var cores []int
	if pinned {
		name, goal, cores = "after a pause, pinned", 1.2, bothCores()
	}
	return cell{name, func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error) {
		s := bench.Spec{Scenario: bench.Wake, Size: 64, Exclusive: true, Wait: bench.Block, Pause: 5 * time.Millisecond, Pin: cores}
		list := []bench.Contender{p.ours(s), p.limit("futex", s)}
		rounds, err := p.alternate(ctx, list, until)
		if err != nil {
			return nil, err
		}
		return latencyRows(name, list, rounds, []want{
			{"futex ring", "p50", bench.P50Of, goal}, {"futex ring", "p99", bench.P99Of, 0},
		}), nil
	}}
}
