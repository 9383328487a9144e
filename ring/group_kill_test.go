package ring

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast/shm"
)

// Workers are processes of the test binary that share a queue. Each writes a line
// for what happens: "taken P", "ending P" (it was handled), "done P", "report P INDEX",
// P the position.

const workerDelay = "RINGCAST_RING_TEST_DELAY_US"

// groupShape leaves the workers their time.
var groupShape = Shape{Slots: 64, Payload: 128, StallBudget: time.Minute}

func childWork(self *shm.Participant, f *File) error {
	us, _ := strconv.Atoi(os.Getenv(workerDelay))
	mb, err := f.JoinGroup("workers", GroupOptions{Self: self.Address()})
	if err != nil {
		return err
	}
	fmt.Println(self.Index())
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _, _ = os.Stdin.Read(make([]byte, 1)); cancel(); self.Doorbell().Ring() }()
	w := NewWaiter(self.Doorbell(), Block)
	var m Message
	for ctx.Err() == nil {
		err := mb.Next(&m)
		var gone *AbandonedError
		switch {
		case err == nil:
			fmt.Println("taken", m.Position)
			time.Sleep(time.Duration(us) * time.Microsecond)
			fmt.Println("ending", m.Position)
			mb.Done()
			fmt.Println("done", m.Position)
		case errors.As(err, &gone):
			fmt.Println("report", gone.Position, gone.Taker.Index)
		case err == ErrEmpty:
			_ = w.AwaitAny(ctx, []Source{mb})
		default:
			return err
		}
	}
	mb.Close()
	return f.Close()
}

// A worker is one such process, as the test sees it.
type worker struct {
	cmd   *exec.Cmd
	index uint16
	book  *book
	ended chan struct{}
}

// A book is what all workers have said.
type book struct {
	mu       sync.Mutex
	taken    map[uint64]uint16 // by whom
	ending   map[uint16]uint64 // by worker: what it was about to end last
	done     map[uint64]int
	reported map[uint64]string // by taker and position: the same report twice is one
	byWorker map[uint16]int    // done
	unsaid   []uint64          // handled by workers that were killed at its end: done or reported
}

func newBook() *book {
	return &book{taken: map[uint64]uint16{}, ending: map[uint16]uint64{}, done: map[uint64]int{}, reported: map[uint64]string{}, byWorker: map[uint16]int{}}
}

func startWorker(t *testing.T, base string, b *book, us int) *worker {
	t.Helper()
	w := launchWorker(t, base, b, us)
	if w == nil {
		t.Fatal("a worker died before it had joined")
	}
	return w
}

// launchWorker returns nil for a worker that dies before it has joined.
func launchWorker(t *testing.T, base string, b *book, us int, env ...string) *worker {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childRole+"=work", childBase+"="+base, fmt.Sprintf("%s=%d", workerDelay, us)), env...)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		_ = cmd.Wait()
		return nil
	}
	index, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
	if err != nil {
		t.Fatalf("worker said %q", lines.Text())
	}
	w := &worker{cmd: cmd, index: uint16(index), book: b, ended: make(chan struct{})}
	go w.follow(lines)
	return w
}

// follow writes down what the worker says.
func (w *worker) follow(lines *bufio.Scanner) {
	defer close(w.ended)
	for lines.Scan() {
		w.book.note(w.index, lines.Text())
	}
}

func (b *book) note(who uint16, line string) {
	var what string
	var position uint64
	var taker uint16
	_, _ = fmt.Sscan(line, &what, &position, &taker)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch what {
	case "taken":
		b.taken[position] = who
	case "ending":
		b.ending[who] = position
	case "done":
		delete(b.ending, who)
		b.done[position]++
		b.byWorker[who]++
	case "report":
		b.reported[position] = fmt.Sprint(taker)
	}
}

// kill kills the worker; what it said before is in the book.
func (w *worker) kill() {
	_ = w.cmd.Process.Signal(syscall.SIGKILL)
	<-w.ended
	_ = w.cmd.Wait()
	w.book.close(w.index)
}

// close counts as done what a killed worker ended and could not say so any more: at
// most one message. If it was killed just before it ended it, there is a report.
func (b *book) close(who uint16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, unsaid := b.ending[who]; unsaid {
		delete(b.ending, who)
		b.unsaid = append(b.unsaid, p)
	}
}

