package scenario

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// subscribe is the role of a subscriber that waits.
func subscribe() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	bus, err := roleBus()
	if err != nil {
		return err
	}
	defer bus.Close()
	sub, err := bus.Subscribe(topic, nil)
	if err != nil {
		return err
	}
	stopSub := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer stopSub()
	for _, err := range sub.Messages(ctx) {
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// usage reads the CPU time and the resident memory of a process.
func usage(t *testing.T, pid int) (cpu time.Duration, resident int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // from the state, which is field 3
	number := func(field int) int {
		n, err := strconv.Atoi(string(fields[field-3]))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const tick = time.Second / 100 // USER_HZ, the same on every Linux
	return time.Duration(number(14)+number(15)) * tick, number(24) * os.Getpagesize()
}

// scheduled sums what the scheduler gave the threads of a process: exact, where
// the ticks of /proc/PID/stat are 10 ms each.
func scheduled(t *testing.T, pid int) (sum time.Duration) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range threads {
		var ran int64
		b, err := os.ReadFile(path)
		if err != nil {
			continue // that thread has ended
		}
		if _, err := fmt.Sscan(string(b), &ran); err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(ran)
	}
	return sum
}

// wakes counts how often the threads of a process went to sleep of their own will,
// which is how often they were woken. No neighbour on the machine changes that.
func wakes(t *testing.T, pid int) (sum int) {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // that thread has ended
		}
		_, after, found := strings.Cut(string(b), "\nvoluntary_ctxt_switches:")
		var n int
		if _, err := fmt.Sscan(after, &n); err != nil || !found {
			t.Fatalf("%s says nothing of switches: %v", path, err)
		}
		sum += n
	}
	return sum
}

// figures are what a process has used so far.
type figures struct {
	ticks, ran time.Duration
	resident   int
	wakes      int
}

func measure(t *testing.T, p *process) (f figures) {
	t.Helper()
	f.ticks, f.resident = usage(t, p.pid())
	f.ran, f.wakes = scheduled(t, p.pid()), wakes(t, p.pid())
	return f
}

// How often a second an idle process may be woken: some three times what it is. A forwarder of two nodes says
// something five times a second and hears its peer as often, has eight heartbeats behind each word of the directory (every two
// seconds), and looks at its rings ten times, mostly while it is awake for one of these: 30 to 50 times in all
// (doc/decisions/290). A program looks ten times, and each time the Go runtime's watchman wakes some four times more.
const (
	wakesForwarder = 150
	wakesProgram   = 200
)

// An idler is a process that is watched, with the least that it was seen to use.
type idler struct {
	process *process
	wakes   float64 // a second, at most
	least   struct {
		share, wakes float64
		grown        int
	}
}

// TestIdleCostsNothing leaves two nodes alone, with publishers attached and
// subscribers waiting: nobody uses 1 % of a core or is woken often, nobody's memory
// grows.
func TestIdleCostsNothing(t *testing.T) {
	span := 10 * time.Second
	if testing.Short() {
		span = 6 * time.Second
	}
	s := newScene(t)
	var all []*idler
	add := func(p *process, wakes float64) { all = append(all, &idler{process: p, wakes: wakes}) }
	add(s.forwarder(s.a), wakesForwarder)
	add(s.forwarder(s.b), wakesForwarder)
	add(s.self("subscriber", s.a), wakesProgram)
	add(s.self("subscriber", s.b), wakesProgram)
	add(s.publisher(s.a, 0).process, wakesProgram)
	add(s.publisher(s.b, 0).process, wakesProgram)
	time.Sleep(3 * time.Second) // everybody has found everybody, and what starting left is collected
	// What others do on this machine makes idling dearer, never cheaper: of three
	// looks the best counts, for each process and figure by itself.
	for look := range 3 {
		watchIdle(t, all, span, look == 0)
		if len(idleFaults(all)) == 0 {
			break
		}
	}
	for _, fault := range idleFaults(all) {
		t.Error(fault)
	}
	for _, p := range all {
		p.process.stop()
	}
}

// watchIdle watches idle processes for a span, and notes the least that each used.
func watchIdle(t *testing.T, all []*idler, span time.Duration, first bool) {
	before := make([]figures, len(all))
	start := time.Now()
	for i, p := range all {
		before[i] = measure(t, p.process)
	}
	time.Sleep(span)
	took := time.Since(start)
	t.Logf("process        CPU in %v  of a core  (by ticks)  wakes/s  resident  growth", took.Round(time.Millisecond))
	for i, p := range all {
		now := measure(t, p.process)
		ran, ticks := now.ran-before[i].ran, now.ticks-before[i].ticks
		share := float64(ran) / float64(took)
		wakes := float64(now.wakes-before[i].wakes) / took.Seconds()
		grown := now.resident - before[i].resident
		t.Logf("%-14s %10v %9.2f%% %11v %8.0f %8.1fM %6dK", p.process.name, ran.Round(10*time.Microsecond), 100*share, ticks,
			wakes, float64(now.resident)/(1<<20), grown>>10)
		if l := &p.least; first {
			l.share, l.wakes, l.grown = share, wakes, grown
		} else {
			l.share, l.wakes, l.grown = min(l.share, share), min(l.wakes, wakes), min(l.grown, grown)
		}
	}
}

// idleFaults returns what is not as it should be.
func idleFaults(all []*idler) (faults []string) {
	const growth = 1 << 20 // one garbage collection more or less
	for _, p := range all {
		if p.least.share >= 0.01 {
			faults = append(faults, fmt.Sprintf("%s: %.2f %% of a core while idle", p.process.name, 100*p.least.share))
		}
		if p.least.wakes > p.wakes {
			faults = append(faults, fmt.Sprintf("%s: woken %.0f times a second while idle, want %.0f at most", p.process.name, p.least.wakes, p.wakes))
		}
		if p.least.grown > growth {
			faults = append(faults, fmt.Sprintf("%s: grew by %d KiB while idle", p.process.name, p.least.grown>>10))
		}
	}
	return faults
}
