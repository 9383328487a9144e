package ringcast

import "github.com/ringcast/ringcast/shm"

// A NodeState is another node as the forwarder of this one knows it. It is a copy and
// belongs to the caller.
type NodeState struct {
	Node, Epoch uint32
	Session     uint64 // of its forwarder
	Name        string
	Host        string
	Version     string
	Wants       []string // names and patterns that it subscribes to
}

// inspectNodes reads the directory; one that can't be read has nobody.
func inspectNodes(d *shm.Domain) []NodeState {
	nodes, err := otherNodes(d)
	if err != nil {
		return nil
	}
	var list []NodeState
	for i := range nodes {
		n := &nodes[i]
		list = append(list, NodeState{Node: n.Node, Epoch: n.Epoch, Session: n.Session, Name: n.Name, Host: n.Host, Version: n.Version, Wants: n.Wants})
	}
	return list
}
