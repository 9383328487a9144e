package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

// A cell is one kind of work; it gives a row for each peer.
type cell struct {
	name    string
	measure func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error)
}

// allCells is the table.
func allCells() []cell {
	var list []cell
	for _, size := range []int{64, 256, 1024, 2048} {
		list = append(list, exclusiveCell(size))
	}
	list = append(list, batchCell(64), batchCell(256))
	for _, size := range []int{256, 2048} {
		for _, n := range [][2]int{{1, 1}, {3, 1}, {1, 3}} {
			list = append(list, sharedCell(size, n[0], n[1]))
		}
	}
	return append(list, pingPongCell(64, 1.6), pingPongCell(2048, 5), trafficCell(), wakeCell(true), wakeCell(false), crowdCell(),
		allocationCell(false), allocationCell(true), idleCell(), quietCell(), memoryCell())
}

// bothCores pins two processes apart, where there are two cores.
func bothCores() []int { return []int{0, 1} }

// spec is a work of the plan's length.
func (p *plan) spec(s bench.Spec) bench.Spec {
	s.Duration, s.Warmup = p.duration, p.warmup
	if s.Pause > 0 { // two hundred wake-ups, or as many as a quick look allows
		s.Duration = 4 * p.duration
	}
	return s
}

func (p *plan) ours(s bench.Spec) bench.Contender {
	return bench.Ours(p.spec(s), bench.Options{Child: p.self})
}

// limit is one of the C programs.
func (p *plan) limit(program string, s bench.Spec) bench.Contender {
	name := map[string]string{"line": "bare line", "ring": "C ring", "futex": "futex ring"}[program]
	return bench.Program{Name: name, Command: []string{filepath.Join(p.limits, program)}, Spec: p.spec(s)}.Contender()
}

// What is called what in the table.
const (
	aeronC    = "Aeron C"
	aeronJava = "Aeron Java"
)

// aeronC is Aeron's C client and driver, where they could be built.
func (p *plan) aeronC(s bench.Spec) []bench.Contender {
	work, driver := filepath.Join(p.aeron, "work"), filepath.Join(p.aeron, "build/binaries/aeronmd")
	if !built(work) || !built(driver) {
		return nil
	}
	return []bench.Contender{bench.Program{Name: aeronC, Command: []string{work, "--driver", driver}, Spec: p.spec(s), Scratch: "/dev/shm"}.Contender()}
}

// aeronJava is Aeron's Java client and driver, where they could be built. Its
// threads are not pinned: a JVM has many, and Java cannot tell which is which.
func (p *plan) aeronJava(s bench.Spec) []bench.Contender {
	classes, jars := filepath.Join(p.aeron, "classes"), filepath.Join(p.aeron, "java")
	if !p.java || !built(classes) {
		return nil
	}
	s = p.spec(s)
	s.Warmup, s.Pin = p.jvm, nil
	command := []string{"java", "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED", "-XX:+UseSerialGC",
		"-cp", jars + "/*:" + classes, "Work"}
	return []bench.Contender{bench.Program{Name: aeronJava, Command: command, Spec: s, Scratch: "/dev/shm"}.Contender()}
}

func built(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// missing are rows of the peers that could not be built.
func (p *plan) missing(name, unit string, present []bench.Contender) []table.Row {
	var rows []table.Row
	for _, peer := range []string{aeronC, aeronJava} {
		there := false
		for _, c := range present {
			there = there || c.Name == peer
		}
		switch {
		case there:
		case peer == aeronJava && !p.java:
		default:
			rows = append(rows, table.Row{Cell: name, Unit: unit, Peer: peer, Note: peer + " is not built here: make peers says why"})
		}
	}
	return rows
}

// alternate runs contenders in turn.
func (p *plan) alternate(ctx context.Context, contenders []bench.Contender, until time.Time) ([]bench.Round, error) {
	rounds, err := bench.Alternate(ctx, contenders, bench.Rounds{Want: p.want, Most: p.most, Again: 3, Until: until})
	if err != nil {
		return nil, err
	}
	return rounds, ctx.Err()
}

// millions is the scale of rates in the table.
const millions = 1e-6

// exclusiveCell is one producer and one reader of an exclusive topic. Its goal
// beside Aeron is lower where nine tenths of the C ring are.
func exclusiveCell(size int) cell {
	name := fmt.Sprintf("exclusive 1-1 %d B", size)
	return cell{name, func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error) {
		s := bench.Spec{Scenario: bench.Stream, Size: size, Slots: bench.DeepSlots(size), Exclusive: true, Wait: bench.Spin, Pin: bothCores()}
		list := []bench.Contender{p.ours(s), p.limit("ring", s)}
		list = append(append(list, p.aeronC(s)...), p.aeronJava(s)...)
		rounds, err := p.alternate(ctx, list, until)
		if err != nil {
			return nil, err
		}
		var rows []table.Row
		for i, c := range list[1:] {
			r := table.Compared(name, "M/s", c.Name, millions, bench.Compare(rounds, i+1, bench.RateOf, bench.RateOf))
			if i > 0 { // the C ring of the row's own regime
				exclusiveGoal(&r, size, millions*bench.MedianIn(rounds, 1, bench.Regime(r.Regime), bench.RateOf))
			}
			rows = append(rows, r)
		}
		return append(rows, p.missing(name, "M/s", list)...), nil
	}}
}

