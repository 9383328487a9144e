//go:build invariants

package ring

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const killStep = "RINGCAST_RING_TEST_KILL_STEP"

// killAt makes a child end itself with SIGKILL at a named step, the n-th time that it
// comes there ("n step").
func init() {
	n, step, found := strings.Cut(os.Getenv(killStep), " ")
	if !found || os.Getenv(childRole) == "" {
		return
	}
	left, _ := strconv.Atoi(n)
	onAt = func(name string) {
		if name != step {
			return
		}
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
}

// groupSteps are the steps of a group that a worker comes to in the scene below.
var groupSteps = []string{
	"settle", "finish entry", "reserve", "name entry", "hold row", "come back", "active again",
	"joining", "active", "take", "copy", "hand", "start", "confirm", "gate", "pass", "done",
	"recover row", "look at hand", "free row", "report", "told", "free report",
}

// TestKilledAtEveryStep kills a worker with SIGKILL at each named step, the first and
// some later time that it comes there: on its way into the group, at its work, while it
// recovers a worker that was killed before, and while it reports. The others go on, and
// every message is done once or reported with its taker.
func TestKilledAtEveryStep(t *testing.T) {
	hits := map[string]int{}
	for _, step := range groupSteps {
		for _, n := range []int{1, 4} {
			if testing.Short() && n > 1 {
				continue
			}
			if killWorkerAt(t, fmt.Sprintf("%d %s", n, step)) {
				hits[step]++
			}
		}
	}
	t.Logf("killed at: %v", hits)
	for _, step := range groupSteps {
		if hits[step] == 0 {
			t.Errorf("nobody came to step %q", step)
		}
	}
}

// killWorkerAt reports whether the victim came to the step.
func killWorkerAt(t *testing.T, step string) (hit bool) {
	t.Helper()
	base, d, self := killDomain(t)
	f, p := groupRing(t, d, self)
	defer f.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	b, w, dead := newBook(), NewWaiter(self.Doorbell(), Block), map[uint16]bool{}
	victim := startVictim(t, base, b, killStep+"="+step)
	sent := 0
	send := func(n int) { publishMany(t, ctx, p, w, n); sent += n }
	if victim != nil {
		// somebody who dies with a message in hand, for the victim to clean up after
		lost := startWorker(t, base, b, 20_000)
		dead[victim.index], dead[lost.index] = true, true
		send(20)
		for end := time.Now().Add(10 * time.Second); !b.has(lost.index) && time.Now().Before(end); {
			send(1)
			time.Sleep(time.Millisecond)
		}
		lost.kill()
		send(20)
		select {
		case <-victim.ended:
			hit = true
		case <-time.After(400 * time.Millisecond): // members look round every 100 ms
		}
		victim.kill()
	} else {
		hit = true
	}
	startWorker(t, base, b, 0)
	send(100)
	awaitSettled(t, b, sent)
	b.check(t, sent, dead)
	if t.Failed() {
		t.Fatalf("killed at %q", step)
	}
	return hit
}

// startVictim starts a worker that may die before it has said anything: nil.
func startVictim(t *testing.T, base string, b *book, env string) *worker {
	t.Helper()
	return launchWorker(t, base, b, 0, env)
}

// has reports whether the worker has taken something.
func (b *book) has(who uint16) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, taker := range b.taken {
		if taker == who {
			return true
		}
	}
	return false
}
