package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/ringcast/ringcast"
)

// Options are how a run is started and watched. They are copied.
type Options struct {
	// Child is the command that leads to [Child], this program's own as a rule.
	Child []string
	// Dir is where the temporary directory is made. Empty means /dev/shm.
	Dir string
	// Progress is told how far the run is, 5 times a second, by another goroutine.
	// Nil means that nobody wants to know.
	Progress func(Progress)
	// Ready is told when all processes are open, before the warm-up.
	Ready func()
	// Unwatched leaves Rates empty, for which somebody would wake in each interval.
	Unwatched bool
	// Wrap is put before the command of the first child: a tracer.
	Wrap []string
}

// A Progress is how far a run is.
type Progress struct {
	Phase    string        // opening, warm-up, measuring, ending
	Elapsed  time.Duration // of the run
	Messages uint64        // read so far
	Rate     float64       // read in the last moment, a second
}

// A Result is what a run measured. It belongs to the caller.
type Result struct {
	Spec      Spec         `json:"spec"`
	Machine   Machine      `json:"machine"`
	Rate      float64      `json:"rate"` // messages delivered a second, summed over readers
	Latency   *Percentiles `json:"latency_ns,omitempty"`
	Allocs    float64      `json:"allocs_per_message"` // on the busier side
	Processes []Process    `json:"processes"`

	LineBefore time.Duration `json:"line_before_ns"` // cache-line round trip
	LineAfter  time.Duration `json:"line_after_ns"`
	Regime     Regime        `json:"regime"`
	Steal      float64       `json:"steal"`       // part of the machine's time that other machines of its host took
	OtherCores float64       `json:"other_cores"` // that programs which are no part of the run kept busy

	Wakes      uint64 `json:"wakes"`       // sleepers woken, by the rings' own counters
	RingBytes  uint64 `json:"ring_bytes"`  // of the topic's files
	TotalBytes uint64 `json:"total_bytes"` // of the whole domain's files
	Missed     uint64 `json:"missed"`      // positions that passed a reader by

	// Rates and Intervals say how it went over time, where Spec.Every asks for that.
	Rates     []RateAt   `json:"rates,omitempty"`
	Intervals []Interval `json:"intervals,omitempty"`
	// Histogram has all latencies, in HdrHistogram's compressed form, base64, ns.
	Histogram string `json:"histogram,omitempty"`
	// Tail is there for a stream at a pace whose intervals are PartLength.
	Tail *Tail `json:"tail,omitempty"`

	histogram *hdrhistogram.Histogram
	tails     []float64 // p99 of each part
}

var errNoLatency = errors.New("no latency was measured: a stream at the greatest rate has only a queue; give it a rate")

// patienceOver is how long a run may take beyond what it was told to, before its
// processes are killed: they open, drain a ring, and close.
const patienceOver = 30 * time.Second

// Run does the work of a spec with processes of our own, and returns when they
// have ended and what they left is removed. A message that did not arrive as it
// was sent is an error.
func Run(ctx context.Context, spec Spec, o Options) (*Result, error) {
	spec, err := spec.Complete()
	if err != nil {
		return nil, err
	}
	if len(o.Child) == 0 {
		return nil, errors.New("bench options: no command for the children")
	}
	ctx, cancel := context.WithTimeout(ctx, spec.Warmup+spec.Duration+patienceOver)
	defer cancel()
	r, err := newRun(spec, o)
	if err != nil {
		return nil, err
	}
	result, err := r.run(ctx)
	return result, errors.Join(err, r.scratch.remove())
}

// A run is one set of processes.
type run struct {
	spec     Spec
	options  Options
	scratch  *scratch
	board    *board
	children []*child
	result   Result
	begin    time.Time
	before   load
	failed   chan error // a child that ended before its time
}

// A child is one process as its parent sees it.
type child struct {
	role   role
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout bytes.Buffer
	stderr bytes.Buffer
	ended  chan error
}

