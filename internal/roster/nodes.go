package roster

import (
	"cmp"
	"slices"

	"github.com/ringcast/ringcast/codec/table"
)

// A Node is another node that is up, as it is known. Nothing of it may be changed.
type Node struct {
	Node, Epoch uint32
	Session     uint64
	Known       bool // it has told its state; without that nothing follows
	Software    string
	Rows        []table.RemoteParticipant // by ascending index
	Departed    []table.Departure         // the latest, oldest first
	rooms       map[string]uint32
}

// Whole says that all who take part there are among Rows: a node that has too much to tell leaves some out (see Fit).
func (n *Node) Whole() bool {
	if !n.Known || len(n.Rows) >= rowsMax {
		return false
	}
	total := 0
	for i := range n.Rows {
		total += sizeOf(&n.Rows[i])
	}
	return total <= nodeSize-rowSize
}

// Nodes returns the other nodes that are up, by ascending id.
func (r *Roster) Nodes() []Node {
	list := make([]Node, 0, r.up)
	for _, p := range r.order {
		if !p.up {
			continue
		}
		n := Node{Node: p.node, Epoch: p.epoch, Session: p.session, Known: p.state != nil, rooms: p.rooms}
		if s := p.state; s != nil {
			n.Software, n.Rows, n.Departed = s.software, s.rows, s.departed
		}
		list = append(list, n)
	}
	return list
}

// Lost returns the latest nodes that went down, oldest first. The list may not be changed.
func (r *Roster) Lost() []table.LostNode { return r.lost }

// Services sums up the node's instances of each service, by name.
func (n *Node) Services() []table.NodeService {
	at := make(map[string]int)
	var list []table.NodeService
	for i := range n.Rows {
		for _, s := range n.Rows[i].Info.Services {
			k, ok := at[s.Name]
			if !ok {
				k = len(list)
				at[s.Name] = k
				list = append(list, table.NodeService{Name: s.Name})
			}
			list[k].Instances++
			list[k].Limit += min(s.Limit, 1<<16)
		}
	}
	for i := range list {
		s := &list[i]
		s.Room = s.Limit
		if room, told := n.rooms[s.Name]; told {
			s.Room = min(room, s.Limit)
		}
	}
	slices.SortFunc(list, func(a, b table.NodeService) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
