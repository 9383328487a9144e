package main

import (
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// A scene is one kind of torture. It lasts about so long, then everybody leaves and
// all is checked.
type scene struct {
	name    string
	promise string
	play    func(*run, time.Duration) error
	share   int // of the time of the whole
}

// scenes are the guarantee tests, in their order.
var scenes = []scene{
	{"producers-shared", "1, 2: producers killed and stopped at every step, shared ring", producersShared, 4},
	{"producers-exclusive", "1, 2: the same, exclusive ring that changes hands", producersExclusive, 2},
	{"producers-latest", "2: writers stopped on a ring that waits for nobody", producersLatest, 1},
	{"producers-few", "1, 2: more producers than slots, four of them", producersFew, 2},
	{"dead-few", "1: the dead of four and eight slots are left to those that go on", deadFew, 2},
	{"exclusive-few", "1, 2: an exclusive ring of four slots that changes hands", exclusiveFew, 1},
	{"readers", "3: reliable readers killed and stopped, lent bytes never change, LAGGED is exact", readers, 3},
	{"members", "members of a queue group and callers killed and stopped: each message handled once, or reported, or withdrawn", members, 3},
	{"members-few", "more members than slots, four of them", membersFew, 1},
	{"storm", "4: processes start, open, publish, read, recover, and are killed anywhere", storm, 4},
	{"wakes", "6: sleepers while their wakers are killed", wakes, 2},
	{"idle", "6: 100 rings asleep", idleRings, 1},
}

// smallShape has a producer in every state often. Budgets are the default ones.
func smallShape(kind ring.Kind) ring.Shape {
	return ring.Shape{Slots: 64, Payload: 256, Kind: kind}.Default()
}

// fewShape is the smallest ring. What does not lie in it is waited for, and charged to the slowest reader, who
// would be put out at the default budget though he goes on: so nobody but the parent reads.
func fewShape(kind ring.Kind) ring.Shape {
	s := smallShape(kind)
	s.Slots, s.StallBudget = layout.MinSlotCount, time.Minute
	return s
}

// crowd starts children of the roles, in order of slots, on one topic.
func (a *arena) crowd(topic string, small bool, list ...string) {
	for i, role := range list {
		a.start(task{Role: role, Slot: i, Topic: topic, Shape: a.shape, Small: small, Fault: a.run.fault})
	}
}

// ready waits until the children work.
func (a *arena) ready() {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		left := 0
		for _, p := range a.living() {
			if a.board.at(p.Slot, slotReady).Load() == 0 {
				left++
			}
		}
		if left == 0 {
			return
		}
	}
	a.fault("children do not begin to work within 20 s")
}

// torment kills and stops until the time is over or something is wrong.
func (a *arena) torment(d time.Duration, actions ...action) {
	for end := time.Now().Add(d); time.Now().Before(end) && !a.failed(); {
		a.strike(actions[a.rng.IntN(len(actions))])
		a.replace()
	}
}

// replace starts children again that have ended by themselves, which is a fault
// unless it is their nature.
func (a *arena) replace() {
	a.mu.Lock()
	list := a.children
	a.mu.Unlock()
	for _, p := range list {
		if p != nil && p.ended() {
			a.look(p)
			a.settle(p)
			a.start(p.task)
		}
	}
}

// conclude ends an arena and tells what it came to.
func (a *arena) conclude() error {
	if a.ordered {
		a.disarm()
		a.ordered = false
	}
	return verdict(append(a.close(), a.beyond()...))
}

// contest plays one topic with a crowd of children.
func (r *run) contest(name string, shape ring.Shape, small bool, d time.Duration, crowd ...string) error {
	a, err := r.newArena(name, shape)
	if err != nil {
		return err
	}
	if err := a.audit("t", shape); err != nil {
		return err
	}
	a.focus[stop] = r.near("ring:tell", "ring:claimed", "ring:commit", "torture:half written", "torture:written", "torture:reading")
	if shape.Kind == ring.Exclusive { // the next producer has to step over what was begun
		a.focus[kill] = r.near("ring:publish exclusive", "torture:half written", "ring:mend")
		a.focus[stop] = append(a.focus[stop], r.near("ring:mend")...)
	}
	a.crowd("t", small, crowd...)
	a.ready()
	a.torment(d, kill, stop)
	return a.conclude()
}

func producersShared(r *run, d time.Duration) error {
	return r.contest("producers-shared", smallShape(ring.Shared), false, d, "produce", "produce", "produce", "read", "sweep")
}

func producersExclusive(r *run, d time.Duration) error {
	return r.contest("producers-exclusive", smallShape(ring.Exclusive), false, d, "produce", "produce", "read", "sweep")
}

func producersFew(r *run, d time.Duration) error {
	return r.contest("producers-few", fewShape(ring.Shared), false, d, "produce", "produce", "produce", "produce", "produce", "sweep")
}

func exclusiveFew(r *run, d time.Duration) error {
	return r.contest("exclusive-few", fewShape(ring.Exclusive), false, d, "produce", "produce", "sweep")
}

func producersLatest(r *run, d time.Duration) error {
	shape := smallShape(ring.Shared)
	shape.Mode = ring.Latest
	return r.contest("producers-latest", shape, false, d, "produce", "produce", "produce", "sweep")
}

func readers(r *run, d time.Duration) error {
	return r.contest("readers", smallShape(ring.Shared), true, d, "read", "read", "produce", "produce")
}