// batchCell is exclusiveCell with messages claimed and committed by 64. Its peers do as
// they do there, so there is no goal.
func batchCell(size int) cell {
	name := fmt.Sprintf("exclusive by 64 %d B", size)
	return cell{name, func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error) {
		s := bench.Spec{Scenario: bench.Stream, Size: size, Slots: bench.DeepSlots(size), Exclusive: true, Wait: bench.Spin, Pin: bothCores()}
		batches := s
		batches.Batch = 64
		list := append([]bench.Contender{p.ours(batches), p.limit("ring", s)}, p.aeronC(s)...)
		rounds, err := p.alternate(ctx, list, until)
		if err != nil {
			return nil, err
		}
		var rows []table.Row
		for i, c := range list[1:] {
			rows = append(rows, table.Compared(name, "M/s", c.Name, millions, bench.Compare(rounds, i+1, bench.RateOf, bench.RateOf)))
		}
		return rows, nil
	}}
}

// exclusiveGoal sets the goal beside Aeron; limit is what the C ring moves.
func exclusiveGoal(r *table.Row, size int, limit float64) {
	r.Judged, r.Goal = true, 2
	if size <= 256 {
		r.Goal = 1.3
		if r.Theirs > 0 && limit > 0 && 0.9*limit < 1.3*r.Theirs {
			r.Goal, r.Note = 0.9*limit/r.Theirs, "goal: 0.9 of the C ring, which is less than 1.3 of Aeron"
		}
	}
	r.Verdict()
}

// sharedCell is a shared topic beside Aeron's concurrent publication. With more
// threads than cores both yield, which is best for both.
func sharedCell(size, producers, readers int) cell {
	name := fmt.Sprintf("shared %d-%d %d B", producers, readers, size)
	return cell{name, func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error) {
		s := bench.Spec{Scenario: bench.Stream, Size: size, Slots: bench.DeepSlots(size), Producers: producers, Readers: readers,
			Wait: bench.Spin, Pin: bothCores()}
		if producers+readers > 2 {
			s.Wait, s.Pin = bench.Yield, nil
		}
		list := append(append([]bench.Contender{p.ours(s)}, p.aeronC(s)...), p.aeronJava(s)...)
		rounds, err := p.alternate(ctx, list, until)
		if err != nil {
			return nil, err
		}
		var rows []table.Row
		for i, c := range list[1:] {
			r := table.Compared(name, "M/s", c.Name, millions, bench.Compare(rounds, i+1, bench.RateOf, bench.RateOf))
			r.Judged, r.Goal = true, 1
			r.Verdict()
			rows = append(rows, r)
		}
		return append(rows, p.missing(name, "M/s", list)...), nil
	}}
}

// crowdCell is three producers and three readers beside a single pair, all yielding.
func crowdCell() cell {
	const name = "shared 3-3 256 B yield"
	return cell{name, func(ctx context.Context, p *plan, until time.Time) ([]table.Row, error) {
		crowd := bench.Spec{Scenario: bench.Stream, Size: 256, Producers: 3, Readers: 3, Wait: bench.Yield}
		pair := bench.Spec{Scenario: bench.Stream, Size: 256, Wait: bench.Yield}
		rounds, err := p.alternate(ctx, []bench.Contender{p.ours(crowd), p.ours(pair)}, until)
		if err != nil {
			return nil, err
		}
		r := table.Compared(name, "M/s", "ours 1-1", millions, bench.Compare(rounds, 1, bench.RateOf, bench.RateOf))
		r.Judged, r.Goal = true, 0.6
		r.Verdict()
		return []table.Row{r}, nil
	}}
}
