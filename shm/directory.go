package shm

import (
	"slices"

	"github.com/ringcast/ringcast/codec/table"
)

// A Directory is what this node's forwarder knew of the other nodes at one instant. It is
// shared by all who asked for it and never changes: nothing of it may be written to. It is
// safe for concurrent use.
type Directory struct {
	// Nodes are those that are up, by ascending id.
	Nodes []table.NodeInfo
	// Lost are the latest of those that are gone, oldest first; the last word on an id counts.
	Lost []table.LostNode
	// Quarantined are the sources that the forwarder ignores for a while.
	Quarantined []table.QuarantinedSource
	// Forwarded are the topics of this node that the forwarder sends to others, by name.
	Forwarded []table.ForwardedTopic

	version  uint64 // of the segment
	services map[string][]ServiceNode
}

// A ServiceNode is another node that has living instances of a service.
type ServiceNode struct {
	Node, Epoch uint32
	Instances   uint32
	Limit       uint32 // requests that its instances run at a time, together
	Room        uint32 // a hint: how many more they would take, half a second ago or so
}

// A Standing says what is known of an address of another node.
type Standing uint8

// The standings of an address.
const (
	// StandingUnknown: its node is up and has not told of that participant: it may be too
	// new. Its node can say.
	StandingUnknown Standing = iota
	// StandingUp: it was up when its node told it last.
	StandingUp
	// StandingGone: it has gone and will never come back: it died or left, its index has a
	// later owner, or its node begins anew with another epoch.
	StandingGone
	// StandingNodeDown: its node is not there.
	StandingNodeDown
)

// Directory returns what this node's forwarder wrote last, decoded and checked; an empty one
// if it never did. Nodes are in it as long as the forwarder holds them for up; whether it
// lives itself says [Domain.ForwarderAlive], and without it the answer is of long ago.
//
// While nothing new was written this is two atomic loads. Otherwise the table is copied and
// decoded once for all callers of this process: that allocates, and takes some microseconds
// a node. A write that is under way is not waited for where there is an earlier answer.
// Errors: [table.ErrCorrupt] for what is no directory, [ErrUnfinished] for a forwarder
// that stopped in its first write.
func (d *Domain) Directory() (*Directory, error) {
	version := d.area.version.Load() // pairs(directory): what is known of this version is as of it.
	known := d.directory.Load()
	if known != nil && (known.version == version || version%2 != 0) {
		return known, nil
	}
	d.decoding.Lock()
	defer d.decoding.Unlock()
	if known = d.directory.Load(); known != nil && known.version == d.area.version.Load() {
		return known, nil
	}
	b, version, err := d.readDirectory()
	if err != nil {
		return nil, err
	}
	fresh, err := newDirectory(b, version)
	if err != nil {
		return nil, err
	}
	d.directory.Store(fresh)
	return fresh, nil
}

func newDirectory(b []byte, version uint64) (*Directory, error) {
	x := &Directory{version: version, services: map[string][]ServiceNode{}}
	if len(b) == 0 {
		return x, nil
	}
	t, err := table.ParseDirectory(b)
	if err != nil {
		return nil, err
	}
	x.Nodes, x.Lost, x.Quarantined, x.Forwarded = t.Nodes, t.Lost, t.Quarantined, t.Forwarded
	slices.SortStableFunc(x.Nodes, func(a, b table.NodeInfo) int { return int(int64(a.Node) - int64(b.Node)) })
	for i := range x.Nodes {
		n := &x.Nodes[i]
		for _, s := range n.Services {
			x.services[s.Name] = append(x.services[s.Name], ServiceNode{n.Node, n.Epoch, s.Instances, s.Limit, s.Room})
		}
	}
	return x, nil
}

// Node returns the node of an id, nil if it is not up. It allocates nothing.
func (x *Directory) Node(id uint32) *table.NodeInfo {
	i, ok := slices.BinarySearchFunc(x.Nodes, id, func(n table.NodeInfo, id uint32) int { return int(int64(n.Node) - int64(id)) })
	if !ok {
		return nil
	}
	return &x.Nodes[i]
}

// Serving returns the other nodes that have living instances of a service, by ascending id;
// nil if there are none. It allocates nothing.
func (x *Directory) Serving(service string) []ServiceNode { return x.services[service] }

// Standing says what is known of an address of another node; the handle does not matter. It
// allocates nothing; it looks through the node's participants.
func (x *Directory) Standing(a Address) Standing {
	n := x.Node(a.Node)
	switch {
	case n == nil:
		return StandingNodeDown
	case n.Epoch != a.Epoch:
		return StandingGone
	}
	for i := range n.Participants {
		p := &n.Participants[i]
		switch {
		case p.Index != a.Index:
		case p.Generation == a.Generation:
			return StandingUp
		case later(p.Generation, a.Generation):
			return StandingGone
		}
	}
	for _, gone := range n.Departed {
		if gone.Index == a.Index && (gone.Generation == a.Generation || later(gone.Generation, a.Generation)) {
			return StandingGone
		}
	}
	return StandingUnknown
}

// later reports whether generation a of an index comes after b; they begin anew after the last.
func later(a, b uint32) bool { return int32(a-b) > 0 }
