package ringcast

import (
	"cmp"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/shm"
)

// look reads who is there now, as far as the configuration asks for it.
func (w *presenceWatch) look() (presences, error) {
	now := make(presences)
	w.takeDeaths()
	rows, err := w.domain.Participants()
	if err != nil {
		return nil, err
	}
	for i := range rows {
		row := &rows[i]
		if !row.Alive {
			w.dead[row.Index] = true
			continue
		}
		if row.Err != nil { // somebody writes it, or scribbled over it: what it said before stays
			now.keep(w.before, row.Address)
			continue
		}
		now.addRow(row)
	}
	if w.forwarder = w.domain.ForwarderAlive(); w.forwarder {
		w.addRemote(now)
	}
	return now, nil
}

// keep takes over what was known of one participant.
func (p presences) keep(before presences, address shm.Address) {
	for key, e := range before {
		if key.address == address {
			p[key] = e
		}
	}
}

// addRemote adds other nodes. A directory that can't be read now leaves what was known.
func (w *presenceWatch) addRemote(now presences) {
	d, err := w.domain.Directory()
	if err != nil {
		node, _ := w.domain.Node()
		for key, e := range w.before {
			if key.address.Node != node {
				now[key] = e
			}
		}
		return
	}
	w.directory = d
	for i := range d.Nodes {
		now.addNode(&d.Nodes[i])
	}
	for _, q := range d.Quarantined {
		now.add(PresenceEvent{Kind: PresenceQuarantine, Name: q.Source + ": " + q.Why, Address: shm.Address{Node: q.Node}})
	}
}

func (p presences) addNode(n *table.NodeInfo) {
	address := shm.Address{Node: n.Node, Epoch: n.Epoch}
	base := PresenceEvent{Address: address, Program: n.Name, Version: n.Version}
	self := base
	self.Kind, self.Name = PresenceNode, n.Name
	p.add(self)
	partial := false
	for i := range n.Participants {
		r := &n.Participants[i]
		partial = partial || r.Partial
		one := PresenceEvent{Address: address, Program: r.Info.Name, Language: r.Language, Version: r.Info.Version}
		one.Address.Index, one.Address.Generation = r.Index, r.Generation
		self := one
		self.Kind, self.Name = PresenceParticipant, r.Info.Name
		p.add(self)
		p.addInfo(one, r.Info.Interests, r.Info.Services)
	}
	if !partial {
		return
	}
	for _, want := range n.Wants {
		if !listed(n, want) {
			e := base
			e.Kind, e.Name = PresenceSubscriber, want
			p.add(e)
		}
	}
}

// listed says whether a participant of the node is known to subscribe to the name.
func listed(n *table.NodeInfo, name string) bool {
	for i := range n.Participants {
		for j := range n.Participants[i].Info.Interests {
			if in := &n.Participants[i].Info.Interests[j]; in.Name == name && !in.Publisher {
				return true
			}
		}
	}
	return false
}

// changes are the events that lead from one state to the next: first what went down, what a
// process did before the process, then what came up, the process before what it does.
func (w *presenceWatch) changes(now presences) []PresenceEvent {
	var down, up []PresenceEvent
	for key, e := range w.before {
		if _, still := now[key]; !still {
			e.Up, e.First, e.Reason = false, false, w.reason(&key)
			down = append(down, e)
		}
	}
	for key, e := range now {
		if _, known := w.before[key]; !known {
			e.First = w.first
			up = append(up, e)
		}
	}
	slices.SortFunc(down, func(a, b PresenceEvent) int { return -comparePresence(a, b) })
	slices.SortFunc(up, comparePresence)
	w.before, w.first = now, false
	return append(down, up...)
}

// reason says why something is gone.
func (w *presenceWatch) reason(key *presenceKey) PresenceReason {
	a := key.address
	node, epoch := w.domain.Node()
	switch {
	case key.kind == PresenceQuarantine && w.forwarder:
		return ReasonReleased
	case key.kind == PresenceQuarantine:
		return ReasonNoForwarder
	case a.Node == node && a.Epoch == epoch:
		return w.localReason(a)
	case !w.forwarder || w.directory == nil:
		return ReasonNoForwarder
	}
	n := w.directory.Node(a.Node)
	if n == nil || n.Epoch != a.Epoch {
		return lostReason(w.directory.Lost, a)
	}
	for _, d := range n.Departed {
		if d.Index == a.Index && d.Generation == a.Generation && d.Ending == layout.EndingDied {
			return ReasonDied
		}
	}
	return ReasonLeft
}

// localReason says why something of a participant of this node is gone: as its record tells,
// whoever freed it; else as it was seen here.
func (w *presenceWatch) localReason(a shm.Address) PresenceReason {
	ending := w.domain.Ending(a.Index, a.Generation)
	if ending == layout.EndingDied || ending == layout.EndingNone && w.dead[a.Index] {
		return ReasonDied
	}
	return ReasonLeft
}

// lostReason says why a node is gone: the last word on it counts.
func lostReason(lost []table.LostNode, a shm.Address) PresenceReason {
	for i := len(lost) - 1; i >= 0; i-- {
		if lost[i].Node == a.Node && lost[i].Epoch == a.Epoch {
			if lost[i].Ending == layout.EndingLeft {
				return ReasonNodeLeft
			}
			break
		}
	}
	return ReasonNodeDown
}

func comparePresence(a, b PresenceEvent) int {
	return cmp.Or(
		cmp.Compare(a.Address.Node, b.Address.Node), cmp.Compare(a.Address.Epoch, b.Address.Epoch),
		cmp.Compare(a.Address.Index, b.Address.Index), cmp.Compare(a.Address.Generation, b.Address.Generation),
		cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name),
	)
}
