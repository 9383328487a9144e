package nodes

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/internal/netlab"
)

// usual is how many receivers a run of bench-net has, besides the sender.
const usual = 2

// A work is what one run does.
type work struct {
	receivers    int // nodes besides the sender's
	size         int
	rate         float64 // 0: as fast as the contender takes it
	loss         float64 // per cent of what each node would receive
	warmup       time.Duration
	duration     time.Duration
	compressible bool          // its payload
	pauseAt      time.Duration // after the beginning all processes of the last node are stopped,
	pause        time.Duration // for so long
	open         int           // not 0: requests that one node has open at a time, which another one answers
}

// sent is the sender's line, received a receiver's: bench/peers/net/peer.h.
type sent struct {
	Sent    uint64  `json:"sent"`
	Seconds float64 `json:"seconds"`
	Longest uint64  `json:"longest_ns"`
}

type received struct {
	Received uint64  `json:"received"`
	Missing  uint64  `json:"missing"`
	Told     uint64  `json:"told"`
	Disorder uint64  `json:"disorder"`
	Ended    bool    `json:"ended"`
	Rate     float64 `json:"rate"`
	P50      uint64  `json:"p50"`
	P99      uint64  `json:"p99"`
	P999     uint64  `json:"p999"`
	Max      uint64  `json:"max"`
	Gap      uint64  `json:"gap_ns"`
	AfterGap uint64  `json:"after_gap"`

	Tail *bench.Tail `json:"tail"` // nil where its parts were not told apart
}

// An outcome is what one run gave.
type outcome struct {
	sent      sent
	received  []received
	processor float64 // cores, of all processes within the window
	elsewhere float64 // cores that others had meanwhile
	daemon    float64 // cores, of the busiest daemon
	resident  float64 // MB of the largest daemon, at the end
	own       float64 // MB of it that are no file's
	drops     []netlab.Count
	state     map[string]uint64 // what our sending forwarder counted
	resumed   uint64            // when the paused node went on, on the clock of the programs
}

// A run is one in the making.
type run struct {
	work
	contender *contender
	lab       *netlab.Lab
	daemons   []*netlab.Process
	programs  []*netlab.Process // the receivers'
	sender    *netlab.Process
	outcome   outcome
}

// measure does a work once. Everything it starts has ended when it returns.
func measure(ctx context.Context, c *contender, w work) (o outcome, err error) {
	if w.receivers < 1 {
		return o, errors.New("a work without receivers")
	}
	lab, err := netlab.New(1 + w.receivers)
	if err != nil {
		return o, err
	}
	defer lab.Close()
	r := &run{work: w, contender: c, lab: lab}
	defer r.end()
	stop := context.AfterFunc(ctx, lab.Close)
	defer stop()
	if err := errors.Join(r.begin(), ctx.Err()); err != nil {
		return o, err
	}
	if err := errors.Join(r.watch(), ctx.Err()); err != nil {
		return o, err
	}
	return r.outcome, nil
}

// begin starts everything, the sender last, and then the loss.
func (r *run) begin() error {
	for i := 1; i <= r.lab.Nodes(); i++ {
		if err := r.startDaemon(r.lab.Node(i)); err != nil {
			return err
		}
	}
	if r.open > 0 {
		return r.beginAsking()
	}
	for i := 2; i <= r.lab.Nodes(); i++ {
		p, err := r.start(r.lab.Node(i), "receive")
		if err != nil {
			return err
		}
		r.programs = append(r.programs, p)
		if err := p.Ready(); err != nil {
			return err
		}
	}
	time.Sleep(settle)
	p, err := r.start(r.lab.Node(1), "send")
	if err != nil {
		return err
	}
	r.sender = p
	if err := p.Ready(); err != nil {
		return err
	}
	time.Sleep(settle)
	return r.lab.LoseInto(r.loss)
}

// settle is how long nodes have to find each other.
const settle = 400 * time.Millisecond

func (r *run) startDaemon(n *netlab.Node) error {
	if r.contender.daemon == nil {
		return nil
	}
	command := r.contender.daemon(n, n.Index == 1)
	if command == nil {
		return nil
	}
	var environment []string
	if r.contender.environment != nil {
		environment = r.contender.environment(n)
	}
	p, err := n.Run(environment, command...)
	if err == nil {
		r.daemons = append(r.daemons, p)
	}
	return err
}

