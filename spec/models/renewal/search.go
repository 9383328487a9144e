package renewal

import (
	"fmt"
	"strings"
)

// Violation is an invariant that was broken, and the steps that led there. The invariants are
//
//	once      a member gets each message once, in order: delivered or told as lost
//	whole     what was sent when the owner had counted a member is not told to it as lost, nor anything to one that stays; but what the ring
//	          had overwritten, or was sent without it, as a time of the owner's had run out
//	promised  nobody is told of what was sent before he was counted
//	hidden    in the end a member has, or was told of, all from the first on that he was counted for; but, of what he is told otherwise, what he cannot know (7)
//	stuck     all comes to that end
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
	Ends   int // states from which nothing follows
}

// node is a state that was reached, and from where by which step.
type node struct {
	state state
	from  int
	step  string
}

// Search looks at all that can follow, nearest first, until something is broken.
func Search(rules *Rules) Result {
	list := []node{{state: newState(), from: -1}}
	known := map[state]bool{list[0].state: true}
	var r Result
	for at := 0; at < len(list); at++ {
		followed := false
		for _, n := range list[at].state.follow(rules) {
			if n.broken != "" {
				r.Broken = Violation{n.broken, append(path(list, at), n.step)}
				r.States = len(list)
				return r
			}
			followed = true
			if !known[n.state] {
				known[n.state] = true
				list = append(list, node{n.state, at, n.step})
			}
		}
		if followed {
			continue
		}
		r.Ends++
		if broken := list[at].state.ended(); broken != "" {
			r.Broken = Violation{broken, path(list, at)}
			break
		}
	}
	r.States = len(list)
	return r
}

// path is how a state was reached.
func path(list []node, at int) (steps []string) {
	for ; list[at].from >= 0; at = list[at].from {
		steps = append([]string{list[at].step}, steps...)
	}
	return steps
}

// ended says what is broken in a state from which nothing follows.
func (s *state) ended() string {
	if s.published != messages || s.cursor != messages || s.phase != sends || s.session+1 != sessions {
		return "stuck"
	}
	for i := range s.members {
		m := &s.members[i]
		for seq := m.owed; seq < messages; seq++ {
			if m.got[seq] == nothing && m.unknown>>seq&1 == 0 {
				return "hidden"
			}
		}
	}
	return ""
}

// A next is what follows a step.
type next struct {
	state  state
	step   string
	broken string
}

// follow makes each step that can be made.
func (s *state) follow(rules *Rules) (list []next) {
	try := func(step string, do func(*state) (bool, string)) {
		x := *s
		if ok, broken := do(&x); ok {
			list = append(list, next{x, step, broken})
		}
	}
	plain := func(step string, do func(*state) bool) {
		try(step, func(x *state) (bool, string) { return do(x), "" })
	}
	plain("publish", (*state).publish)
	plain("send", func(x *state) bool { return x.send(rules) })
	plain("ask", (*state).ask)
	plain("begin", func(x *state) bool { return x.beginSession(rules, false) })
	plain("begin in a hurry", func(x *state) bool { return x.beginSession(rules, true) })
	plain("go on", func(x *state) bool { return x.goOn(rules, false) })
	plain("go on in a hurry", func(x *state) bool { return x.goOn(rules, true) })
	for i, who := range []string{"who stays", "who joins"} {
		plain(who+" hears", func(x *state) bool { return x.hear(&x.members[i], rules) })
		try(who+" enters", func(x *state) (bool, string) { return x.enter(i) })
		plain(who+" subscribes", func(x *state) bool { return x.subscribe(&x.members[i]) })
		try(who+" takes", func(x *state) (bool, string) { return x.take(i) })
		plain("heard what "+who+" wants", func(x *state) bool { return x.heardWant(&x.members[i], rules) })
		plain("heard what "+who+" has", func(x *state) bool { return x.heardStatus(&x.members[i]) })
	}
	return list
}
