package ring

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast/shm"
)

// The tests here run real processes: the test binary again, as a producer, a
// reader or a cleaner, which are killed with SIGKILL.

// killDomain is a domain in shared memory with one participant, ourselves.
func killDomain(t *testing.T) (base string, d *shm.Domain, self *shm.Participant) {
	t.Helper()
	base, err := os.MkdirTemp("/dev/shm", "ringcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	d, err = shm.OpenDomain(&shm.Config{Base: base, Domain: "kill"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	self, err = d.Join(shm.Info{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = self.Close() })
	return base, d, self
}

func testSeed(t *testing.T) uint64 {
	seed := rand.Uint64() >> 1
	if s := os.Getenv(seedFlag); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("repeat with %s=%d go test -run '^%s$' ./ring", seedFlag, seed, t.Name())
	return seed
}

// TestKilledProducer kills one of two producers at a random instant, ten times.
// What was acknowledged is delivered, once, in order, whole; at most one more
// message of the victim, which it could not tell us of; the other goes on.
func TestKilledProducer(t *testing.T) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	base, d, self := killDomain(t)
	f, err := OpenFile(filepath.Join(d.Dir(), "topics", "t"), NewHost(self), FileOptions{Shape: killShape})
	if err != nil {
		t.Fatal(err)
	}
	rd := joinFor(t, f.Ring, JoinOptions{})
	var worst time.Duration
	for range 10 {
		victim, other := startChild(t, base, "produce", rng.Uint64()), startChild(t, base, "produce", rng.Uint64())
		k := &killRound{t: t, rd: rd, w: NewWaiter(self.Doorbell(), Block), delivered: map[string]uint64{}}
		after := time.Duration(rng.IntN(20_000)) * time.Microsecond
		k.readUntil(func() bool { return victim.sent() > 0 && other.sent() > 0 })
		timer := time.AfterFunc(after, func() { _ = victim.cmd.Process.Signal(syscall.SIGKILL) })
		k.readUntil(func() bool { return victim.cmd.Process.Signal(syscall.Signal(0)) != nil || len(victim.acked) > 0 })
		timer.Stop()
		acked := victim.kill()
		start, goal := time.Now(), other.sent()+200
		k.readUntil(func() bool { return other.sent() >= goal })
		worst = max(worst, k.gap, time.Since(start)/200)
		finished := make(chan uint64, 1)
		go func() { finished <- other.stop() }()
		k.readUntil(func() bool { return len(finished) > 0 })
		sent := <-finished
		if _, err := Sweep(d); err != nil {
			t.Fatal(err)
		}
		k.readRest()
		if got := k.delivered[victim.first]; got != acked && got != acked+1 {
			t.Errorf("victim: %d acknowledged, %d delivered", acked, got)
		}
		if got := k.delivered[other.first]; got != sent {
			t.Errorf("survivor: %d acknowledged, %d delivered", sent, got)
		}
		checkNobodyLeft(t, f.Ring, self.Index())
	}
	if worst > 2*time.Second {
		t.Errorf("the survivor stood for %v", worst)
	}
	t.Logf("longest time without a message: %v; quarantined %d, recovered %d",
		worst, f.Counts().Quarantined, f.Counts().Recovered)
	rd.Close()
	closeFor(t, f)
}

// A killRound reads what comes and checks it.
type killRound struct {
	t         *testing.T
	rd        *Reader
	w         *Waiter
	delivered map[string]uint64 // by producer: messages, whose numbers are dense
	gap       time.Duration
}