// start starts the contender's program in a role.
func (r *run) start(n *netlab.Node, role string) (*netlab.Process, error) {
	command := append(append([]string{}, r.contender.program...), role, "--size", strconv.Itoa(r.size),
		"--rate", fmt.Sprint(r.rate), "--warmup-ns", fmt.Sprint(int64(r.warmup)), "--duration-ns", fmt.Sprint(int64(r.duration)),
		"--address", n.Addr.String(), "--sender", r.lab.Node(1).Addr.String(), "--receivers", strconv.Itoa(r.receivers), "--dir", n.Dir)
	if r.open > 0 {
		command = append(append(command, "--open", strconv.Itoa(r.open)), r.contender.more...)
	}
	if r.compressible {
		command = append(command, "--compressible", "1")
	}
	return n.Run(nil, command...)
}

// watch lets the sender begin and books what all did.
func (r *run) watch() error {
	if _, err := r.sender.Input.Write([]byte("go\n")); err != nil {
		return err
	}
	began := time.Now()
	if r.pause > 0 {
		go r.pauseLast(began.Add(r.pauseAt))
	}
	time.Sleep(r.warmup)
	before, daemonsBefore := r.processorTimes()
	from, busy := time.Now(), readBusyness()
	time.Sleep(r.duration)
	after, daemonsAfter := r.processorTimes()
	took := time.Since(from)
	r.outcome.processor = float64(after-before) / float64(took)
	r.outcome.elsewhere = readBusyness().elsewhere(busy, after-before, took)
	for i, p := range r.daemons {
		r.outcome.daemon = max(r.outcome.daemon, float64(daemonsAfter[i]-daemonsBefore[i])/float64(took))
		if all, own := p.Resident(); all > r.outcome.resident {
			r.outcome.resident, r.outcome.own = all, own
		}
	}
	if r.open > 0 {
		return r.answers()
	}
	return r.results()
}

// processorTimes are those of all processes together, and of each daemon.
func (r *run) processorTimes() (all time.Duration, daemons []time.Duration) {
	for _, p := range r.daemons {
		daemons = append(daemons, p.Processor())
		all += daemons[len(daemons)-1]
	}
	for _, p := range append([]*netlab.Process{r.sender}, r.programs...) {
		all += p.Processor()
	}
	return all, daemons
}

// pauseLast stops all of the last node, and lets it go on.
func (r *run) pauseLast(at time.Time) {
	time.Sleep(time.Until(at))
	last := r.programs[len(r.programs)-1]
	all := []*netlab.Process{last}
	for _, d := range r.daemons {
		if d.Node == last.Node {
			all = append(all, d)
		}
	}
	for _, p := range all {
		p.Signal(syscall.SIGSTOP)
	}
	time.Sleep(r.pause)
	r.outcome.resumed = programNow()
	for _, p := range all {
		p.Signal(syscall.SIGCONT)
	}
}

// results reads the programs' lines: of a receiver that never sees the end it is what it
// says when it is asked to stop.
func (r *run) results() error {
	if err := r.sender.Result(20*time.Second, &r.outcome.sent); err != nil {
		return err
	}
	patience := 4 * time.Second
	r.outcome.received = make([]received, len(r.programs))
	for i, p := range r.programs {
		err := p.Result(patience, &r.outcome.received[i])
		if err != nil {
			p.Signal(syscall.SIGTERM)
			err = p.Result(2*time.Second, &r.outcome.received[i])
		}
		if err != nil {
			return err
		}
	}
	var err error
	if r.outcome.drops, err = r.lab.Drops(); err != nil {
		return err
	}
	if r.contender.name == ours {
		d := r.daemons[0]
		d.Signal(syscall.SIGTERM)
		return d.Result(5*time.Second, &r.outcome.state)
	}
	return nil
}

// end ends whatever runs.
func (r *run) end() {
	all := append(append([]*netlab.Process{}, r.programs...), r.daemons...)
	if r.sender != nil {
		all = append(all, r.sender)
	}
	for _, p := range all {
		p.Signal(syscall.SIGTERM)
	}
	for _, p := range all {
		p.End()
	}
}
