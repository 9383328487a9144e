package ringcast

import (
	"fmt"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/shm"
)

// A NodeState is another node as this node's forwarder knows it. It is a copy and belongs
// to the caller.
type NodeState struct {
	Node, Epoch uint32
	Session     uint64 // of its forwarder
	Name        string
	Host        string
	Version     string   // of its forwarder
	Wants       []string // names and patterns that it subscribes to
	// Known says that the node has told of its participants; the rest is empty until then.
	Known        bool
	Participants []RemoteParticipant
	Services     []RemoteService
}

// A RemoteParticipant is a process on another node. It is a copy and belongs to the caller.
type RemoteParticipant struct {
	Address Address
	Info    shm.Info
	// Partial says that Info lacks some interests or services: there were too many.
	Partial bool
}

// A QuarantinedSource is a source that this node's forwarder ignores for a while because it
// floods or babbles. It is a copy and belongs to the caller.
type QuarantinedSource struct {
	Source string // address and port; or the address of a participant
	Node   uint32 // the node that speaks from there; 0 if unknown
	Why    string // what there was too much of
	Times  int    // how often it was quarantined, now included
}

// A RemoteService is a service on another node: all its instances there together.
type RemoteService struct {
	Name      string
	Instances int
	Limit     int // requests that they run at a time
	Room      int // a hint: about how many more they would take, some time ago
}

// Nodes returns the other nodes that are up, in ascending order of id, with their
// participants and services, as this node's forwarder knows them; none without a forwarder.
// It allocates, makes a system call, and waits for nobody. To follow the changes, use
// [Bus.Watch]. It is safe for concurrent use.
//
// Errors: ErrClosed; a directory that is damaged or half written.
func (b *Bus) Nodes() ([]NodeState, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if !b.domain.ForwarderAlive() {
		return nil, nil
	}
	directory, err := b.domain.Directory()
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return nodeStates(directory), nil
}

// inspectNodes reads the directory; one that can't be read has nobody.
func (s *Snapshot) inspectNodes(d *shm.Domain) {
	directory, err := d.Directory()
	if err != nil {
		return
	}
	for _, q := range directory.Quarantined {
		s.Quarantined = append(s.Quarantined, QuarantinedSource{Source: q.Source, Node: q.Node, Why: q.Why, Times: int(q.Times)})
	}
	s.Nodes = nodeStates(directory)
	alone := map[string]uint32{}
	for _, one := range directory.Forwarded {
		alone[one.Name] = one.Alone
	}
	for i := range s.Topics {
		t := &s.Topics[i]
		t.Alone, t.Forwarded = alone[t.Name]
	}
}

func nodeStates(directory *shm.Directory) []NodeState {
	var list []NodeState
	for i := range directory.Nodes {
		list = append(list, nodeState(&directory.Nodes[i]))
	}
	return list
}

func nodeState(n *table.NodeInfo) NodeState {
	s := NodeState{Node: n.Node, Epoch: n.Epoch, Session: n.Session, Name: n.Name, Host: n.Host, Version: n.Version, Wants: n.Wants, Known: n.Known}
	for i := range n.Participants {
		p := &n.Participants[i]
		s.Participants = append(s.Participants, RemoteParticipant{
			Address: Address{Node: n.Node, Epoch: n.Epoch, Index: p.Index, Generation: p.Generation},
			Info:    shm.Info{Name: p.Info.Name, Version: p.Info.Version, Language: p.Language, Interests: p.Info.Interests, Services: p.Info.Services},
			Partial: p.Partial,
		})
	}
	for _, one := range n.Services {
		s.Services = append(s.Services, RemoteService{one.Name, int(one.Instances), int(one.Limit), int(one.Room)})
	}
	return s
}
