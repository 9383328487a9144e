package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/nodes"
)

// A measure is what of a figure is compared.
type measure string

const (
	rate        measure = "rate"          // messages a second, all readers together; more is better
	median      measure = "p50"           // of the latency; so are the rest: less is better
	tail        measure = "p99"           // where both carry the rate that is offered; else the rate
	typical     measure = "p99 of 20 ms"  // its place where the runs were told apart in parts: bench.Tail
	between     measure = "p99 of 100 ms" // the same between nodes
	processor   measure = "cores"         // of all processes that wait
	memoryStart measure = "memory at start"
	memoryEnd   measure = "memory after a run"
	commands    measure = "commands"
)

// A cell is one kind of work; its name is its key in the results.
type cell struct {
	name    string
	measure measure
	spec    bench.Spec // on one node
	work    nodes.Work // between two, where its size is not 0
	rank    int        // 0 for the most important ones, which -quick measures; higher ones come later
	watched bool       // footprints are looked at
	source  string     // the cell whose rounds have this one's figure, too; "": its own
}

// key is the name under which its rounds are kept.
func (c *cell) key() string {
	if c.source != "" {
		return c.source
	}
	return c.name
}

func (c *cell) between() bool { return c.work.Size != 0 }

// The pace of all cells with a rate, and that between nodes.
const (
	offeredOnNode  = 100_000
	offeredBetween = 10_000
)

// allCells is the table, in its order. It is fixed.
func allCells() (list []cell) {
	for _, pace := range []float64{0, offeredOnNode} {
		for _, crowd := range [][2]int{{1, 1}, {1, 3}, {3, 1}} {
			for _, size := range []int{64, 256, 1024, 2048, 64 << 10, 4 << 20} {
				list = append(list, onewayCell(size, crowd[0], crowd[1], pace))
			}
		}
	}
	for _, size := range []int{64, 256, 2048} {
		list = append(list, roundTrips(size)...)
	}
	list = append(list, cell{name: "request 256 B", measure: median,
		spec: bench.Spec{Scenario: bench.Request, Size: 256, Wait: bench.Block}})
	for _, size := range []int{256, 1024, 2048} {
		for _, loss := range []float64{0, 0.1, 1, 5} {
			w := nodes.Work{Size: size, Loss: loss, Receivers: 1}
			paced := w
			paced.Rate = offeredBetween
			rank := 1 + b2i(size != 1024)
			quickly := b2i(size != 1024 || loss != 0 && loss != 1)
			list = append(list, cell{name: fmt.Sprintf("two nodes %d B, loss %g %%", size, loss), measure: rate, work: w, rank: quickly * rank},
				cell{name: fmt.Sprintf("two nodes %d B, loss %g %%, 10 k/s", size, loss), measure: tail, work: paced, rank: rank})
		}
	}
	return append(list, wholeCells()...)
}

// onewayCell is a stream. With more threads than cores ours yields; each peer does what is
// best for it, which its file says. Several producers have a topic each here, which readers take by a pattern, as Aeron's
// have a publication with a log of its own.
func onewayCell(size, producers, readers int, pace float64) cell {
	s := bench.Spec{Scenario: bench.Stream, Size: size, Producers: producers, Readers: readers, Rate: pace,
		Exclusive: true, Apart: producers > 1, StallBudget: patient, Wait: bench.Spin, Pin: []int{0, 1}}
	if producers+readers > 2 {
		s.Wait, s.Pin = bench.Yield, nil
	}
	s.Slots, s.Prefault = slotsOf(size, pace, readers), size > 4096 || pace == 0
	if pace > 0 {
		s.Every = bench.PartLength
	}
	pair := producers+readers == 2
	c := cell{name: fmt.Sprintf("one-way %s %d-%d", sized(size), producers, readers), measure: rate, spec: s, rank: b2i(!pair && size != 256)}
	if pace > 0 {
		c.name, c.measure, c.rank = c.name+", 100 k/s", tail, 1+b2i(size > 2048)
		if pair && (size == 256 || size == 2048) {
			c.rank = 0
		}
	}
	return c
}

// patient is the stall budget of streams, as in cbindings/bench/node.c: at full rate, and at a pace that ours cannot carry, the producers wait for the
// readers nearly all the time, of which four processes on two cores may well take 500 ms in a run; a peer waits, too.
const patient = 10 * time.Second

// slotsOf keeps a ring of large messages from taking gigabytes, and of 4 MiB as many as iceoryx2 holds here: four lie in
// the caches. At a pace 64 KiB have room for 2.5 ms of a producer's 100,000 a second, longer than most times at which a reader has no core: a ring that is full once stays so
// for long where the cores are far apart (decision 422). Small ones at full rate have more than the standard number; for several readers, who wait for each other, four times as many
// of the smallest, in 8 and 10 MiB. The rings are mapped beforehand, as Aeron's logs are.
func slotsOf(size int, pace float64, readers int) int {
	switch {
	case size > 64<<10:
		return 4
	case size > 4096 && pace > 0:
		return 256
	case size > 4096:
		return 128
	case pace == 0 && readers > 1 && size <= 256:
		return min(4*bench.DeepSlots(size), 1<<16)
	case pace == 0:
		return bench.DeepSlots(size)
	}
	return 1024
}

