package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/ringcast/ringcast"
)

// A role is what one process of a run does.
type role string

const (
	roleProducer role = "producer"
	roleReader   role = "reader"
	rolePing     role = "ping"
	rolePong     role = "pong"
	roleCaller   role = "caller"
	roleSleeper  role = "sleeper"
	roleKeeper   role = "keeper"
	roleIdler    role = "idler"
	roleAsker    role = "asker"
	roleServer   role = "server"
	roleSurveyor role = "surveyor"
	roleAnswerer role = "answerer"
)

// counts reports whether the role's messages are those of the run, and their latencies.
func (r role) counts() bool {
	switch r {
	case roleReader, rolePing, roleSleeper, roleAsker, roleSurveyor:
		return true
	}
	return false
}

// An assignment is what a child is told, as one line of JSON.
type assignment struct {
	Spec  Spec   `json:"spec"`
	Role  role   `json:"role"`
	Index int    `json:"index"` // among those of its role
	Seat  int    `json:"seat"`
	Dir   string `json:"dir"`
	Board string `json:"board"`
	// Traced asks for the addresses of the domain's files.
	Traced bool `json:"traced,omitempty"`
}

// An account is what a child answers.
type account struct {
	Process    Process  `json:"process"`
	Histograms []string `json:"histograms,omitempty"` // by interval; see recorder
	Error      string   `json:"error,omitempty"`
}

