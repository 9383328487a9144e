package simnet

import (
	"fmt"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

// stable is what is owed to a node that changes what it wants: the invariant stable. As soon as the owner of a topic has
// a list of the node's that covers it, and as long as the node goes on wanting it, everything that is sent of a gated topic
// from then on has to come: the first message, too, which the node itself can't miss. The lists are told apart by
// their versions, as they are on the wire. It is held in worlds in which nothing explains a loss; the engine's side
// of it is spec/wire.md, 4.4, 7 and 15.
type stable struct {
	version uint32               // of the node's list
	began   map[string]uint32    // version with which a topic began to be wanted, where it is wanted; not there: the first
	from    map[expectKey]uint64 // first sequence of a producer that has to come
}

// newStable is of a node that has told no list.
func newStable() stable {
	return stable{version: 1, began: map[string]uint32{}, from: map[expectKey]uint64{}}
}

// beginStable notes what the node begins to want, and what it does without, with its next list.
func (a *Actor) beginStable(list []string) {
	for _, b := range a.world.actors {
		for _, t := range b.topics {
			switch has, had := covers(list, t.name), covers(a.wants, t.name); {
			case has && !had:
				a.stable.began[t.name] = a.stable.version + 1
			case had && !has:
				a.endStable(b, t)
			}
		}
	}
}

func (a *Actor) endStable(owner *Actor, t *actorTopic) {
	for _, s := range owner.streams {
		if s.topic == t {
			delete(a.stable.from, expectKey{topic: t.name, producer: s.producer})
		}
	}
}

// promiseStable notes that the list of another node is here, the engine having just taken it.
func (a *Actor) promiseStable(p *mcast.Peer) {
	var w wire.Want
	if !a.world.soft || wire.TypeOf(a.inHand) != wire.TypeWant || wire.ParseWant(a.inHand[wire.HeaderSize:], &w) != wire.OK {
		return
	}
	for _, b := range a.world.actors {
		if b.ID() != p.Node() || b.session != p.Session() {
			continue
		}
		for _, s := range a.streams {
			k := expectKey{topic: s.topic.name, producer: s.producer}
			if s.topic.live || b.stable.from[k] != 0 || !covers(b.wants, k.topic) || w.Version < b.stable.began[k.topic] {
				continue
			}
			b.stable.from[k] = s.next
			if s.tried { // who begins to want it has not got its beginning
				b.stable.from[k]++
			}
		}
	}
}

// checkStable looks at the first message of a stream that a node begins with.
func (a *Actor) checkStable(t *mcast.RemoteTopic, producer mcast.Address, x *account, sequence uint64) {
	from := a.stable.from[expectKey{topic: t.Name, producer: producer}]
	if from != 0 && x.fresh && sequence > max(from, x.next) {
		a.net.violate("stable", "node %d: %s %v begins with %d, and it wanted all from %d on", a.ID(), t.Name, producer, sequence, from)
	}
}

// checkStableLoss looks at a loss.
func (a *Actor) checkStableLoss(t *mcast.RemoteTopic, producer mcast.Address, first, last uint64, reason mcast.LossReason) {
	from := a.stable.from[expectKey{topic: t.Name, producer: producer}]
	if from != 0 && last >= from {
		a.net.violate("stable", "node %d: %s %v lost %d..%d (%v), and it wanted all from %d on", a.ID(), t.Name, producer, first, last, reason, from)
	}
}

// lacksStable names a stream of which nothing has come, and something has to.
func (a *Actor) lacksStable() string {
	if len(a.stable.from) == 0 {
		return ""
	}
	for _, b := range a.world.actors {
		for _, s := range b.streams {
			k := expectKey{topic: s.topic.name, producer: s.producer}
			if from := a.stable.from[k]; from != 0 && from <= s.end && a.began(k) <= from {
				return fmt.Sprintf("node %d has nothing of %s %v from %d on, %d were published", a.ID(), k.topic, k.producer, from, s.end)
			}
		}
	}
	return ""
}

// began is what the node knows to come next of a stream; 0: nothing came since it wants it.
func (a *Actor) began(k expectKey) uint64 {
	if x := a.accounts[k]; x != nil && !x.fresh {
		return x.next
	}
	return 0
}
