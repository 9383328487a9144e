package main

import (
	"fmt"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// patienceForTheDead is how long the claims of the dead may stay where others publish all the time.
const patienceForTheDead = 10 * time.Second

// deadFew leaves the claims of the dead to the producers that are left, on rings of four and of eight slots: nobody
// new comes, who would recover the dead, before these have taken everything back.
func deadFew(r *run, d time.Duration) error {
	for _, slots := range []int{layout.MinSlotCount, 2 * layout.MinSlotCount} {
		shape := fewShape(ring.Shared)
		shape.Slots = slots
		if err := r.leftAlone(fmt.Sprintf("dead-few-%d", slots), shape, d/2); err != nil {
			return fmt.Errorf("%d slots: %w", slots, err)
		}
	}
	return nil
}

func (r *run) leftAlone(name string, shape ring.Shape, d time.Duration) error {
	a, err := r.newArena(name, shape)
	if err != nil {
		return err
	}
	if err := a.audit("t", shape); err != nil {
		return err
	}
	a.crowd("t", false, "produce", "produce", "produce", "produce", "produce", "produce")
	a.ready()
	for end := time.Now().Add(d); time.Now().Before(end) && !a.failed(); {
		a.bereave()
		a.ready()
		a.replace()
	}
	return a.conclude()
}

// bereave has one to four producers stand still in their claims, and kills them, all or all but the first, who goes on
// when the others have taken back what the dead held.
func (a *arena) bereave() {
	still := a.standStill(1 + a.rng.IntN(4))
	var stopped *process
	if len(still) > 1 && a.rng.IntN(2) == 0 {
		stopped, still = still[0], still[1:]
	}
	dead := make(map[uint16]bool)
	for _, p := range still {
		dead[uint16(a.board.at(p.Slot, slotIndex).Load()-1)] = true
		a.slay(p)
	}
	a.awaitTakenBack(dead)
	for _, p := range still {
		a.settle(p)
		a.start(p.task)
	}
	if stopped != nil {
		stopped.signal(syscall.SIGCONT)
	}
}

// standStill stops up to n producers, each in a claim.
func (a *arena) standStill(n int) (list []*process) {
	points := a.run.near("ring:tell", "ring:claimed", "ring:fragment", "ring:commit", "torture:half written", "torture:written")
	for range n {
		a.arm(points)
		victim, at := a.await(4 * armPatience)
		if victim == nil {
			continue
		}
		a.run.hit(stop, at)
		list = append(list, victim)
	}
	return list
}

// awaitTakenBack waits until no claim is of the dead.
func (a *arena) awaitTakenBack(dead map[uint16]bool) {
	start := time.Now()
	for held := 1; held > 0; time.Sleep(100 * time.Microsecond) {
		words, err := readWords(topicPath(a.domain, "t") + ".ctl")
		if err != nil {
			a.fault("%v", err)
			return
		}
		held = 0
		for _, w := range words.claims {
			state := w & layout.StateMask
			if dead[ownerOf(w)] && (state == layout.ClaimStateWriting || state == layout.ClaimStateQuarantined) {
				held++
			}
		}
		if held > 0 && time.Since(start) > patienceForTheDead {
			a.fault("%d claims of %d dead producers are not taken back within %v (seed %d)", held, len(dead), patienceForTheDead, a.run.seed)
			return
		}
	}
	a.stall("claims of the dead, until taken", time.Since(start))
}
