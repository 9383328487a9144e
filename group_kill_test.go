package ringcast

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// A worker is a child that works, and what it has written.
type worker struct {
	cmd     *exec.Cmd
	address string

	mu        sync.Mutex
	done      []uint64          // guarded by mu
	abandoned map[uint64]string // guarded by mu: taker by sequence
}

// startWorker starts a child that takes so long for each message.
func startWorker(t *testing.T, dir string, each time.Duration) *worker {
	t.Helper()
	w := &worker{abandoned: map[uint64]string{}}
	w.cmd = exec.Command(os.Args[0], dir, fmt.Sprint(each.Microseconds()))
	w.cmd.Env = append(os.Environ(), childVariable+"=work")
	w.cmd.Stderr = os.Stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("a worker says nothing")
	}
	if _, err := fmt.Sscan(lines.Text(), new(string), &w.address); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines.Scan() {
			w.line(lines.Text())
		}
	}()
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		<-read
		_ = w.cmd.Wait()
	})
	return w
}

func (w *worker) line(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var what, taker string
	var sequence uint64
	_, _ = fmt.Sscan(text, &what, &sequence, &taker)
	if what == "done" {
		w.done = append(w.done, sequence)
	} else {
		w.abandoned[sequence] = taker
	}
}

// account adds up what all have written.
func account(workers []*worker) (done map[uint64]int, abandoned map[uint64]string) {
	done, abandoned = map[uint64]int{}, map[uint64]string{}
	for _, w := range workers {
		w.mu.Lock()
		for _, n := range w.done {
			done[n]++
		}
		for n, taker := range w.abandoned {
			abandoned[n] = taker
		}
		w.mu.Unlock()
	}
	return done, abandoned
}

// settled waits until all of so many messages are done or abandoned.
func settled(t *testing.T, workers []*worker, count int) (done map[uint64]int, abandoned map[uint64]string) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		done, abandoned = account(workers)
		both := 0
		for n := range abandoned {
			both += min(done[n], 1)
		}
		if len(done)+len(abandoned)-both == count {
			return done, abandoned
		}
		if time.Now().After(end) {
			t.Fatalf("%d done, %d abandoned, %d of these both, of %d", len(done), len(abandoned), both, count)
		}
	}
}

// TestWorkersShareAndDie: four workers in processes of their own, the slowest four
// times slower than the fastest. Each message is done once, and the fast one does
// at least twice as many. Then two are killed in the middle: what is not done is
// told, with the name of who had it.
func TestWorkersShareAndDie(t *testing.T) {
	ctx := within(t, 60*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "jobs", nil)
	var workers []*worker
	for _, times := range []time.Duration{1, 2, 3, 4} {
		workers = append(workers, startWorker(t, b.config.Dir, times*2*time.Millisecond))
	}
	const first, second = 400, 800
	sendNumbers(t, ctx, pub, first)
	if _, left := settled(t, workers, first); len(left) > 0 {
		t.Errorf("abandoned while all live: %v", left)
	}
	var shares []int
	for _, w := range workers {
		w.mu.Lock()
		shares = append(shares, len(w.done))
		w.mu.Unlock()
	}
	t.Logf("shares of %d messages, from the fastest to the slowest: %v", first, shares)
	if shares[0] < 2*shares[3] {
		t.Error("the fastest did less than twice as many as the slowest")
	}
	sendNumbers(t, ctx, pub, second-first)
	time.Sleep(50 * time.Millisecond)
	victims := map[string]bool{}
	for _, w := range workers[1:3] {
		if err := w.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		victims[w.address] = true
	}
	done, abandoned := settled(t, workers, second)
	t.Logf("two were killed: %d done, abandoned: %v", len(done), abandoned)
	for n, times := range done {
		if times != 1 {
			t.Errorf("message %d was done %d times", n, times)
		}
	}
	for n, taker := range abandoned {
		if !victims[taker] {
			t.Errorf("message %d was abandoned by %s, which is none of those killed, %v", n, taker, victims)
		}
	}
	if len(abandoned) > len(victims) {
		t.Errorf("%d abandoned by %d", len(abandoned), len(victims))
	}
}
