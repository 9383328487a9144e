package ring

import (
	"context"
	"time"
)

// A Source is what a Waiter can wait for together with others: a *Reader or a *Member.
type Source interface {
	// Arm leaves word that the source's participant is about to sleep on its bell,
	// whose value must have been loaded before. True: do not sleep.
	Arm() bool
	// Patience is how long the source may sleep before it must look again.
	Patience() time.Duration

	leaveWord() (unfenced bool)
	lookAgain(blind bool) bool
	ready() bool
	changed() bool
}

// AwaitAny is Await for readers and members alike.
func (w *Waiter) AwaitAny(ctx context.Context, sources []Source) error {
	ready := func() bool { return anyOf(sources, Source.ready) }
	var hint func() bool
	if mb := onlyMember(sources); mb != nil {
		hint = func() bool { return mb.soon() }
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.spinFor(hint, ready) {
			return nil
		}
		if w.policy == Block {
			seen := w.bell.Load()
			if ArmAll(sources) {
				return nil
			}
			if ctx.Err() == nil {
				w.sleep(seen, shortest(sources), ready, nil)
			}
		}
		if anyOf(sources, Source.changed) {
			return nil
		}
	}
}

// onlyMember is the only source, where that is a member.
func onlyMember(sources []Source) *Member {
	if len(sources) != 1 {
		return nil
	}
	mb, _ := sources[0].(*Member)
	return mb
}

// soon looks for a message where the member looks next, again and again for some 2 us,
// at no line but that message's.
func (mb *Member) soon() bool {
	r, p := mb.ring, mb.next
	if mb.end != nil || p-mb.group.gateAt() >= r.capacity() {
		return false
	}
	return soon(r.published(p), r.lap(p), hotLooks) // pairs(publish)
}

// ArmAll is Arm of all sources, with one system call for them all where producers do
// not fence. True: one of them has something, do not sleep.
func ArmAll[S Source](sources []S) bool {
	unfenced, any := false, false
	for _, s := range sources {
		unfenced = s.leaveWord() || unfenced
	}
	blind := fenceFor(unfenced)
	for _, s := range sources {
		any = s.lookAgain(blind) || any
	}
	return any
}

// anyOf asks all sources, and reports whether one said yes.
func anyOf(sources []Source, ask func(Source) bool) bool {
	any := false
	for _, s := range sources {
		any = ask(s) || any
	}
	return any
}

// shortest is how long all of the sources may sleep.
func shortest(sources []Source) time.Duration {
	d := maxSleep
	for _, s := range sources {
		d = min(d, s.Patience())
	}
	return d
}

// Arm leaves word that the member is about to sleep on its participant's bell, whose
// value must have been loaded before. True means: do not sleep. Now and then it asks
// whether the takers of what is in hand live: system calls.
func (mb *Member) Arm() bool { return mb.lookAgain(fenceFor(mb.leaveWord())) }

func (mb *Member) leaveWord() (unfenced bool) {
	if mb.end != nil {
		return false // changed says so
	}
	mb.lookRound()
	return mb.ring.armReader(mb.index)
}

func (mb *Member) lookAgain(blind bool) bool {
	mb.eyes.blind = blind
	return mb.changed() || mb.ready()
}

// Patience is how long the member may sleep before it must look again.
func (mb *Member) Patience() time.Duration {
	if mb.suspect != 0 || mb.eyes.blind || len(mb.eyes.writing) != 0 {
		return stuckSleep
	}
	return maxSleep
}

// changed reports whether Next has something to tell besides a message, or something
// to do: the group was put out, a report came, a taker stands at the gate for too long.
func (mb *Member) changed() bool {
	if mb.end != nil || mb.lost > 0 || mb.ring.retired() || mb.group.state().state() != entryActive {
		return true
	}
	mb.lookRound()
	mb.group.pass()
	p := mb.group.gateAt()
	w := takeWord(mb.group.take(p).Load()) // pairs(take)
	return mb.group.head.events.Load() != mb.events || mb.mayTakeFrom(p, w) || mb.skipped(p)
}

// skipped reports whether the tail has passed a position without a claim word.
func (mb *Member) skipped(p uint64) bool {
	mb.eyes.cursor = p
	return mb.eyes.skipped()
}

// ready reports whether Next would find a position that is free, as far as the words
// where it looks next tell.
func (mb *Member) ready() bool {
	g := mb.group
	gate := g.gateAt()
	if mb.next-gate > g.ring.capacity() {
		mb.next = gate
	}
	for ; mb.next-gate < g.ring.capacity(); mb.next++ {
		if takeWord(g.take(mb.next).Load()).lap() < g.ring.lap(mb.next) { // pairs(take)
			mb.eyes.cursor = mb.next
			return mb.eyes.ready()
		}
	}
	return false
}
