package table

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/codec/fb"
)

// A DirectoryUpdate is what a forwarder tells the others of its node.
type DirectoryUpdate struct {
	Session      uint64 // of the forwarder that tells it
	Base         uint64 // the version that it changes; 0: it is the whole state
	Version      uint64 // the version that it makes; equal to Base where nothing changed
	Digest       uint64 // of all participants in that version
	Software     string // the forwarder's version
	Participants []RemoteParticipant
	Departed     []Departure
	Rooms        []NodeService // hints, all of them, if any; Instances and Limit are not carried
	Asks         []DirectoryAsk
}

// A DirectoryAsk names a node whose whole state is asked for.
type DirectoryAsk struct {
	Node    uint32
	Session uint64
}

// Fields of the tables, in the order of the schema.
const (
	updateSession = iota
	updateBase
	updateVersion
	updateDigest
	updateSoftware
	updateParticipants
	updateDeparted
	updateRooms
	updateAsks
)

const (
	askNode = iota
	askSession
)

// ParseDirectoryUpdate decodes a DirectoryUpdate. The error is a [CorruptError].
func ParseDirectoryUpdate(b []byte) (DirectoryUpdate, error) {
	r := NewReader(b)
	t := r.Root()
	u := DirectoryUpdate{
		Session: t.Uint64(updateSession), Base: t.Uint64(updateBase), Version: t.Uint64(updateVersion),
		Digest: t.Uint64(updateDigest), Software: t.String(updateSoftware),
		Participants: readVector(t.Vector(updateParticipants), readRemote),
		Departed:     readVector(t.Vector(updateDeparted), readDeparture),
		Rooms:        readVector(t.Vector(updateRooms), readNodeService),
		Asks:         readVector(t.Vector(updateAsks), readAsk),
	}
	if r.Err() != nil {
		return DirectoryUpdate{}, r.Err()
	}
	return u, nil
}

func readAsk(t Table) DirectoryAsk {
	return DirectoryAsk{Node: t.Uint32(askNode), Session: t.Uint64(askSession)}
}

// AppendDirectoryUpdate appends the encoded update to dst, as a buffer of its own
// that ends where dst then ends.
func AppendDirectoryUpdate(dst []byte, u *DirectoryUpdate) []byte {
	b := flatbuffers.NewBuilder(512)
	participants := buildVector(b, len(u.Participants), func(i int) flatbuffers.UOffsetT {
		return buildRemote(b, &u.Participants[i])
	})
	departed := buildVector(b, len(u.Departed), func(i int) flatbuffers.UOffsetT { return buildDeparture(b, &u.Departed[i]) })
	rooms := buildVector(b, len(u.Rooms), func(i int) flatbuffers.UOffsetT { return buildNodeService(b, &u.Rooms[i]) })
	asks := buildVector(b, len(u.Asks), func(i int) flatbuffers.UOffsetT { return buildAsk(b, &u.Asks[i]) })
	software := buildString(b, u.Software)
	fb.DirectoryUpdateStart(b)
	fb.DirectoryUpdateAddSession(b, u.Session)
	fb.DirectoryUpdateAddBase(b, u.Base)
	fb.DirectoryUpdateAddVersion(b, u.Version)
	fb.DirectoryUpdateAddDigest(b, u.Digest)
	fb.DirectoryUpdateAddSoftware(b, software)
	fb.DirectoryUpdateAddParticipants(b, participants)
	fb.DirectoryUpdateAddDeparted(b, departed)
	fb.DirectoryUpdateAddRooms(b, rooms)
	fb.DirectoryUpdateAddAsks(b, asks)
	b.Finish(fb.DirectoryUpdateEnd(b))
	return append(dst, b.FinishedBytes()...)
}

func buildAsk(b *flatbuffers.Builder, a *DirectoryAsk) flatbuffers.UOffsetT {
	fb.DirectoryAskStart(b)
	fb.DirectoryAskAddNode(b, a.Node)
	fb.DirectoryAskAddSession(b, a.Session)
	return fb.DirectoryAskEnd(b)
}
