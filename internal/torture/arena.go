package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// An arena is one domain in shared memory with its children, its auditors, and
// those who watch that nobody living is declared dead.
type arena struct {
	run    *run
	name   string
	base   string
	board  *board
	rng    *rand.Rand
	domain *shm.Domain
	self   *shm.Participant
	shape  ring.Shape

	auditors map[string]*auditor
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	stalls   map[string]*distribution
	atEnd    func()        // before the last look at what is left
	focus    [2][]int      // by action: points at which half of the victims are asked for
	sequel   map[int][]int // points that are passed only after somebody was struck at another
	last     int           // point of the last victim, or -1
	ordered  bool          // the next order is out already: hold gave it before its victim went on
	company  int           // a point that is left only when another member has come, or -1
	second   action        // of the order that is out while we wait
	sides    int           // victims of such orders
	joining  atomic.Int64  // victims that may have been joining

	mu       sync.Mutex
	children [maxSlots]*process
	deaths   int
	faults   []string
}

// newArena makes the domain. The parent takes part in it, like anybody.
func (r *run) newArena(name string, shape ring.Shape) (*arena, error) {
	base, err := os.MkdirTemp("/dev/shm", "ringcast-torture-")
	if err != nil {
		return nil, err
	}
	a := &arena{run: r, name: name, base: base, shape: shape, auditors: make(map[string]*auditor), last: -1, company: -1,
		rng: rand.New(rand.NewPCG(r.seed, hashOf(name))), stalls: make(map[string]*distribution)}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	if err = writePoints(base, r.points); err == nil {
		a.board, err = openBoard(base)
	}
	if err == nil {
		a.domain, err = shm.OpenDomain(domainConfig(base))
	}
	if err == nil {
		a.self, err = a.domain.Join(shm.Info{Name: "torture"})
	}
	if err != nil {
		_ = os.RemoveAll(base)
		return nil, err
	}
	a.wg.Go(a.watchDeaths)
	return a, nil
}

// fault notes something that must not be.
func (a *arena) fault(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.faults) < maxFaults {
		a.faults = append(a.faults, fmt.Sprintf(format, args...))
	}
}

func (a *arena) failed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.faults) > 0
}

// watchDeaths checks that whoever is said to be dead was killed.
func (a *arena) watchDeaths() {
	err := a.domain.Deaths(a.ctx, func(index uint16) {
		generation, live := a.domain.State(index)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.deaths++
		for _, p := range a.children {
			if p != nil && live && a.board.at(p.Slot, slotIndex).Load() == uint64(index)+1 &&
				a.board.at(p.Slot, slotGen).Load() == uint64(generation) {
				a.wg.Go(func() { a.checkDead(p, index) })
			}
		}
	})
	if !errors.Is(err, context.Canceled) {
		a.fault("watch: %v", err)
	}
}

// checkDead checks that a child that is said to be dead is. Its locks end a little
// before its process does, so it has some time; who then leaves well was alive.
func (a *arena) checkDead(p *process, index uint16) {
	select {
	case <-p.done:
	case <-time.After(2 * time.Second):
	}
	if !p.doom.Load() && (!p.ended() || p.err == nil) {
		a.fault("%s %d lives and was declared dead (participant %d)", p.Role, p.Slot, index)
	}
}

// An auditor is a reliable reader of the parent, which is never put out, and its ledger.
type auditor struct {
	*ledger
	arena *arena
	topic string
	file  *ring.File
	rd    *ring.Reader
	stop  context.CancelFunc
	done  chan struct{}

	promises              []promise
	compared              int // logs of readers that were compared
	spansTold, missedTold int // LAGGED events in them, and the messages they tell of
}

// audit opens a topic, joins it and books what comes until the arena ends.
func (a *arena) audit(topic string, shape ring.Shape) error {
	f, err := ring.OpenFile(topicPath(a.domain, topic), ring.NewHost(a.self), ring.FileOptions{Shape: shape})
	if err != nil {
		return err
	}
	rd, err := f.Join(ring.JoinOptions{Latest: shape.Mode == ring.Latest})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(a.ctx)
	au := &auditor{ledger: newLedger(), arena: a, topic: topic, file: f, rd: rd, stop: stop, done: make(chan struct{})}
	a.auditors[topic] = au
	go au.book(ctx)
	return nil
}

func (au *auditor) book(ctx context.Context) {
	defer close(au.done)
	w := ring.NewWaiter(au.arena.self.Doorbell(), ring.Block)
	var m ring.Message
	var lagged *ring.LaggedError
	for idle := 0; idle < 40; {
		switch err := au.rd.Next(&m); {
		case err == nil:
			au.take(m.Position, m.Producer, m.Sequence, m.Payload)
			idle = 0
		case errors.As(err, &lagged):
			au.lag(lagged.First, lagged.Missed)
			if au.file.Shape().Mode == ring.Reliable {
				au.arena.fault("topic %s: a reader that lives was put out: %v", au.topic, err)
			}
		case err != ring.ErrEmpty:
			au.arena.fault("topic %s: %v", au.topic, err)
			return
		case ctx.Err() != nil: // until nothing has come for some deadlines
			idle++
			time.Sleep(5 * time.Millisecond)
		default:
			_ = w.Await(ctx, []*ring.Reader{au.rd})
		}
	}
}

// finish reads what is left.
func (au *auditor) finish() {
	au.stop()
	au.arena.self.Doorbell().Ring()
	<-au.done
}

// close ends the arena: children end well, the dead are recovered, the ledgers are
// settled, and nothing is left behind. It returns all faults.
func (a *arena) close() []string {
	last := a.living() // also those that end as soon as they may are settled
	for _, p := range last {
		p.signal(contSignal)
		_ = p.stdin.Close()
	}
	for _, p := range last {
		a.end(p)
		a.settle(p)
	}
	a.sweepAll()
	if a.atEnd != nil {
		a.atEnd()
	}
	for _, au := range a.auditors {
		au.finish()
		au.settleAll()
		a.checkReaders(au)
		a.checkMembers(au)
		for _, f := range au.check() {
			a.fault("topic %s: %s", au.topic, f)
		}
		a.checkWords(au)
		au.rd.Close()
		if err := au.file.Close(); err != nil {
			a.fault("close topic %s: %v", au.topic, err)
		}
	}
	a.sweepAll()
	a.cancel()
	a.wg.Wait()
	if err := a.self.Close(); err != nil {
		a.fault("leave: %v", err)
	}
	a.checkLeft()
	a.run.gather(a)
	_ = a.domain.Close()
	a.board.close()
	_ = os.RemoveAll(a.base)
	return a.faults
}

// living are the children that have not ended.
func (a *arena) living() (list []*process) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.children {
		if p != nil && !p.ended() {
			list = append(list, p)
		}
	}
	return list
}

// sweepAll recovers until nobody dead has a record.
func (a *arena) sweepAll() {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, err := ring.Sweep(a.domain); err != nil {
			a.fault("sweep: %v", err)
			return
		}
		dead := 0
		for i := range a.domain.ParticipantCount() {
			if _, live := a.domain.State(uint16(i)); live && !a.domain.Alive(uint16(i)) {
				dead++
			}
		}
		if dead == 0 {
			return
		}
	}
	a.fault("somebody dead has a record still after 10 s of recovery")
}
