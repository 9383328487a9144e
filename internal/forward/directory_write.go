package forward

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/roster"
	"github.com/ringcast/ringcast/shm"
)

const (
	// writeApart is the least time between two writings of the directory.
	writeApart = 5 * time.Millisecond
	// writeShare bounds what writing costs: a writing is followed by a pause of so many
	// times its own length.
	writeShare = 20
)

// writeLoop writes the directory segment whenever something is known anew. It has a
// goroutine of its own: a large table takes milliseconds, and the network does not wait.
func (f *Forwarder) writeLoop(ctx context.Context) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-f.dir.news:
		case <-ctx.Done():
			return nil
		}
		began := time.Now()
		f.writeDirectory()
		pause.Reset(max(writeApart, writeShare*time.Since(began)))
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// writeDirectory writes what is known of the other nodes, with less of it where it does
// not fit.
func (f *Forwarder) writeDirectory() {
	d := f.known()
	for _, cut := range []func(*table.NodeInfo){nil, cutInterests, cutParticipants, cutWants} {
		if cut != nil {
			f.counters.cut.Add(1)
			d.Forwarded = nil
			for i := range d.Nodes {
				cut(&d.Nodes[i])
			}
		}
		err := f.seat.WriteDirectory(table.AppendDirectory(nil, d))
		if err == nil {
			return
		}
		f.cfg.Log("directory of %d nodes: %v", len(d.Nodes), err)
		if !errors.Is(err, shm.ErrTooLarge) {
			return
		}
	}
}

// known is a copy of what is known; the rows in it are shared, and never change.
func (f *Forwarder) known() *table.Directory {
	f.mu.Lock()
	var d table.Directory
	for peer := range f.peers {
		d.Nodes = append(d.Nodes, table.NodeInfo{
			Node: peer.Node(), Epoch: peer.Epoch(), Session: peer.Session(),
			Name: peer.Name(), Host: peer.Host(), Wants: f.heeded[peer],
		})
	}
	states := f.dir.roster.Nodes()
	d.Lost = slices.Clone(f.dir.roster.Lost())
	d.Quarantined = slices.Clone(f.apart)
	d.Forwarded = f.forwarded()
	f.mu.Unlock()
	slices.SortFunc(d.Nodes, func(a, b table.NodeInfo) int { return cmp.Compare(a.Node, b.Node) })
	for i := range d.Nodes {
		addState(&d.Nodes[i], states)
	}
	return &d
}

// forwarded says where the topics go that are sent to other nodes. Mu is held.
func (f *Forwarder) forwarded() []table.ForwardedTopic {
	var list []table.ForwardedTopic
	alone := uint64(0)
	for name, o := range f.out {
		one := table.ForwardedTopic{Name: name, Alone: f.engine.Alone(o.topic)}
		if one.Alone != 0 {
			alone++
		}
		list = append(list, one)
	}
	f.counters.alone.Set(alone)
	slices.SortFunc(list, func(a, b table.ForwardedTopic) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// noteMoves has the segment written anew where a topic has begun to go to one node alone, or to all. Mu is held.
func (f *Forwarder) noteMoves() {
	c := f.engine.Counters()
	if moves := c.MovesDirected + c.MovesShared; moves != f.dir.moves {
		f.counters.moves.Add(moves - f.dir.moves)
		f.dir.moves = moves
		f.writeLater()
	}
}

// addState adds what a node told of its participants.
func addState(n *table.NodeInfo, states []roster.Node) {
	i, ok := slices.BinarySearchFunc(states, n.Node, func(s roster.Node, node uint32) int { return cmp.Compare(s.Node, node) })
	if !ok || !states[i].Known {
		return
	}
	s := &states[i]
	n.Known, n.Version = true, s.Software
	n.Participants, n.Departed, n.Services = s.Rows, s.Departed, s.Services()
}

func cutInterests(n *table.NodeInfo) {
	n.Participants = slices.Clone(n.Participants)
	for i := range n.Participants {
		p := &n.Participants[i]
		p.Partial = p.Partial || len(p.Info.Interests) > 0
		p.Info.Interests = nil
	}
}

func cutParticipants(n *table.NodeInfo) { n.Participants = nil }

func cutWants(n *table.NodeInfo) { n.Wants = nil }
