package mcast

import "github.com/ringcast/ringcast/mcast/wire"

// Footprint says how full the tables of an Engine are, or by what they are bounded.
type Footprint struct {
	Peers         int // nodes that are here
	Nodes         int // nodes that are remembered
	Streams       int // places of producers, of all nodes
	Topics        int // own topics
	Producers     int // own producers
	HeldBytes     int // datagrams past holes
	PartBytes     int // unfinished large messages, as far as they have come
	Gaps          int // runs of missing lane sequences
	Repairs       int // datagrams that wait to be sent again for one member
	Wanted        int // names and patterns of peers, with parts of unfinished lists
	SnapshotParts int // parts of peers' snapshots
	Joining       int // producers of which what a history has and what a lane brings are put together
}

// Each calls f with every table's name, what is in it, and what bound allows.
func (f *Footprint) Each(bound *Footprint, do func(table string, has, may int)) {
	do("peers", f.Peers, bound.Peers)
	do("nodes", f.Nodes, bound.Nodes)
	do("streams", f.Streams, bound.Streams)
	do("topics", f.Topics, bound.Topics)
	do("producers", f.Producers, bound.Producers)
	do("bytes held", f.HeldBytes, bound.HeldBytes)
	do("bytes of large messages", f.PartBytes, bound.PartBytes)
	do("gaps", f.Gaps, bound.Gaps)
	do("repairs", f.Repairs, bound.Repairs)
	do("names wanted", f.Wanted, bound.Wanted)
	do("parts of snapshots", f.SnapshotParts, bound.SnapshotParts)
	do("producers of histories", f.Joining, bound.Joining)
}

// Footprint returns how full the tables are. It walks them: not for every datagram.
func (e *Engine) Footprint() Footprint {
	f := Footprint{Peers: len(e.peers), Nodes: len(e.memory), Topics: len(e.topics), Producers: len(e.producers)}
	for _, m := range e.memory {
		f.Streams = max(f.Streams, len(m.places))
	}
	for _, p := range e.peers {
		f.HeldBytes = max(f.HeldBytes, p.heldBytes)
		f.PartBytes = max(f.PartBytes, p.partBytes)
		f.Wanted = max(f.Wanted, len(p.wants.list), p.wantParts.names)
		f.SnapshotParts = max(f.SnapshotParts, len(p.snapshot.parts))
		if p.catchup != nil {
			f.Joining = max(f.Joining, len(p.catchup.joins))
		}
		for i, r := range p.receivers {
			f.Repairs = max(f.Repairs, p.members[i].repairs.size())
			if r != nil {
				f.Gaps = max(f.Gaps, len(r.gaps.list))
			}
		}
	}
	return f
}

// Bounds returns by what the tables are bounded, each for one peer where a peer fills it.
func (e *Engine) Bounds() Footprint {
	c := &e.cfg
	return Footprint{Peers: c.Limits.Peers, Nodes: max(nodesRemembered, c.Limits.Peers) + 1, Topics: c.Limits.Topics, Producers: c.Limits.Producers,
		Streams: c.Limits.Streams, HeldBytes: c.ReorderBuffer + lanesMax*wire.FrameMax, PartBytes: c.ReassemblyBuffer,
		Gaps: reachMax, Repairs: repairDepth, Wanted: c.Limits.Wants, SnapshotParts: wire.PartsMax,
		Joining: 3 * c.Limits.Streams} // of histories, of those that are remembered, and of those of which something is held
}
