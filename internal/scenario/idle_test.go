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

// wakesIdle is how often a second an idle process may be woken. What two nodes say five times a
// second and its echo; the directory's version each two seconds, with the heartbeats behind it and their
// answers; the looks of two sleepers each 100 ms, and at free capacity each 250 ms: that is some 65 times,
// of which 23 send. The Go runtime's watchman wakes three times for each of these, which makes about 260.
const wakesIdle = 400

// TestIdleCostsNothing leaves two nodes alone, with publishers attached and
// subscribers waiting: nobody uses 1 % of a core or is woken often, nobody's memory
// grows.
func TestIdleCostsNothing(t *testing.T) {
	span := 10 * time.Second
	if testing.Short() {
		span = 6 * time.Second
	}
	s := newScene(t)
	processes := []*process{s.forwarder(s.a), s.forwarder(s.b), s.self("subscriber", s.a), s.self("subscriber", s.b)}
	for _, dir := range []string{s.a, s.b} {
		p := s.publisher(dir, 0)
		processes = append(processes, p.process)
	}
	time.Sleep(3 * time.Second) // everybody has found everybody, and what starting left is collected
	// What others do on this machine makes idling dearer, never cheaper: of three
	// looks the first good one counts.
	for look := 1; ; look++ {
		faults := idleFaults(t, processes, span)
		if len(faults) == 0 {
			break
		}
		if look == 3 {
			t.Error(strings.Join(faults, "\n"))
			break
		}
	}
	for _, p := range processes {
		p.stop()
	}
}

// idleFaults watches idle processes for a span, and returns what it does not like.
func idleFaults(t *testing.T, processes []*process, span time.Duration) (faults []string) {
	const growth = 1 << 20 // one garbage collection more or less
	var before []figures
	for _, p := range processes {
		before = append(before, measure(t, p))
	}
	time.Sleep(span)
	t.Logf("process        CPU in %v  of a core  (by ticks)  wakes/s  resident  growth", span)
	for i, p := range processes {
		now := measure(t, p)
		ran, ticks := now.ran-before[i].ran, now.ticks-before[i].ticks
		share := float64(ran) / float64(span)
		grown := now.resident - before[i].resident
		t.Logf("%-14s %10v %9.2f%% %11v %8.0f %8.1fM %6dK", p.name, ran.Round(10*time.Microsecond), 100*share, ticks,
			float64(now.wakes-before[i].wakes)/span.Seconds(), float64(now.resident)/(1<<20), grown>>10)
		if share >= 0.01 {
			faults = append(faults, fmt.Sprintf("%s: %.2f %% of a core while idle", p.name, 100*share))
		}
		if often := float64(now.wakes-before[i].wakes) / span.Seconds(); often > wakesIdle {
			faults = append(faults, fmt.Sprintf("%s: woken %.0f times a second while idle", p.name, often))
		}
		if grown > growth {
			faults = append(faults, fmt.Sprintf("%s: grew by %d KiB while idle", p.name, grown>>10))
		}
	}
	return faults
}
