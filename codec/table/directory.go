package table

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/codec/fb"
)

// A Directory is what a forwarder knows of the other nodes.
type Directory struct {
	Nodes []NodeInfo
	Lost  []LostNode // the latest of those that are gone, oldest first
	// Quarantined are the sources that the forwarder ignores now.
	Quarantined []QuarantinedSource
	// Forwarded are the topics of this node that go to others, by name.
	Forwarded []ForwardedTopic
}

// A QuarantinedSource is who is ignored for a while, because of what he sent.
type QuarantinedSource struct {
	Source string // address and port; or the address of a participant
	Node   uint32 // the node that speaks from there; 0: none that is known
	Why    string // what came too much
	Times  uint32 // the how many-th quarantine of this source it is
}

// A ForwardedTopic is a topic that this node's forwarder sends to others.
type ForwardedTopic struct {
	Name  string
	Alone uint32 // the node that alone wants it, and to which alone it goes; 0: it goes to all
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
	Known        bool          // its participants are known: they and the following are as of one instant
	Services     []NodeService // what it serves
	Departed     []Departure   // the latest, oldest first
}

// A RemoteParticipant is a participant of another node.
type RemoteParticipant struct {
	Index      uint16
	Generation uint32
	Language   uint8
	Info       ParticipantInfo
	Partial    bool // interests or services were left out: there were too many
}

// A NodeService is a service of one node: all its instances there together.
type NodeService struct {
	Name      string
	Instances uint32
	Limit     uint32 // requests that they run at a time
	Room      uint32 // a hint: how many more they would take, some time ago
}

// A Departure is a participant that is gone, as its node tells it.
type Departure struct {
	Index      uint16
	Generation uint32
	Ending     uint8 // layout.Ending
}

// A LostNode is a node that is gone.
type LostNode struct {
	Node, Epoch uint32
	Ending      uint8 // layout.Ending
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
	nodeKnown
	nodeServices
	nodeDeparted
)

const (
	remoteIndex = iota
	remoteGeneration
	remoteLanguage
	remoteInfo
	remotePartial
)

const (
	nodeServiceName = iota
	nodeServiceInstances
	nodeServiceLimit
	nodeServiceRoom
)

const (
	departureIndex = iota
	departureGeneration
	departureEnding
)

const (
	lostNode = iota
	lostEpoch
	lostEnding
)

const (
	directoryNodes = iota
	directoryLost
	directoryQuarantined
	directoryForwarded
)

const (
	quarantinedSource = iota
	quarantinedNode
	quarantinedWhy
	quarantinedTimes
)

const (
	forwardedName = iota
	forwardedAlone
)

// ParseDirectory decodes a Directory. The error is a [CorruptError].
func ParseDirectory(b []byte) (Directory, error) {
	r := NewReader(b)
	root := r.Root()
	d := Directory{
		Nodes: readVector(root.Vector(directoryNodes), readNode),
		Lost:  readVector(root.Vector(directoryLost), readLostNode),

		Quarantined: readVector(root.Vector(directoryQuarantined), readQuarantined),
		Forwarded:   readVector(root.Vector(directoryForwarded), readForwarded),
	}
	if r.Err() != nil {
		return Directory{}, r.Err()
	}
	return d, nil
}

// readVector decodes the tables of a vector; nil if it is empty.
func readVector[T any](v Vector, read func(Table) T) []T {
	var list []T
	for i := 0; i < v.Len() && v.r.err == nil; i++ {
		list = append(list, read(v.Table(i)))
	}
	return list
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
	n.Participants = readVector(t.Vector(nodeParticipants), readRemote)
	n.Known = t.Bool(nodeKnown)
	n.Services = readVector(t.Vector(nodeServices), readNodeService)
	n.Departed = readVector(t.Vector(nodeDeparted), readDeparture)
	return n
}

func readRemote(t Table) RemoteParticipant {
	return RemoteParticipant{
		Index: t.Uint16(remoteIndex), Generation: t.Uint32(remoteGeneration),
		Language: t.Uint8(remoteLanguage), Info: readParticipantInfo(t.Child(remoteInfo)),
		Partial: t.Bool(remotePartial),
	}
}

func readNodeService(t Table) NodeService {
	return NodeService{
		Name: t.Required(nodeServiceName), Instances: t.Uint32(nodeServiceInstances),
		Limit: t.Uint32(nodeServiceLimit), Room: t.Uint32(nodeServiceRoom),
	}
}

func readDeparture(t Table) Departure {
	return Departure{Index: t.Uint16(departureIndex), Generation: t.Uint32(departureGeneration), Ending: t.Uint8(departureEnding)}
}

func readLostNode(t Table) LostNode {
	return LostNode{Node: t.Uint32(lostNode), Epoch: t.Uint32(lostEpoch), Ending: t.Uint8(lostEnding)}
}

func readQuarantined(t Table) QuarantinedSource {
	return QuarantinedSource{Source: t.Required(quarantinedSource), Node: t.Uint32(quarantinedNode),
		Why: t.String(quarantinedWhy), Times: t.Uint32(quarantinedTimes)}
}

