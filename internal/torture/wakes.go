package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/ringcast/ringcast/ring"
)

// wake publishes one message at a time, with pauses in which its readers fall asleep.
func (c *child) wake() error {
	if err := c.enter(true); err != nil {
		return err
	}
	p, err := c.handle(0)
	for err == nil && c.ctx.Err() == nil {
		p, err = c.publish(p)
		c.pause(time.Duration(500+c.rng.IntN(3000)) * time.Microsecond)
	}
	if err != nil && c.ctx.Err() == nil {
		return err
	}
	return c.leave()
}

// doze is a reader that sleeps between messages, and leaves how late each came.
func (c *child) doze() error {
	if err := c.enter(false); err != nil {
		return err
	}
	rd, err := c.file.Join(ring.JoinOptions{})
	if err != nil {
		return err
	}
	late := newDistribution()
	var m ring.Message
	for c.ctx.Err() == nil {
		switch err := rd.Next(&m); err {
		case nil:
			if err := checkPayload(m.Payload, m.Producer, m.Sequence); err != nil {
				return err
			}
			late.add(time.Duration(monotonic() - sentAt(m.Payload)))
		case ring.ErrEmpty:
			_ = c.waiter.Await(c.ctx, []*ring.Reader{rd})
		default:
			return err
		}
	}
	rd.Close()
	text, err := json.Marshal(late.h.Export())
	if err == nil {
		err = os.WriteFile(latePath(c.Base, c.Slot), text, 0o600)
	}
	return errors.Join(err, c.leave())
}

func latePath(base string, slot int) string {
	return filepath.Join(base, fmt.Sprintf("late-%d", slot))
}

// wakes is the scene of sleepers whose wakers are killed, most of them between the
// commit and the system call that wakes.
func wakes(r *run, d time.Duration) error {
	a, err := r.newArena("wakes", smallShape(ring.Shared))
	if err != nil {
		return err
	}
	if err := a.audit("t", a.shape); err != nil {
		return err
	}
	const sleepers = 2
	for slot := range sleepers {
		a.start(task{Role: "doze", Slot: slot, Topic: "t", Shape: a.shape, Calm: true})
	}
	for slot := sleepers; slot < sleepers+3; slot++ {
		a.start(task{Role: "wake", Slot: slot, Topic: "t", Shape: a.shape, Small: true, Fault: r.fault})
	}
	a.ready()
	for end := time.Now().Add(d); time.Now().Before(end) && !a.failed(); {
		a.strikeAt(a.run.near("ring:wake", "ring:wake summary", "ring:wake mask", "shm:ring", "shm:wake"))
		a.replace()
		a.rest(time.Duration(50+a.rng.IntN(100)) * time.Millisecond) // one death in some hundred messages
	}
	for slot := range sleepers {
		p := a.children[slot]
		a.end(p)
		a.late(slot)
	}
	faults := a.close()
	if d := a.stalls[sleeperName]; d == nil || d.count() == 0 {
		faults = append(faults, "no sleeper was woken")
	} else if d.at(50) > 25*time.Millisecond {
		faults = append(faults, fmt.Sprintf("sleepers: %v: half of them woke by themselves", d))
	} else if d.max() > generous*bounds[sleeperName] {
		faults = append(faults, fmt.Sprintf("sleepers: %v; promised %v at most", d, bounds[sleeperName]))
	}
	return verdict(append(faults, a.beyond()...))
}

const sleeperName = "a sleeper, from publish to receipt"

// near are the points of these names.
func (r *run) near(names ...string) (list []int) {
	for _, name := range names {
		i := slices.IndexFunc(r.points, func(p point) bool { return p.name == name })
		if i < 0 {
			panic("the point " + name + " has another name by now: change it here, too")
		}
		list = append(list, i)
	}
	return list
}

// strikeAt kills a child at one of the points, chosen at random.
func (a *arena) strikeAt(points []int) {
	a.arm([]int{points[a.rng.IntN(len(points))]})
	victim, at := a.await(100 * time.Millisecond)
	if victim == nil {
		return
	}
	a.run.hit(kill, at)
	a.run.count("wakers killed between commit and wake", 1)
	a.slay(victim)
	a.settle(victim)
	a.start(victim.task)
}

// late takes over what a sleeper measured.
func (a *arena) late(slot int) {
	var s hdr.Snapshot
	text, err := os.ReadFile(latePath(a.base, slot))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		a.fault("sleeper %d left no figures: %v", slot, err)
		return
	}
	if a.stalls[sleeperName] == nil {
		a.stalls[sleeperName] = newDistribution()
	}
	a.stalls[sleeperName].h.Merge(hdr.Import(&s))
}

// idle holds many rings open and waits for all of them at once.
func (c *child) idle() error {
	if err := c.join(); err != nil {
		return err
	}
	var readers []*ring.Reader
	var files []*ring.File
	for i := range c.Rings {
		f, err := c.openTopic(fmt.Sprintf("idle.%d", i), ring.FileOptions{Shape: smallShape(ring.Shared)})
		if err != nil {
			return err
		}
		rd, err := f.Join(ring.JoinOptions{})
		if err != nil {
			return err
		}
		files, readers = append(files, f), append(readers, rd)
	}
	c.set(slotReady, 1)
	err := c.waiter.Await(c.ctx, readers)
	for i, rd := range readers {
		rd.Close()
		err = errors.Join(ignore(err, context.Canceled), files[i].Close())
	}
	return errors.Join(err, c.leave())
}

func ignore(err, what error) error {
	if errors.Is(err, what) {
		return nil
	}
	return err
}

// idleRings is the scene of one participant asleep on 100 rings, and of one asleep
// on a single ring, which is what a process costs that wakes ten times a second.
func idleRings(r *run, d time.Duration) error {
	a, err := r.newArena("idle", smallShape(ring.Shared))
	if err != nil {
		return err
	}
	for slot, rings := range idleCounts {
		a.start(task{Role: "idle", Slot: slot, Rings: rings, Calm: true})
	}
	a.ready()
	if !a.failed() {
		a.watchIdle(max(d, 2*time.Second))
	}
	return a.conclude()
}

// idleCounts is how many rings each idle child has.
var idleCounts = []int{1, 100}

// Of a core, while idle on 100 rings: promised, and what fails the test.
const (
	idlePromise = 0.001
	idleFails   = generous * idlePromise
)

// watchIdle measures what the scheduler gives to children that have nothing to do.
// What others do on this machine makes idling dearer, never cheaper: the best of
// three looks counts.
func (a *arena) watchIdle(d time.Duration) {
	best := []float64{1, 1}
	for range 3 {
		var before [2]time.Duration
		for i := range idleCounts {
			before[i] = scheduled(a.children[i].cmd.Process.Pid)
		}
		start := time.Now()
		a.rest(d / 3)
		for i := range idleCounts {
			ran := scheduled(a.children[i].cmd.Process.Pid) - before[i]
			best[i] = min(best[i], float64(ran)/float64(time.Since(start)))
		}
	}
	for i, rings := range idleCounts {
		a.run.idle(rings, best[i])
	}
	if best[1] > idleFails {
		a.fault("100 rings idle: %.3f %% of a core; promised %.1f %%", 100*best[1], 100*idlePromise)
	}
}

// scheduled sums what the scheduler gave the threads of a process.
func scheduled(pid int) (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range threads {
		var ran int64
		b, err := os.ReadFile(path)
		if err != nil {
			continue // that thread has ended
		}
		if _, err := fmt.Sscan(string(b), &ran); err == nil {
			sum += time.Duration(ran)
		}
	}
	return sum
}
