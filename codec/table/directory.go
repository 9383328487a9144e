package table

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/codec/fb"
)

// A Directory is what a forwarder knows of the other nodes.
type Directory struct {
	Nodes []NodeInfo
}

// A NodeInfo is one other node.
type NodeInfo struct {
	Node         uint32
	Epoch        uint32
	Session      uint64
	Name         string
	Host         string
	Version      string
	Wants        []string // names and patterns
	Participants []RemoteParticipant
}

// A RemoteParticipant is a participant of another node.
type RemoteParticipant struct {
	Index      uint16
	Generation uint32
	Language   uint8
	Info       ParticipantInfo
}

// Fields of the tables, in the order of the schema.
const (
	nodeNode = iota
	nodeEpoch
	nodeSession
	nodeName
	nodeHost
	nodeVersion
	nodeWants
	nodeParticipants
)

const (
	remoteIndex = iota
	remoteGeneration
	remoteLanguage
	remoteInfo
)

const directoryNodes = 0

// ParseDirectory decodes a Directory. The error is a [CorruptError].
func ParseDirectory(b []byte) (Directory, error) {
	r := NewReader(b)
	v := r.Root().Vector(directoryNodes)
	var d Directory
	for i := 0; i < v.Len() && r.err == nil; i++ {
		d.Nodes = append(d.Nodes, readNode(v.Table(i)))
	}
	if r.Err() != nil {
		return Directory{}, r.Err()
	}
	return d, nil
}

func readNode(t Table) NodeInfo {
	n := NodeInfo{
		Node: t.Uint32(nodeNode), Epoch: t.Uint32(nodeEpoch), Session: t.Uint64(nodeSession),
		Name: t.String(nodeName), Host: t.String(nodeHost), Version: t.String(nodeVersion),
	}
	v := t.Vector(nodeWants)
	for i := 0; i < v.Len() && t.r.err == nil; i++ {
		n.Wants = append(n.Wants, v.String(i))
	}
	v = t.Vector(nodeParticipants)
	for i := 0; i < v.Len() && t.r.err == nil; i++ {
		n.Participants = append(n.Participants, readRemote(v.Table(i)))
	}
	return n
}

func readRemote(t Table) RemoteParticipant {
	return RemoteParticipant{
		Index: t.Uint16(remoteIndex), Generation: t.Uint32(remoteGeneration),
		Language: t.Uint8(remoteLanguage), Info: readParticipantInfo(t.Child(remoteInfo)),
	}
}

// AppendDirectory appends the encoded directory to dst, as a buffer of its own
// that ends where dst then ends.
func AppendDirectory(dst []byte, d *Directory) []byte {
	b := flatbuffers.NewBuilder(4096)
	nodes := buildVector(b, len(d.Nodes), func(i int) flatbuffers.UOffsetT { return buildNode(b, &d.Nodes[i]) })
	fb.DirectoryStart(b)
	fb.DirectoryAddNodes(b, nodes)
	b.Finish(fb.DirectoryEnd(b))
	return append(dst, b.FinishedBytes()...)
}

func buildNode(b *flatbuffers.Builder, n *NodeInfo) flatbuffers.UOffsetT {
	wants := buildVector(b, len(n.Wants), func(i int) flatbuffers.UOffsetT { return b.CreateString(n.Wants[i]) })
	participants := buildVector(b, len(n.Participants), func(i int) flatbuffers.UOffsetT {
		return buildRemote(b, &n.Participants[i])
	})
	name, host, version := buildString(b, n.Name), buildString(b, n.Host), buildString(b, n.Version)
	fb.NodeInfoStart(b)
	fb.NodeInfoAddNode(b, n.Node)
	fb.NodeInfoAddEpoch(b, n.Epoch)
	fb.NodeInfoAddSession(b, n.Session)
	fb.NodeInfoAddName(b, name)
	fb.NodeInfoAddHost(b, host)
	fb.NodeInfoAddVersion(b, version)
	fb.NodeInfoAddWants(b, wants)
	fb.NodeInfoAddParticipants(b, participants)
	return fb.NodeInfoEnd(b)
}

func buildRemote(b *flatbuffers.Builder, p *RemoteParticipant) flatbuffers.UOffsetT {
	info := buildParticipantInfo(b, &p.Info)
	fb.RemoteParticipantStart(b)
	fb.RemoteParticipantAddIndex(b, p.Index)
	fb.RemoteParticipantAddGeneration(b, p.Generation)
	fb.RemoteParticipantAddLanguage(b, p.Language)
	fb.RemoteParticipantAddInfo(b, info)
	return fb.RemoteParticipantEnd(b)
}