func (k *killRound) readUntil(done func() bool) {
	k.t.Helper()
	end, last := time.Now().Add(20*time.Second), time.Now()
	for !done() {
		if time.Now().After(end) {
			k.t.Fatal("no end in 20 s")
		}
		came := k.one()
		k.gap = max(k.gap, time.Since(last))
		if came {
			last = time.Now()
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		_ = k.w.Await(ctx, []*Reader{k.rd})
		cancel()
	}
}

// readRest reads until there is nothing for the time of some deadlines.
func (k *killRound) readRest() {
	for end := time.Now().Add(4 * killShape.Default().CommitDeadline); time.Now().Before(end); {
		if !k.one() {
			time.Sleep(time.Millisecond)
		}
	}
}

func (k *killRound) one() bool {
	k.t.Helper()
	var m Message
	switch err := k.rd.Next(&m); err {
	case nil:
	case ErrEmpty:
		return false
	default:
		k.t.Fatalf("next: %v", err)
	}
	who := m.Producer.String()
	k.delivered[who]++
	if m.Sequence != k.delivered[who] {
		k.t.Fatalf("producer %s: sequence %d, want %d", who, m.Sequence, k.delivered[who])
	}
	if err := checkPayload(m.Payload, m.Sequence); err != nil {
		k.t.Fatalf("torn: %v", err)
	}
	return true
}

// checkNobodyLeft checks that no word names anybody but us.
func checkNobodyLeft(t *testing.T, r *Ring, self uint16) {
	t.Helper()
	for i := range r.claims {
		if w := word(r.claims[i].Load()); w.state() == stateWriting || w.state() == stateQuarantined {
			t.Errorf("claim %d is still %v of participant %d", i, w.state(), w.owner())
		}
	}
	for i := range r.entries {
		if w := entryWord(r.entries[i].state.Load()); w.state() != entryFree && w.participant() != self && w.participant() != nobody {
			t.Errorf("entry %d is still %v of participant %d", i, w.state(), w.participant())
		}
	}
}

// TestKilledReader: a dead reader frees its producers at once, long before its
// stall budget is used up.
func TestKilledReader(t *testing.T) {
	base, d, self := killDomain(t)
	f, err := OpenFile(filepath.Join(d.Dir(), "topics", "t"), NewHost(self), FileOptions{Shape: killShape, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	reader := startChild(t, base, "read", 0)
	p, err := f.NewProducer(self.Address())
	if err != nil {
		t.Fatal(err)
	}
	w := NewWaiter(self.Doorbell(), Block)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	publishMany(t, ctx, p, w, 1000)
	_ = reader.cmd.Process.Signal(syscall.SIGSTOP)
	publishFull(t, p)
	start := time.Now()
	reader.kill()
	publishMany(t, ctx, p, w, 1000)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("a dead reader held its producer for %v", took)
	}
	if n := f.Counts().Readers; n != 0 {
		t.Errorf("%d readers gate, want 0", n)
	}
	closeFor(t, f)
}

func publishMany(t *testing.T, ctx context.Context, p *Producer, w *Waiter, n int) {
	t.Helper()
	for n > 0 {
		switch err := p.TryPublish([]byte("x"), &Meta{}); err {
		case nil:
			n--
		case ErrFull:
			if err := w.AwaitRoom(ctx, p, 1); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatal(err)
		}
	}
}

func publishFull(t *testing.T, p *Producer) {
	t.Helper()
	for range 10 * killShape.Slots {
		if err := p.TryPublish([]byte("x"), &Meta{}); err == ErrFull {
			return
		}
	}
	t.Fatal("the ring never became full")
}

// TestSweepByMany: participants die with everything they had, while two cleaners
// of this process and one more, which is killed at its work, recover them. Every
// record is free in the end, every word, and no living participant lost anything.
func TestSweepByMany(t *testing.T) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 2))
	base, d, self := killDomain(t)
	f, err := OpenFile(filepath.Join(d.Dir(), "topics", "t"), NewHost(self), FileOptions{Shape: killShape, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	rd := joinFor(t, f.Ring, JoinOptions{Latest: true})
	d2, err := shm.OpenDomain(&shm.Config{Base: base, Domain: "kill"})
	if err != nil {
		t.Fatal(err)
	}
	defer d2.Close()
	for range 3 {
		var victims []*child
		for range 3 {
			victims = append(victims, startChild(t, base, []string{"produce", "read"}[rng.IntN(2)], rng.Uint64()))
		}
		time.Sleep(time.Duration(rng.IntN(5000)) * time.Microsecond)
		cleaner := startChild(t, base, "sweep", 0)
		for _, v := range victims {
			v.kill()
		}
		time.AfterFunc(time.Duration(rng.IntN(3000))*time.Microsecond, func() { _ = cleaner.cmd.Process.Kill() })
		var wg sync.WaitGroup
		for _, domain := range []*shm.Domain{d, d2} {
			wg.Go(func() { sweepAll(t, domain) })
		}
		wg.Wait()
		cleaner.kill()
		checkNobodyLeft(t, f.Ring, self.Index())
	}
	for i := range d.ParticipantCount() {
		if _, live := d.State(uint16(i)); live != (uint16(i) == self.Index()) {
			t.Errorf("record %d: live %v", i, live)
		}
	}
	if rd.out() {
		t.Error("the living reader lost its entry")
	}
	rd.Close()
	closeFor(t, f)
	if n := filesOf(t, filepath.Join(d.Dir(), "topics", "t")); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

// sweepAll sweeps until nobody dead has a record.
func sweepAll(t *testing.T, d *shm.Domain) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if _, err := Sweep(d); err != nil {
			t.Errorf("sweep: %v", err)
			return
		}
		dead := 0
		for i := range d.ParticipantCount() {
			if _, live := d.State(uint16(i)); live && !d.Alive(uint16(i)) {
				dead++
			}
		}
		if dead == 0 {
			return
		}
	}
	t.Error("somebody dead still has a record after 10 s")
}

func TestRecoverParticipantSparesTheLiving(t *testing.T) {
	_, d, self := killDomain(t)
	err := RecoverParticipant(d, self.Index(), self.Generation())
	if !errors.Is(err, shm.ErrAlive) {
		t.Errorf("recover a living participant: %v, want %v", err, shm.ErrAlive)
	}
	if err := RecoverParticipant(d, self.Index(), self.Generation()+7); err != nil {
		t.Errorf("recover one that is long gone: %v", err)
	}
	if g, live := d.State(self.Index()); !live || g != self.Generation() {
		t.Error("the living participant's record was freed")
	}
}

// TestSweepTakesLitter: files that dead makers had named go; those of living
// makers and of rings stay.
func TestSweepTakesLitter(t *testing.T) {
	base, d, self := killDomain(t)
	path := filepath.Join(d.Dir(), "topics", "t.x")
	f, err := OpenFile(path, NewHost(self), FileOptions{Shape: killShape, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	making, err := f.buildSuccessor(killShape.Default(), FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	abandoned, err := f.buildSuccessor(killShape.Default(), FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_ = abandoned.ctl.Close()
	_ = abandoned.dat.Close()
	if n := len(filesOf(t, path)); n != 6 {
		t.Fatalf("%d files, want 6", n)
	}
	startChild(t, base, "read", 0).kill()
	sweepAll(t, d)
	if n := filesOf(t, path); len(n) != 4 {
		t.Errorf("%v, want the ring and the successor that is being made", n)
	}
	making.discard()
	closeFor(t, f)
}
