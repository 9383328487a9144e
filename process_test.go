package ringcast

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// childVariable says what a child process of the tests is to do.
const childVariable = "RINGCAST_TEST_CHILD"

// childJobs are what children do.
var childJobs = map[string]func(args []string) error{"publish": publishNumbers, "work": workInGroup, "serve": serveAsChild}

func TestMain(m *testing.M) {
	if job := os.Getenv(childVariable); job != "" {
		if err := childJobs[job](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// publishNumbers publishes who and the numbers from 1, of various lengths, and
// keeps in a file how many publishes have returned nil. It ends by itself after a minute.
func publishNumbers(args []string) error {
	dir, file, who := args[0], args[1], args[2]
	count, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bus, err := Open(ctx, &Config{Dir: dir})
	if err != nil {
		return err
	}
	defer bus.Close()
	pub, err := bus.Publisher("numbers", nil)
	if err != nil {
		return err
	}
	done, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	var payload [5000]byte
	payload[0] = who[0]
	for n := uint64(1); n <= count && ctx.Err() == nil; n++ { // a publish that need not wait does not look at ctx
		binary.LittleEndian.PutUint64(payload[1:], n)
		if err := pub.Publish(ctx, payload[:9+n*37%4900]); err != nil {
			return err
		}
		if _, err := done.WriteAt(binary.LittleEndian.AppendUint64(nil, n), 0); err != nil {
			return err
		}
	}
	return nil
}

// startChild starts this test's binary as a publisher.
func startChild(t *testing.T, dir, file, who string, count int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], dir, file, who, strconv.Itoa(count))
	cmd.Env = append(os.Environ(), childVariable+"=publish")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a fresh one")

// testSeed gives a random test its numbers, and prints how to repeat it.
func testSeed(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with: go test . -run '^%s$' -seed %d", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// killRounds is how often a publisher is killed.
const killRounds = 20

// TestKilledPublisherLosesNothing kills one of two publishers at any instant.
// Per publisher, what was sent is what came and what was told to be missed: every
// publish that returned is delivered, once, in order, and at most one besides.
func TestKilledPublisherLosesNothing(t *testing.T) {
	random := testSeed(t)
	rounds := killRounds
	if testing.Short() {
		rounds = 5
	}
	bus := openBus(t, t.TempDir())
	for round := range rounds {
		killRound(t, bus, round, time.Duration(1+random.IntN(60_000))*time.Microsecond)
	}
}

func killRound(t *testing.T, bus *Bus, round int, after time.Duration) {
	ctx := within(t, 60*time.Second)
	sub := subscribe(t, bus, "numbers", nil)
	defer sub.Close()
	const count = 3000
	files := t.TempDir()
	victimFile := filepath.Join(files, "victim")
	victim := startChild(t, bus.config.Dir, victimFile, "v", 1<<30)
	other := startChild(t, bus.config.Dir, filepath.Join(files, "other"), "o", count)
	r := numbersRead{t: t, round: round, last: map[byte]uint64{}}
	for r.last['v'] == 0 {
		r.next(ctx, sub)
	}
	killed := make(chan struct{})
	time.AfterFunc(after, func() { _ = victim.Process.Kill(); close(killed) })
	for r.last['o'] < count {
		r.next(ctx, sub)
	}
	<-killed
	_ = victim.Wait()
	if err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	sent := binary.LittleEndian.Uint64(append(readFile(t, victimFile), make([]byte, 8)...))
	for quiet := 0; quiet < 3; { // a claim that died in the middle takes a look or two
		if !r.tryNext(sub) {
			quiet++
			time.Sleep(10 * time.Millisecond)
		}
	}
	if got := r.last['v'] + r.missed; r.missed != 0 || got < sent || got > sent+1 {
		t.Errorf("round %d: the victim's publish returned %d times; %d came, %d were missed", round, sent, r.last['v'], r.missed)
	}
}

// A numbersRead checks that each publisher's numbers come once and in order.
type numbersRead struct {
	t      *testing.T
	round  int
	last   map[byte]uint64
	missed uint64
}

func (r *numbersRead) next(ctx context.Context, sub *Subscription) {
	r.t.Helper()
	m, err := sub.Next(ctx)
	r.check(m, err)
}

func (r *numbersRead) tryNext(sub *Subscription) bool {
	m, err := sub.TryNext()
	if err == ErrEmpty {
		return false
	}
	r.check(m, err)
	return true
}

func (r *numbersRead) check(m *Message, err error) {
	r.t.Helper()
	var lagged *LaggedError
	if errors.As(err, &lagged) {
		r.missed += lagged.Missed
		return
	}
	if err != nil {
		r.t.Fatalf("round %d, after %v: %v", r.round, r.last, err)
	}
	p := m.Payload()
	who, n := p[0], binary.LittleEndian.Uint64(p[1:])
	if n != r.last[who]+1 || len(p) != int(9+n*37%4900) || m.Sequence() != n {
		r.t.Fatalf("round %d: number %d of %c in %d bytes, sequence %d, after %d", r.round, n, who, len(p), m.Sequence(), r.last[who])
	}
	r.last[who] = n
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
