package main

import (
	"syscall"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// An action is what is done to a child that stands at a point.
type action int

const (
	kill action = iota
	stop
)

func (x action) String() string { return [...]string{"killed", "stopped"}[x] }

const contSignal = syscall.SIGCONT

// armPatience is how long a child is given to come to one of the points asked for;
// if none does, one dies or stops at a random instant.
const armPatience = 30 * time.Millisecond

// strike kills or stops one child: at a named point that needs it most if somebody
// comes by in time, otherwise at this instant.
func (a *arena) strike(x action) {
	points := a.run.neediest(x, a.board, a.rng)
	if focus := a.focus[x]; len(focus) > 0 && a.rng.IntN(2) == 0 {
		points = []int{focus[a.rng.IntN(len(focus))]}
	}
	patience := armPatience
	if next := a.next(); next != nil {
		points, patience = next, 4*armPatience
	}
	if !a.ordered {
		a.arm(points)
	}
	a.ordered = false
	victim, at := a.await(patience)
	a.last = at
	if victim == nil {
		a.last = -1
		if victim = a.anybody(); victim == nil {
			return
		}
		at = -1
		if x == kill {
			a.rest(time.Duration(a.rng.IntN(2000)) * time.Microsecond)
		} else {
			victim.signal(syscall.SIGSTOP)
			victim.awaitStopped()
		}
	}
	a.run.hit(x, at)
	if x == kill {
		a.murder(victim, at)
	} else {
		a.hold(victim, at)
	}
}

// next is one of the points that are passed only behind the last victim's, nil if there is none.
func (a *arena) next() []int {
	if a.last < 0 || len(a.sequel[a.last]) == 0 {
		return nil
	}
	return a.sequel[a.last][a.rng.IntN(len(a.sequel[a.last])):][:1]
}

// arm puts out the order to stand still at any of the points, each at one of its
// next passings.
func (a *arena) arm(points []int) {
	for _, p := range points {
		n := uint64(1)
		if passes := a.board.passes(p).Load(); passes > 100 {
			n += a.rng.Uint64N(min(passes/100, 200))
		}
		a.board.want(p).Store(n)
	}
	a.board.taker().Store(0)
	a.board.round().Store(roundArmed)
}

// await returns the child that stands still by order, and where; nil if none came.
func (a *arena) await(patience time.Duration) (*process, int) {
	for end := time.Now().Add(patience); a.board.round().Load() == roundArmed && time.Now().Before(end); {
		time.Sleep(50 * time.Microsecond)
	}
	taken := !a.board.round().CompareAndSwap(roundArmed, roundIdle)
	for i := range maxPoints {
		a.board.want(i).Store(0)
	}
	if !taken {
		return nil, 0
	}
	end := time.Now().Add(5 * time.Second)
	for a.board.taker().Load() == 0 && time.Now().Before(end) {
		time.Sleep(20 * time.Microsecond)
	}
	who := a.board.taker().Load()
	a.board.round().Store(roundIdle)
	if who == 0 {
		return nil, 0 // it ended in between
	}
	for _, p := range a.living() {
		if uint64(p.cmd.Process.Pid) == who>>32 && p.awaitStopped() {
			return p, int(uint32(who))
		}
	}
	return nil, 0
}

// anybody is a random child that works and may die.
func (a *arena) anybody() *process {
	var list []*process
	for _, p := range a.living() {
		if !p.Calm && a.board.at(p.Slot, slotReady).Load() != 0 {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[a.rng.IntN(len(list))]
}

// murder kills a child, sees how long the others stand, and starts another.
func (a *arena) murder(p *process, at int) {
	from := a.mark(p)
	owned := a.owns(p)
	a.armSide()
	defer a.disarm()
	a.slay(p)
	if p.Role != "storm" && (a.shape.Kind == ring.Shared || owned) {
		a.measure(p, kill, from, at)
	}
	a.settle(p)
	a.start(p.task)
}

// A second order is out while we wait for what a first victim's fate does to the
// others: some points are passed only then, such as those of eviction, of fencing
// and of taking over. side looks whether somebody came to one of them.
func (a *arena) side() {
	if a.board.round().Load() != roundTaken {
		return
	}
	victim, at := a.await(0)
	if victim == nil {
		return
	}
	a.run.hit(a.second, at)
	a.sides++
	if a.second == kill {
		a.slay(victim)
		a.settle(victim)
		a.start(victim.task)
	} else {
		time.Sleep(time.Duration(a.rng.IntN(70)) * time.Millisecond) // on either side of the commit deadline
		victim.signal(contSignal)
	}
	a.armSide()
}

// armSide puts the second order out.
func (a *arena) armSide() {
	a.second = action(a.rng.IntN(2))
	a.arm(a.run.neediest(a.second, a.board, a.rng))
}

// disarm takes the order back; who has just taken it goes on.
func (a *arena) disarm() {
	if victim, _ := a.await(0); victim != nil {
		victim.signal(contSignal)
	}
}

// owns reports whether a child is the producer of an exclusive ring.
func (a *arena) owns(p *process) bool {
	words, err := readWords(topicPath(a.domain, p.Topic) + ".ctl")
	index := a.board.at(p.Slot, slotIndex).Load()
	return err == nil && index != 0 && uint64(uint32(words.owner)) == index
}

// A since is where the others were when something happened to one.
type since struct {
	start time.Time
	ops   map[*process]uint64
	sides int // second victims so far
}

// mark notes how far the other producers are. Who is still opening his first handle is none of them: the kernel
// registers his process meanwhile, for a grace period, in which he neither holds anybody up nor can take over.
func (a *arena) mark(victim *process) since {
	a.board.epoch().Store(monotonic())
	s := since{time.Now(), make(map[*process]uint64), a.sides}
	for _, p := range a.living() {
		if p != victim && p.Role == "produce" && a.board.at(p.Slot, slotAsked).Load() != 0 {
			s.ops[p] = a.board.at(p.Slot, slotAcked).Load()
			a.board.at(p.Slot, slotWorst).Store(0)
		}
	}
	return s
}

// enoughSends is how many messages another must send before we believe that it goes on.
const enoughSends = 10

// measure waits until the others have gone on, and books the longest that one of
// them stood. On an exclusive ring that is the time until there is a message of
// somebody else.
func (a *arena) measure(victim *process, x action, s since, at int) {
	if len(s.ops) == 0 {
		return
	}
	name := "others, when a " + nouns[victim.Role] + " is " + x.String()
	for end := s.start.Add(20 * time.Second); ; time.Sleep(100 * time.Microsecond) {
		worst, through := a.progress(s)
		if through {
			if a.sides == s.sides { // nobody else was struck meanwhile
				a.stall(name, worst)
				a.run.worst(name, a.run.place(at), worst)
			}
			return
		}
		a.side()
		if time.Now().After(end) {
			a.fault("%s: they stand still after 20 s (seed %d)", name, a.run.seed)
			return
		}
	}
}

// nouns name roles in reports.
var nouns = map[string]string{"produce": "producer", "read": "reader", "sweep": "cleaner", "wake": "waker", "storm": "newcomer", "work": "member", "call": "caller"}

// progress reports whether all others have sent enough since, and the longest send.
func (a *arena) progress(s since) (worst time.Duration, through bool) {
	sum := uint64(0)
	through = true
	for p, before := range s.ops {
		sent := a.board.at(p.Slot, slotAcked).Load() - before
		sum += sent
		if sent < enoughSends && !p.ended() {
			through = false
		}
		worst = max(worst, time.Duration(a.board.at(p.Slot, slotWorst).Load()))
	}
	if a.shape.Kind == ring.Exclusive {
		return time.Since(s.start), sum > 0
	}
	return worst, through
}

// hold has a stopped child stand still while the ring laps, lets it go on, and
// looks what it was told.
func (a *arena) hold(p *process, at int) {
	from := a.mark(p)
	a.armSide()
	self := uint16(a.board.at(p.Slot, slotIndex).Load() - 1)
	words, err := readWords(topicPath(a.domain, p.Topic) + ".ctl")
	open := map[int]uint64{}
	if err == nil && p.Role == "produce" {
		open = words.openClaims(self)
		a.board.at(p.Slot, slotOutcome).Store(outcomeNone)
	}
	if p.Role != "storm" && a.shape.Kind == ring.Shared {
		a.measure(p, stop, from, at)
		a.lap(words.tail, a.run.lapPatience)
	} else if p.Role == "read" {
		a.lap(words.tail, a.run.lapPatience+a.shape.StallBudget)
	}
	a.rest(time.Duration(a.rng.IntN(60)) * time.Millisecond)
	taken := 0
	if now, err := readWords(topicPath(a.domain, p.Topic) + ".ctl"); err == nil && len(open) > 0 {
		for i, w := range open {
			if now.claims[i] != w {
				taken++
			}
		}
	}
	kind := a.board.at(p.Slot, slotKind).Load()
	a.disarm()
	if at >= 0 && at == a.company {
		a.awaitCompany(p)
	}
	if next := a.next(); next != nil { // it may pass there as soon as it goes on
		a.arm(next)
		a.ordered = true
	}
	p.signal(contSignal)
	if taken > 0 {
		a.checkFenced(p, kind, open)
	}
	if p.Role == "read" {
		a.checkGoesOn(p)
	}
}

// lap waits until the ring has gone round, if somebody publishes there.
func (a *arena) lap(tail uint64, patience time.Duration) {
	goal := tail + 2*uint64(a.shape.Slots)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		for _, au := range a.auditors {
			if au.file.Tail() >= goal {
				return
			}
		}
		a.side()
	}
}

// rest lets time pass.
func (a *arena) rest(d time.Duration) {
	for end := time.Now().Add(d); ; a.side() {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		time.Sleep(min(left, 100*time.Microsecond))
	}
}

// checkFenced checks that a writer whose claim was taken while it stood is told so.
func (a *arena) checkFenced(p *process, kind uint64, open map[int]uint64) {
	word := a.board.at(p.Slot, slotOutcome)
	for end := time.Now().Add(10 * time.Second); word.Load() == outcomeNone; time.Sleep(50 * time.Microsecond) {
		if p.ended() || time.Now().After(end) {
			a.fault("a producer that was fenced did not go on")
			return
		}
	}
	got := word.Load()
	switch {
	case got == outcomeOK:
		a.fault("a producer was told that its message is sent, after its claim was taken (seed %d)", a.run.seed)
	case got != outcomeFenced && kind != kindFragments:
		a.fault("a producer whose claim was taken was told outcome %d instead of ErrFenced (seed %d)", got, a.run.seed)
	}
	a.checkLetGo(p, open)
	a.run.count("stopped in their claim, fenced and told so", 1)
}

// checkLetGo checks that a fenced writer has freed the slots that were quarantined
// under its name.
func (a *arena) checkLetGo(p *process, open map[int]uint64) {
	self := uint16(a.board.at(p.Slot, slotIndex).Load() - 1)
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		words, err := readWords(topicPath(a.domain, p.Topic) + ".ctl")
		held := 0
		for i := range open {
			if err == nil && ownerOf(words.claims[i]) == self && words.claims[i]&layout.StateMask == layout.ClaimStateQuarantined {
				held++
			}
		}
		if held == 0 || p.ended() {
			return
		}
		if time.Now().After(end) {
			a.fault("a fenced producer went on, and %d slots stay quarantined under its name (seed %d)", held, a.run.seed)
			return
		}
	}
}

// checkGoesOn checks that a reader that stood still catches up.
func (a *arena) checkGoesOn(p *process) {
	au := a.auditors[p.Topic]
	if au == nil || a.board.at(p.Slot, slotReady).Load() == 0 {
		return
	}
	goal := au.file.Tail()
	for end := time.Now().Add(10 * time.Second); a.board.at(p.Slot, slotPosition).Load() < goal; time.Sleep(100 * time.Microsecond) {
		if p.ended() {
			return // its end says why
		}
		if time.Now().After(end) {
			a.fault("a reader that went on does not catch up: at %d of %d (seed %d)", a.board.at(p.Slot, slotPosition).Load(), goal, a.run.seed)
			return
		}
	}
}

// stall books how long others stood.
func (a *arena) stall(name string, d time.Duration) {
	if a.stalls[name] == nil {
		a.stalls[name] = newDistribution()
	}
	a.stalls[name].add(d)
}
