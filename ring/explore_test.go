//go:build invariants

package ring

import "testing"

// An explorer runs a few threads, one at a time, and switches between them only
// where a word of the protocol is about to be accessed. It goes through all
// schedules with at most so many preemptions, and through all deaths of one
// thread that it may kill. The words are the real ones; memory is sequentially
// consistent here.
type explorer struct {
	preemptions int
	victim      int // thread that may be killed at any step; -1: none

	path    []int // choices to repeat
	taken   []int // choices of this run
	options []int // how many there were

	threads []*thread
	current *thread
}

type thread struct {
	body   func()
	resume chan bool // false: die
	yield  chan struct{}
	done   bool
}

// fewer preemptions do for a short run.
func fewer(n int) int {
	if testing.Short() {
		return n - 1
	}
	return n
}

// killed ends a thread at the step where it died.
type killed struct{}

// explore runs every schedule of a scene, which is made anew for each. It returns
// how many runs came to each outcome.
func explore(t *testing.T, preemptions, victim int, scene func(e *explorer) (bodies []func(), outcome func() string)) map[string]int {
	t.Helper()
	e := &explorer{preemptions: preemptions, victim: victim}
	outcomes := map[string]int{}
	defer func() { onAt = nil }()
	kept := mappedBy(t)
	for runs := 0; ; runs++ {
		onAt = nil
		bodies, outcome := scene(e)
		e.run(bodies)
		onAt = nil
		outcomes[outcome()]++
		if t.Failed() {
			t.Fatalf("schedule %v", e.taken)
		}
		unmapFrom(t, kept)
		if !e.next() {
			t.Logf("%d schedules: %v", runs+1, outcomes)
			return outcomes
		}
		if runs > 2_000_000 {
			t.Fatal("too many schedules")
		}
	}
}

// next prepares the next path in order; false if there is none.
func (e *explorer) next() bool {
	for i := len(e.taken) - 1; i >= 0; i-- {
		if e.taken[i]+1 < e.options[i] {
			e.path = append(append([]int(nil), e.taken[:i]...), e.taken[i]+1)
			return true
		}
	}
	return false
}

// choose takes one of n options.
func (e *explorer) choose(n int) int {
	c := 0
	if len(e.taken) < len(e.path) {
		c = e.path[len(e.taken)]
	}
	e.taken, e.options = append(e.taken, c), append(e.options, n)
	return c
}

func (e *explorer) run(bodies []func()) {
	e.taken, e.options, e.threads, e.current = nil, nil, nil, nil
	onAt = func(string) { e.pause() }
	for _, b := range bodies {
		th := &thread{body: b, resume: make(chan bool), yield: make(chan struct{})}
		e.threads = append(e.threads, th)
		go th.run()
	}
	left, alive := e.preemptions, true
	for {
		live := e.live()
		if len(live) == 0 {
			return
		}
		next := live[0]
		if e.current != nil && !e.current.done {
			next = e.current
		}
		mayKill := alive && e.victim >= 0 && next == e.threads[e.victim]
		n := 1
		if left > 0 || e.current == nil || e.current.done {
			n = len(live)
		}
		c := e.choose(n + b2i(mayKill))
		if c == n { // the victim dies here
			alive = false
			e.resume(next, false)
			continue
		}
		if c > 0 {
			others := without(live, next)
			if e.current != nil && !e.current.done {
				left--
			}
			next = others[c-1]
		}
		e.resume(next, true)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func without(list []*thread, x *thread) []*thread {
	var rest []*thread
	for _, y := range list {
		if y != x {
			rest = append(rest, y)
		}
	}
	return rest
}

func (e *explorer) live() []*thread {
	var live []*thread
	for _, th := range e.threads {
		if !th.done {
			live = append(live, th)
		}
	}
	return live
}

func (e *explorer) resume(th *thread, alive bool) {
	e.current = th
	th.resume <- alive
	<-th.yield
}

// pause gives the turn back to the explorer.
func (e *explorer) pause() {
	th := e.current
	th.yield <- struct{}{}
	if !<-th.resume {
		panic(killed{})
	}
}

func (th *thread) run() {
	defer func() {
		r := recover()
		th.done = true
		if _, dead := r.(killed); r != nil && !dead {
			th.yield <- struct{}{}
			panic(r)
		}
		th.yield <- struct{}{}
	}()
	if !<-th.resume {
		panic(killed{})
	}
	th.body()
}

// dies marks a participant dead when its thread is killed.
func dies(node *testNode, i int, body func()) func() {
	return func() {
		finished := false
		defer func() {
			if !finished {
				node.dead[i].Store(true)
			}
		}()
		body()
		finished = true
	}
}

// drainAll lets time pass until nothing more comes, and returns what came.
func drainAll(s *scene, rd *Reader) []string {
	var got []string
	var m Message
	for idle := 0; idle < 20; {
		switch err := rd.Next(&m); err {
		case nil:
			got = append(got, string(m.Payload))
			idle = 0
		case ErrEmpty:
			s.clock.now += maxStep
			idle++
		default:
			s.t.Errorf("next: %v", err)
			return got
		}
	}
	return got
}

// wantOutcomes fails on an outcome that is not listed, and on one that never was.
func wantOutcomes(t *testing.T, got map[string]int, legal map[string]string) {
	t.Helper()
	for o, n := range got {
		if _, ok := legal[o]; !ok {
			t.Errorf("outcome %q in %d schedules is not legal", o, n)
		}
	}
	for o, why := range legal {
		if got[o] == 0 {
			t.Errorf("outcome %q never came: %s", o, why)
		}
	}
}