func newRun(spec Spec, o Options) (*run, error) {
	base := o.Dir
	if base == "" {
		base = "/dev/shm"
	}
	s, err := newScratch(base)
	if err != nil {
		return nil, err
	}
	r := &run{spec: spec, options: o, scratch: s, begin: time.Now(), failed: make(chan error, maxProcesses)}
	path := filepath.Join(s.dir, "board")
	if err = makeBoard(path); err == nil {
		r.board, _, err = openBoard(path)
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return r, nil
}

// run goes through the phases.
func (r *run) run(ctx context.Context) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer r.reap()
	defer cancel()
	r.result = Result{Spec: r.spec, Machine: ThisMachine(), LineBefore: CacheLine()}
	r.before = readLoad()
	if err := r.start(ctx); err != nil {
		return nil, err
	}
	stop := r.watch()
	defer stop()
	if err := r.until(ctx, "processes open", func() bool { return r.board.ready.Load() >= uint32(len(r.children)) }); err != nil {
		return nil, err
	}
	if r.options.Ready != nil {
		r.options.Ready()
	}
	for _, step := range []struct {
		phase uint32
		d     time.Duration
	}{{phaseWarm, r.spec.Warmup}, {phaseMeasure, r.spec.Duration}, {phaseStop, 0}} {
		r.board.phase.Store(step.phase)
		if err := r.sleep(ctx, step.d); err != nil {
			return nil, err
		}
	}
	if err := r.until(ctx, "processes finish", func() bool { return r.board.done.Load() >= uint32(len(r.children)) }); err != nil {
		return nil, err
	}
	r.inspect()
	r.board.phase.Store(phaseLeave)
	if err := r.collect(); err != nil {
		return nil, err
	}
	r.result.LineAfter = CacheLine()
	after := readLoad()
	r.result.Steal, r.result.OtherCores = after.stealSince(r.before), after.othersSince(r.before)
	r.result.Regime = RegimeOf(r.result.LineBefore, r.result.LineAfter)
	return &r.result, nil
}

func (r *run) start(ctx context.Context) error {
	index := make(map[role]int)
	for seat, one := range r.spec.roles() {
		a := assignment{Spec: r.spec, Role: one, Index: index[one], Seat: seat, Dir: r.scratch.dir, Board: filepath.Join(r.scratch.dir, "board")}
		index[one]++
		command := r.options.Child
		if seat == 0 {
			command = append(append([]string{}, r.options.Wrap...), command...)
			a.Traced = len(r.options.Wrap) > 0
		}
		c, err := startChild(ctx, command, &a, r.scratch.held, r.failed)
		if c != nil {
			r.children = append(r.children, c)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", one, err)
		}
	}
	return nil
}

// startChild starts one process, which inherits the lock of the run's directory.
func startChild(ctx context.Context, command []string, a *assignment, held *os.File, failed chan<- error) (*child, error) {
	c := &child{role: a.Role, cmd: exec.CommandContext(ctx, command[0], command[1:]...), ended: make(chan error, 1)}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	c.cmd.WaitDelay = time.Second
	c.cmd.ExtraFiles = []*os.File{held}
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		err := c.cmd.Wait()
		if err != nil {
			err = fmt.Errorf("%s: %w: %s", c.role, err, lastLines(c.stderr.String()))
			failed <- err
		}
		c.ended <- err
	}()
	if err := json.NewEncoder(c.stdin).Encode(a); err != nil { // it has ended: what it said matters more
		ended := <-c.ended
		c.ended <- ended // for reap
		return c, errors.Join(ended, err)
	}
	return c, nil
}

// lastLines is the end of what a process complained about.
func lastLines(text string) string {
	const most = 600
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return strings.TrimSpace(text)
}

// until waits for a condition.
func (r *run) until(ctx context.Context, what string, ready func() bool) error {
	for !ready() {
		if err := r.sleep(ctx, time.Millisecond); err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
	}
	return nil
}

// sleep waits, unless a child ends before its time.
func (r *run) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case err := <-r.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collect waits for the ends and adds the accounts up.
func (r *run) collect() error {
	var accounts []account
	for _, c := range r.children {
		if err := <-c.ended; err != nil {
			return err
		}
		c.ended <- nil // for reap
		var a account
		if err := json.Unmarshal(c.stdout.Bytes(), &a); err != nil {
			return fmt.Errorf("%s: account: %w", c.role, err)
		}
		accounts = append(accounts, a)
	}
	return r.result.add(accounts)
}

// reap ends what is still running and waits for it.
func (r *run) reap() {
	for _, c := range r.children {
		_ = c.stdin.Close()
		<-c.ended
	}
}

// inspect looks at the rings while everybody is still there.
func (r *run) inspect() {
	snap, err := ringcast.Inspect(&ringcast.Config{Dir: r.scratch.dir, Domain: domain})
	if err != nil {
		return
	}
	for _, t := range snap.Topics {
		r.result.Wakes += t.Wakes
	}
	_ = filepath.Walk(filepath.Join(r.scratch.dir, domain), func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return nil
		}
		r.result.TotalBytes += uint64(info.Size())
		if strings.HasPrefix(filepath.Base(path), topicMain+".") {
			r.result.RingBytes += uint64(info.Size())
		}
		return nil
	})
}