// Child is the whole life of one process of a run: it reads its assignment from
// stdin, does it, and writes its account to stdout. When stdin ends before, it
// gives up: its parent is gone. Programs whose Options.Child leads to themselves
// call it.
func Child(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var a assignment
	dec := json.NewDecoder(stdin)
	if err := dec.Decode(&a); err != nil {
		return fmt.Errorf("assignment: %w (this command is for bench itself: use ringcast bench oneway and its like)", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	w, err := newWorker(&a)
	if err == nil {
		// Who always has work looks at the phase alone, which a parent that was killed leaves as it is.
		defer context.AfterFunc(ctx, func() { w.board.phase.Store(phaseLeave) })()
		err = w.run(ctx)
	}
	if err != nil {
		return errors.Join(err, json.NewEncoder(stdout).Encode(account{Error: err.Error()}))
	}
	answer, err := w.account()
	return errors.Join(err, json.NewEncoder(stdout).Encode(answer))
}

// A worker is one process of a run at its work. It belongs to one goroutine.
type worker struct {
	assignment
	board  *board
	seat   *seat
	bus    *ringcast.Bus
	window window
	buffer []byte    // of a run that copies
	times  *recorder // nil: this role measures no latency

	total    uint64
	shown    uint64 // bits of total that are zero when the board is told: a locked store costs as much as a message
	missed   uint64
	behind   time.Duration
	attached int64
	mapped   []Mapping
	private  uint64
}

func newWorker(a *assignment) (*worker, error) {
	if a.Seat < 0 || a.Seat >= maxProcesses {
		return nil, fmt.Errorf("seat %d: want 0 to %d", a.Seat, maxProcesses-1)
	}
	b, _, err := openBoard(a.Board)
	if err != nil {
		return nil, err
	}
	w := &worker{assignment: *a, board: b, seat: &b.counts[a.Seat], buffer: make([]byte, a.Spec.Size)}
	if a.Spec.Scenario == Stream && a.Spec.Rate == 0 {
		w.shown = 1<<10 - 1
	}
	if a.Role.counts() {
		w.times = newRecorder(a.Spec.Every, a.Spec.Duration)
	}
	return w, nil
}

// run joins the domain, works, and leaves when the parent says so.
func (w *worker) run(ctx context.Context) error {
	policy, err := w.Spec.Wait.policy()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("bench-%s-%d", w.Role, w.Index)
	w.bus, err = ringcast.Open(ctx, &ringcast.Config{Dir: w.Dir, Domain: domain, Name: name, Wait: policy, InboxSlotSize: max(w.Spec.Size, 2048),
		Memory: ringcast.Memory{Prefault: w.Spec.Prefault}})
	if err != nil {
		return err
	}
	if cpu, ok := w.Spec.cpu(w.Seat); ok {
		pinProcess(cpu)
	}
	runtime.GC()
	debug.SetGCPercent(-1) // nothing is allocated; a collection would be noise of ours
	err = w.work(ctx)
	if err == nil {
		err = w.rest(ctx)
	}
	return errors.Join(err, w.bus.Close())
}

func (w *worker) work(ctx context.Context) error {
	switch w.Role {
	case roleProducer:
		return w.produce(ctx)
	case roleReader:
		return w.consume(ctx)
	case rolePing:
		return w.ping(ctx)
	case rolePong:
		return w.pong(ctx)
	case roleCaller:
		return w.call(ctx)
	case roleSleeper:
		return w.consume(ctx)
	case roleKeeper:
		return w.keep(ctx)
	case roleIdler:
		return w.idle(ctx)
	case roleAsker:
		return w.ask(ctx)
	case roleServer:
		return w.serve(ctx)
	case roleSurveyor:
		return w.survey(ctx)
	case roleAnswerer:
		return w.answer(ctx)
	}
	return fmt.Errorf("role %q is unknown", string(w.Role))
}

// begin says that this process is ready and waits for the others.
func (w *worker) begin(ctx context.Context) error {
	w.private = privateBytes()
	w.board.ready.Add(1)
	return w.await(ctx, phaseWarm)
}

// rest says that this process is done and waits until all may close.
func (w *worker) rest(ctx context.Context) error {
	w.turn()
	w.seat.messages.Store(w.total)
	w.private = privateBytes()
	if w.Traced {
		w.mapped = mappingsBelow(w.Dir)
	}
	w.board.done.Add(1)
	return w.await(ctx, phaseLeave)
}

func (w *worker) await(ctx context.Context, phase uint32) error {
	for w.board.phase.Load() < phase {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
	return ctx.Err()
}

// turn looks at the phase, and reports whether the work is over.
func (w *worker) turn() (over bool) {
	phase := w.board.phase.Load()
	if phase != w.window.phase {
		w.window.turn(phase)
	}
	return phase >= phaseStop
}

// count counts one message that was sent or read.
func (w *worker) count() { w.countMany(1) }

// countMany counts so many.
func (w *worker) countMany(n uint64) {
	was := w.total
	w.total += n
	if w.window.measured {
		w.window.messages += n
	}
	if was|w.shown != w.total|w.shown {
		w.seat.messages.Store(w.total)
	}
}

// account is what the parent is told.
func (w *worker) account() (account, error) {
	p := w.window.process(w.Role)
	p.Total, p.Missed, p.Behind, p.Private, p.Attached, p.Mapped = w.total, w.missed, w.behind, w.private, w.attached, w.mapped
	a := account{Process: p}
	var err error
	if w.times != nil {
		a.Histograms, err = w.times.encoded()
	}
	return a, err
}

// publisher opens a topic for publishing in the shape of the run, and waits for
// its readers.
func (w *worker) publisher(ctx context.Context, topic string, readers int) (*ringcast.Publisher, error) {
	s := &w.Spec
	before := privateBytes()
	p, err := w.bus.Publisher(topic, &ringcast.PublisherConfig{Slots: s.Slots, SlotSize: s.SlotSize, StallBudget: s.StallBudget, Exclusive: s.Exclusive, Solo: true})
	if err != nil {
		return nil, err
	}
	w.attached = int64(privateBytes()) - int64(before)
	return p, w.bus.WaitForSubscribers(ctx, topic, readers)
}

// subscription subscribes to a topic.
func (w *worker) subscription(topic string) (*ringcast.Subscription, error) {
	before := privateBytes()
	s, err := w.bus.Subscribe(topic, nil)
	w.attached = int64(privateBytes()) - int64(before)
	return s, err
}
