package moves

import (
	"fmt"
	"math/rand/v2"

	"github.com/ringcast/ringcast/spec/models/walks"
)

// action is one step: what happens, to which member, to which of two, and how far.
type action struct {
	kind        kind
	member, two int
	far         num
}

type kind int

// What may happen.
const (
	send kind = iota
	sendStaying
	sendOther
	tellRow
	moveOn
	dataComes
	lastDataComes
	heartbeatComes
	setupMade
	setupComes
	statusMade
	statusComes
	wantMade
	wantComes
	wantChanges
	holeGivenUp
	memberPutOut
	memberBack
	memberDead
	memberPeer
	ownerDead
	ownerPeer
	memberRestarts
	ownerRestarts
	laneRests
	goneForgotten
	kinds
)

// deeds does each kind of action, and says how often it is drawn, of all that are.
var deeds = [kinds]struct {
	name   string
	weight int
	do     func(s *state, a action)
}{
	send:           {"a message is sent", 20, func(s *state, a action) { s.send(a.two, false) }},
	sendStaying:    {"a message is sent where the topic is", 8, func(s *state, a action) { s.send(a.two, true) }},
	sendOther:      {"another topic's is sent", 6, func(s *state, a action) { s.putOther(a.member, a.two) }},
	tellRow:        {"a row is sent", 8, func(s *state, a action) { s.tellRow(a.two) }},
	moveOn:         {"the topic is looked at", 10, func(s *state, a action) { s.chosen(a.far == 0) }},
	dataComes:      {"data comes", 30, func(s *state, a action) { s.takeData(a.member, a.two, s.members[a.member].receivers[a.two].next+a.far) }},
	lastDataComes:  {"the last data comes", 20, func(s *state, a action) { s.takeData(a.member, a.two, s.owner.head[laneOf(a.member, a.two)]-1) }},
	heartbeatComes: {"a heartbeat comes", 10, func(s *state, a action) { s.takeHeartbeat(a.member, a.two) }},
	setupMade:      {"a setup is sent", 5, func(s *state, a action) { s.makeSetup(a.member) }},
	setupComes:     {"a setup comes", 6, func(s *state, a action) { s.takeSetup(a.member) }},
	statusMade:     {"a status is sent", 12, func(s *state, a action) { s.makeStatus(a.member, a.two) }},
	statusComes:    {"a status comes", 12, func(s *state, a action) { s.takeStatus(a.member, a.two) }},
	wantMade:       {"a want is sent", 5, func(s *state, a action) { s.makeWant(a.member) }},
	wantComes:      {"a want comes", 6, func(s *state, a action) { s.takeWant(a.member) }},
	wantChanges:    {"the member changes what it wants", 2, func(s *state, a action) { s.setWants(a.member, !s.members[a.member].wants) }},
	holeGivenUp:    {"a hole is given up", 2, func(s *state, a action) { s.giveUp(a.member, a.two) }},
	memberPutOut:   {"the member is put out", 2, func(s *state, a action) { s.putOut(a.member, a.two) }},
	memberBack:     {"the member is waited for again", 2, func(s *state, a action) { s.takeBack(a.member, a.two) }},
	memberDead:     {"the member is taken for dead", 1, func(s *state, a action) { s.removePeer(a.member) }},
	memberPeer:     {"the member is the owner's peer", 4, func(s *state, a action) { s.addPeer(a.member) }},
	ownerDead:      {"the owner is taken for dead", 1, func(s *state, a action) { s.part(a.member) }},
	ownerPeer:      {"the owner is the member's peer", 4, func(s *state, a action) { s.meet(a.member) }},
	memberRestarts: {"the member restarts", 1, func(s *state, a action) { s.restart(a.member) }},
	ownerRestarts:  {"the owner restarts", 0, func(s *state, a action) { s.restartOwner(num(a.two)) }},
	laneRests:      {"the member's lane rests", 1, func(s *state, a action) { s.rest(a.member) }},
	goneForgotten:  {"who went is forgotten", 1, func(s *state, a action) { s.owner.peers[a.member].gone = false }},
}

// troubles are what a walk may do without.
var troubles = []kind{holeGivenUp, memberPutOut, memberDead, ownerDead, memberRestarts, wantChanges, goneForgotten, sendOther, laneRests}

func (a action) String() string {
	return fmt.Sprintf("%s (member %d, %d, %d)", deeds[a.kind].name, a.member, a.two, a.far)
}

func (s *state) do(a action) { deeds[a.kind].do(s, a) }

// mix is how often each kind of action is drawn in one walk.
type mix struct {
	weights [kinds]int
	sum     int
}

// draw leaves out each trouble in every other walk.
func drawMix(r *rand.Rand) (m mix) {
	for k := range deeds {
		m.weights[k] = deeds[k].weight
	}
	for _, k := range troubles {
		if r.IntN(2) == 0 {
			m.weights[k] = 0
		}
	}
	for _, w := range m.weights {
		m.sum += w
	}
	return m
}

func (m *mix) draw(r *rand.Rand) action {
	n, k := r.IntN(m.sum), kind(0)
	for ; n >= m.weights[k]; k++ {
		n -= m.weights[k]
	}
	return action{k, r.IntN(members), r.IntN(2), num(r.IntN(window + 2))}
}

// walk is a run of the model: what was done, less what changed nothing, then calm, one receiver being
// stuck from then on; none: all go on.
type walk struct {
	actions []action
	stuck   int
}

// draw walks at random, most steps at most.
func (w *walk) draw(rules *Rules, r *rand.Rand, most int) *state {
	s, m := newState(rules), drawMix(r)
	w.actions, w.stuck = drawBegin(r), none
	for _, a := range w.actions {
		s.do(a)
	}
	for n := r.IntN(most) + 5; n > 0 && !s.done(); n-- {
		a, before := m.draw(r), *s
		if s.do(a); *s != before {
			w.actions = append(w.actions, a)
		}
	}
	if r.IntN(8) == 0 {
		w.stuck = r.IntN(2 * members)
	}
	s.calm(w.stuck)
	return s
}

// drawBegin brings most members into the lanes.
func drawBegin(r *rand.Rand) (list []action) {
	for m := range members {
		if r.IntN(6) == 0 {
			continue
		}
		if r.IntN(4) != 0 {
			list = append(list, action{kind: wantChanges, member: m})
		}
		for _, k := range []kind{memberPeer, ownerPeer, setupMade, setupComes, statusMade, statusComes} {
			list = append(list, action{kind: k, member: m})
			if k == statusMade || k == statusComes {
				list = append(list, action{kind: k, member: m, two: 1})
			}
		}
		list = append(list, action{kind: wantMade, member: m}, action{kind: wantComes, member: m})
	}
	return list
}

// again does what a walk did.
func (w *walk) again(rules *Rules) *state {
	s := newState(rules)
	for _, a := range w.actions {
		if s.do(a); s.done() {
			return s
		}
	}
	s.calm(w.stuck)
	return s
}

// shorten leaves out what is not needed to break the same invariant.
func (w *walk) shorten(rules *Rules) {
	broken := w.again(rules).broken.Invariant
	w.actions = walks.Shorten(w.actions, func(a []action) bool {
		shorter := walk{a, w.stuck}
		return shorter.again(rules).broken.Invariant == broken
	})
}
