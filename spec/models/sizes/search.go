package sizes

import (
	"fmt"
	"strings"
)

// Violation is an invariant that was broken, and the steps that led there. The invariants are
//
//	size     no large datagram goes to a peer that reads the lane and does not get such; but, where a way of it has changed, until a round has failed
//	lost     nobody who was counted asks for a large datagram that does not come, whoever comes or goes meanwhile; but, where a way has changed, for those
//	         that went before that was known, and who was thought of for as long as anybody is, is not counted any more
//	raised   from everywhere where all nodes are there and get large datagrams, the owner can come to send such
//	address  no large Probe goes to the address in a Hello that somebody else said
//	noticed  from everywhere where a peer is there that gets none, it can come to send small ones
type Violation struct {
	Invariant string
	Steps     []string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s", v.Invariant, strings.Join(v.Steps, ", "))
}

// A Result is what a search found.
type Result struct {
	Broken Violation
	States int
	Large  int // states in which datagrams are large
}

// reached is a state, and from where it was reached first by which step.
type reached struct {
	state state
	from  int32
	step  string
	into  []int32 // from where else it was
}

type search struct {
	rules *Rules
	list  []reached
	known map[state]int32
}

// Search looks at all that can follow, nearest first, until something is broken.
func Search(rules *Rules, bounds Bounds) (r Result) {
	x := search{rules: rules, known: map[state]int32{}}
	for ways := range uint8(1) << (2 * bounds.Nodes) {
		x.add(newState(ways, bounds), -1, fmt.Sprintf("ways %04b", ways))
	}
	for at := int32(0); int(at) < len(x.list); at++ {
		here := x.list[at].state
		for _, n := range here.follow(rules) {
			if n.broken != "" {
				r.Broken, r.States = Violation{n.broken, append(x.path(at), n.step)}, len(x.list)
				return r
			}
			x.add(n.state, at, n.step)
		}
		if here.large {
			r.Large++
		}
	}
	r.States = len(x.list)
	if r.Broken = x.always("raised", (*state).able, func(s *state) bool { return s.large }); r.Broken.Invariant == "" {
		r.Broken = x.always("noticed", (*state).unable, func(s *state) bool { return !s.large })
	}
	return r
}

func (x *search) add(s state, from int32, step string) {
	to, known := x.known[s]
	if !known {
		to = int32(len(x.list))
		x.known[s] = to
		x.list = append(x.list, reached{state: s, from: from, step: step})
	}
	if from >= 0 {
		x.list[to].into = append(x.list[to].into, from)
	}
}

// always says whether from each state of one kind one of another kind can be reached.
func (x *search) always(name string, from, to func(*state) bool) Violation {
	good := make([]bool, len(x.list))
	var next []int32
	for i := range x.list {
		if to(&x.list[i].state) {
			good[i] = true
			next = append(next, int32(i))
		}
	}
	for len(next) > 0 {
		at := next[len(next)-1]
		next = next[:len(next)-1]
		for _, i := range x.list[at].into {
			if !good[i] {
				good[i] = true
				next = append(next, i)
			}
		}
	}
	for i := range x.list {
		if !good[i] && from(&x.list[i].state) {
			return Violation{name, x.path(int32(i))}
		}
	}
	return Violation{}
}

// able says whether all nodes are there and get large datagrams.
func (s *state) able() bool {
	for i := range s.left.Nodes {
		if n := &s.nodes[i]; !n.up || n.wide != both {
			return false
		}
	}
	return true
}

// unable says whether a peer is there that gets none.
func (s *state) unable() bool {
	for i := range s.nodes {
		if n := &s.nodes[i]; n.up && n.peer && n.wide != both {
			return true
		}
	}
	return false
}

// path is how a state was reached.
func (x *search) path(at int32) (steps []string) {
	for ; at >= 0; at = x.list[at].from {
		steps = append([]string{x.list[at].step}, steps...)
	}
	return steps
}

// A next is what follows a step.
type next struct {
	state  state
	step   string
	broken string
}

// words are what the steps of a node are called.
type words struct {
	starts, stops, enters, takes, hello, proves, want, gone, forgotten string
	ways                                                               [2]string
	answers, echoes                                                    [ages][2]string
}

var steps = [nodes]words{wordsOf("A"), wordsOf("B")}

func wordsOf(who string) words {
	w := words{who + " starts", who + " stops", who + " enters", who + " takes", "hello of " + who, who + " proves its address", "want of " + who, who + " is taken for gone", who + " is forgotten",
		[2]string{}, [ages][2]string{}, [ages][2]string{}}
	for i, way := range []string{"multicast", "unicast"} {
		w.ways[i] = who + "'s " + way + " changes"
		for age, word := range []string{"old", "new"} {
			w.answers[age][i] = who + " answers " + word + " " + way
			w.echoes[age][i] = word + " " + way + " echo of " + who
		}
	}
	return w
}

// follow makes each step that can be made.
func (s *state) follow(rules *Rules) (list []next) {
	try := func(step string, do func(*state) (bool, string)) {
		x := *s
		if ok, broken := do(&x); ok {
			x.settle(rules)
			list = append(list, next{x, step, broken})
		}
	}
	plain := func(step string, do func(*state) bool) {
		try(step, func(x *state) (bool, string) { return do(x), "" })
	}
	try("send small", func(x *state) (bool, string) { return x.send(false) })
	try("send large", func(x *state) (bool, string) { return x.send(true) })
	plain("again", func(x *state) bool { return x.again(rules) })
	try("begin", func(x *state) (bool, string) { return x.begin(rules) })
	plain("complete", func(x *state) bool { return x.complete(rules) })
	plain("fail", func(x *state) bool { return x.fail(rules) })
	for i := range s.left.Nodes {
		what := &steps[i]
		plain(what.starts, func(x *state) bool { return x.nodes[i].start() })
		plain(what.stops, func(x *state) bool { return x.stop(&x.nodes[i]) })
		plain(what.enters, func(x *state) bool { return x.nodes[i].enter() })
		try(what.takes, func(x *state) (bool, string) { return x.take(&x.nodes[i]) })
		plain(what.hello, func(x *state) bool { return x.hello(&x.nodes[i], rules) })
		plain(what.proves, func(x *state) bool { return x.nodes[i].prove(rules) })
		plain(what.want, func(x *state) bool { return x.want(&x.nodes[i]) })
		plain(what.gone, func(x *state) bool { return x.silent(&x.nodes[i], rules) })
		plain(what.forgotten, func(x *state) bool { return x.nodes[i].forget(rules) })
		for w := range what.ways {
			way := uint8(1) << w
			plain(what.ways[w], func(x *state) bool { return x.change(&x.nodes[i], way) })
			for age := range ages {
				plain(what.answers[age][w], func(x *state) bool { return x.nodes[i].answer(age, way) })
				plain(what.echoes[age][w], func(x *state) bool { return x.echo(&x.nodes[i], age, way, rules) })
			}
		}
	}
	return list
}