// settled reports how many messages have come to an end.
func (b *book) settled() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.done)
	for p := range b.reported {
		if b.done[p] == 0 {
			n++
		}
	}
	for _, p := range b.unsaid {
		if _, reported := b.reported[p]; b.done[p] == 0 && !reported {
			n++
		}
	}
	return n
}

// check wants every one of n messages done or reported, and none both.
func (b *book) check(t *testing.T, n int, dead map[uint16]bool) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range uint64(n) {
		taker, reported := b.reported[p]
		switch {
		case b.done[p] > 1:
			t.Errorf("message %d was done %d times", p, b.done[p])
		case b.done[p] == 1 && reported:
			t.Errorf("message %d was done and reported", p)
		case b.done[p] == 0 && !reported && !slices.Contains(b.unsaid, p):
			t.Errorf("message %d, taken by %d, was neither done nor reported", p, b.taken[p])
		case reported && !dead[parseIndex(taker)]:
			t.Errorf("the report of message %d names %s, which lives", p, taker)
		case reported && b.taken[p] != 0 && fmt.Sprint(b.taken[p]) != taker:
			t.Errorf("the report of message %d names %s, but %d took it", p, taker, b.taken[p])
		}
	}
}

func parseIndex(s string) uint16 {
	n, _ := strconv.Atoi(s)
	return uint16(n)
}

// groupRing opens the workers' ring for a producer.
func groupRing(t *testing.T, d *shm.Domain, self *shm.Participant) (*File, *Producer) {
	t.Helper()
	f, err := OpenFile(filepath.Join(d.Dir(), "topics", "t"), NewHost(self), FileOptions{Shape: groupShape, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	p, err := f.NewProducer(self.Address())
	if err != nil {
		t.Fatal(err)
	}
	return f, p
}

// awaitSettled waits until n messages have come to an end.
func awaitSettled(t *testing.T, b *book, n int) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); b.settled() < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d messages have come to an end in 60 s", b.settled(), n)
		}
	}
}

// TestWorkersShareTheWork: four workers, the slowest four times slower than the
// fastest, do everything once, and the fastest at least twice as much.
func TestWorkersShareTheWork(t *testing.T) {
	base, d, self := killDomain(t)
	f, p := groupRing(t, d, self)
	b := newBook()
	var workers []*worker
	for _, us := range []int{2000, 4000, 6000, 8000} {
		workers = append(workers, startWorker(t, base, b, us))
	}
	const n = 400
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	publishMany(t, ctx, p, NewWaiter(self.Doorbell(), Block), n)
	awaitSettled(t, b, n)
	b.check(t, n, nil)
	fast, slow := b.byWorker[workers[0].index], b.byWorker[workers[3].index]
	t.Logf("done by worker: %v", b.byWorker)
	if fast < 2*slow {
		t.Errorf("the fastest worker did %d, the slowest %d: want twice as much", fast, slow)
	}
	for _, w := range workers {
		w.kill()
	}
	closeFor(t, f)
}

// TestKilledWorkers: two of four workers are killed in the middle. Done and reported
// are all that was sent, and each report names its taker.
func TestKilledWorkers(t *testing.T) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 4))
	base, d, self := killDomain(t)
	f, p := groupRing(t, d, self)
	w := NewWaiter(self.Doorbell(), Block)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Second)
	defer cancel()
	b, sent := newBook(), 0
	dead := map[uint16]bool{}
	for range 3 {
		var workers []*worker
		for _, us := range []int{200, 400, 600, 800} {
			workers = append(workers, startWorker(t, base, b, us))
		}
		publishMany(t, ctx, p, w, 100)
		for _, i := range rng.Perm(4)[:2] {
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Microsecond)
			workers[i].kill()
			dead[workers[i].index] = true
			workers[i] = nil
		}
		publishMany(t, ctx, p, w, 200)
		sent += 300
		awaitSettled(t, b, sent)
		for _, w := range workers {
			if w != nil {
				w.kill() // idle: nothing is in its hand
			}
		}
		if _, err := Sweep(d); err != nil {
			t.Fatal(err)
		}
		checkNobodyLeft(t, f.Ring, self.Index())
	}
	b.check(t, sent, dead)
	t.Logf("%d sent, %d done, %d reported", sent, len(b.done), len(b.reported))
	closeFor(t, f)
}