func readForwarded(t Table) ForwardedTopic {
	return ForwardedTopic{Name: t.Required(forwardedName), Alone: t.Uint32(forwardedAlone)}
}

// AppendDirectory appends the encoded directory to dst, as a buffer of its own
// that ends where dst then ends.
func AppendDirectory(dst []byte, d *Directory) []byte {
	b := flatbuffers.NewBuilder(4096)
	nodes := buildVector(b, len(d.Nodes), func(i int) flatbuffers.UOffsetT { return buildNode(b, &d.Nodes[i]) })
	lost := buildVector(b, len(d.Lost), func(i int) flatbuffers.UOffsetT { return buildLostNode(b, &d.Lost[i]) })
	quarantined := buildVector(b, len(d.Quarantined), func(i int) flatbuffers.UOffsetT { return buildQuarantined(b, &d.Quarantined[i]) })
	forwarded := buildVector(b, len(d.Forwarded), func(i int) flatbuffers.UOffsetT { return buildForwarded(b, &d.Forwarded[i]) })
	fb.DirectoryStart(b)
	fb.DirectoryAddNodes(b, nodes)
	fb.DirectoryAddLost(b, lost)
	fb.DirectoryAddQuarantined(b, quarantined)
	fb.DirectoryAddForwarded(b, forwarded)
	b.Finish(fb.DirectoryEnd(b))
	return append(dst, b.FinishedBytes()...)
}

func buildNode(b *flatbuffers.Builder, n *NodeInfo) flatbuffers.UOffsetT {
	wants := buildVector(b, len(n.Wants), func(i int) flatbuffers.UOffsetT { return b.CreateString(n.Wants[i]) })
	participants := buildVector(b, len(n.Participants), func(i int) flatbuffers.UOffsetT {
		return buildRemote(b, &n.Participants[i])
	})
	services := buildVector(b, len(n.Services), func(i int) flatbuffers.UOffsetT { return buildNodeService(b, &n.Services[i]) })
	departed := buildVector(b, len(n.Departed), func(i int) flatbuffers.UOffsetT { return buildDeparture(b, &n.Departed[i]) })
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
	fb.NodeInfoAddKnown(b, n.Known)
	fb.NodeInfoAddServices(b, services)
	fb.NodeInfoAddDeparted(b, departed)
	return fb.NodeInfoEnd(b)
}

func buildRemote(b *flatbuffers.Builder, p *RemoteParticipant) flatbuffers.UOffsetT {
	info := buildParticipantInfo(b, &p.Info)
	fb.RemoteParticipantStart(b)
	fb.RemoteParticipantAddIndex(b, p.Index)
	fb.RemoteParticipantAddGeneration(b, p.Generation)
	fb.RemoteParticipantAddLanguage(b, p.Language)
	fb.RemoteParticipantAddInfo(b, info)
	fb.RemoteParticipantAddPartial(b, p.Partial)
	return fb.RemoteParticipantEnd(b)
}

func buildNodeService(b *flatbuffers.Builder, s *NodeService) flatbuffers.UOffsetT {
	name := b.CreateString(s.Name)
	fb.NodeServiceStart(b)
	fb.NodeServiceAddName(b, name)
	fb.NodeServiceAddInstances(b, s.Instances)
	fb.NodeServiceAddLimit(b, s.Limit)
	fb.NodeServiceAddRoom(b, s.Room)
	return fb.NodeServiceEnd(b)
}

func buildDeparture(b *flatbuffers.Builder, d *Departure) flatbuffers.UOffsetT {
	fb.DepartureStart(b)
	fb.DepartureAddIndex(b, d.Index)
	fb.DepartureAddGeneration(b, d.Generation)
	fb.DepartureAddEnding(b, d.Ending)
	return fb.DepartureEnd(b)
}

func buildLostNode(b *flatbuffers.Builder, n *LostNode) flatbuffers.UOffsetT {
	fb.LostNodeStart(b)
	fb.LostNodeAddNode(b, n.Node)
	fb.LostNodeAddEpoch(b, n.Epoch)
	fb.LostNodeAddEnding(b, n.Ending)
	return fb.LostNodeEnd(b)
}

func buildQuarantined(b *flatbuffers.Builder, q *QuarantinedSource) flatbuffers.UOffsetT {
	source, why := b.CreateString(q.Source), buildString(b, q.Why)
	fb.QuarantinedSourceStart(b)
	fb.QuarantinedSourceAddSource(b, source)
	fb.QuarantinedSourceAddNode(b, q.Node)
	fb.QuarantinedSourceAddWhy(b, why)
	fb.QuarantinedSourceAddTimes(b, q.Times)
	return fb.QuarantinedSourceEnd(b)
}

func buildForwarded(b *flatbuffers.Builder, f *ForwardedTopic) flatbuffers.UOffsetT {
	name := b.CreateString(f.Name)
	fb.ForwardedTopicStart(b)
	fb.ForwardedTopicAddName(b, name)
	fb.ForwardedTopicAddAlone(b, f.Alone)
	return fb.ForwardedTopicEnd(b)
}