func sized(size int) string {
	switch {
	case size >= 1<<20:
		return fmt.Sprintf("%d MiB", size>>20)
	case size > 4096:
		return fmt.Sprintf("%d KiB", size>>10)
	}
	return fmt.Sprintf("%d B", size)
}

// roundTrips are those of one size: spinning, waiting as a program does that says nothing about
// it, and the same after a pause of 10 ms, from the instant at which each was due.
func roundTrips(size int) []cell {
	name := fmt.Sprintf("ping-pong %s", sized(size))
	s := bench.Spec{Scenario: bench.PingPong, Size: size, Exclusive: true, Wait: bench.Spin, Pin: []int{0, 1}}
	own := s
	own.Wait, own.Pin = bench.Block, nil
	late := own
	late.Rate = 100
	// Such a run is over before the first lap of a ring of 1024 slots: without this each message of 2048 bytes lies in pages that
	// no process has touched, on both ways and both sides, where a peer uses the same few again and again.
	late.Prefault = true
	return []cell{{name: name + ", spin", measure: median, spec: s},
		{name: name + ", default", measure: median, spec: own, rank: b2i(size != 256)},
		{name: name + ", after a pause", measure: median, spec: late, rank: b2i(size != 256)}}
}

// wholeCells are what a system costs as a whole.
func wholeCells() []cell {
	idle := bench.Spec{Scenario: bench.Idle, Size: 256, Topics: 1, Wait: bench.Block}
	flow := bench.Spec{Scenario: bench.Stream, Size: 256, Exclusive: true, Wait: bench.Block, StallBudget: patient} // for over a second
	return []cell{{name: "idle processor", measure: processor, spec: idle, watched: true},
		{name: "memory at start", measure: memoryStart, spec: flow, watched: true},
		{name: "memory after a run", measure: memoryEnd, spec: flow, watched: true, source: "memory at start"},
		{name: "newcomer's commands", measure: commands}}
}

// A length is how long a run takes.
type length struct{ warmup, duration, betweenWarmup, between time.Duration }

// timed is the cell with the lengths of its runs. What happens seldom needs longer.
func (c cell) timed(l length) cell {
	c.spec.Warmup, c.spec.Duration = l.warmup, l.duration
	c.work.Warmup, c.work.Duration = l.betweenWarmup, l.between
	switch {
	case c.work.Rate > 0:
		c.work.Duration = 3 * l.between / 2
	case c.spec.Scenario == bench.Idle:
		c.spec.Duration = 10 * l.duration
	case c.spec.Rate == 100 || c.watched:
		c.spec.Duration = 4 * l.duration
	case c.spec.Every > 0:
		c.spec.Duration = 2 * l.duration
	}
	return c
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// floor is below what differences are not seen: a thousandth of a core, and 64 KiB.
func (m measure) floor() float64 {
	switch m {
	case processor:
		return 1e-3
	case memoryStart, memoryEnd:
		return 64 << 10
	}
	return 0
}

// smaller reports whether less is better.
func (m measure) smaller() bool { return m != rate }

// of is the value of a figure, in the unit of text.
func (m measure) of(f bench.Figure) float64 {
	value := f.Rate
	switch m {
	case median:
		value = bench.P50Of(f)
	case tail:
		value = bench.P99Of(f)
	case typical, between:
		value = bench.TypicalOf(f)
	case processor:
		value = f.CPU
	case memoryStart:
		value = float64(f.MemoryStart)
	case memoryEnd:
		value = float64(f.MemoryEnd)
	}
	return max(value, m.floor())
}

// text writes a value with its unit.
func (m measure) text(v float64) string {
	switch m {
	case rate:
		return perSecond(v)
	case median, tail, typical, between:
		return time.Duration(v).Round(max(time.Duration(v)/1000, 1)).String()
	case processor:
		return fmt.Sprintf("%.2f %%", 100*v)
	case memoryStart, memoryEnd:
		return fmt.Sprintf("%.1f MB", v/1e6)
	}
	return fmt.Sprintf("%.0f", v)
}

func perSecond(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.2f M/s", v/1e6)
	case v >= 1e4:
		return fmt.Sprintf("%.0f k/s", v/1e3)
	case v >= 1e3:
		return fmt.Sprintf("%.2f k/s", v/1e3)
	}
	return fmt.Sprintf("%.0f /s", v)
}

// offered is how many messages a second readers should get altogether; 0 where there is no rate.
func (c *cell) offered() float64 {
	if c.between() {
		return c.work.Rate
	}
	return c.spec.Rate * float64(max(c.spec.Readers, 1))
}

// compared is what the figures of both allow to compare: latencies at a rate only where both
// carry it, and by their parts where all runs have them and nothing is lost: what a loss holds up is the contender's own.
func (c *cell) compared(pairs []bench.Round) measure {
	switch {
	case c.measure != tail:
		return c.measure
	case min(middleRate(pairs, 0), middleRate(pairs, 1)) < carried*c.offered():
		return rate
	case c.work.Loss > 0 || slices.ContainsFunc(pairs, func(p bench.Round) bool { return p[0].Tail == nil || p[1].Tail == nil }):
		return tail
	case c.between():
		return between
	}
	return typical
}

// carried is the part of an offered rate that has to arrive.
const carried = 0.97
