package table

import (
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/codec/fb"
)

// An Interest is one thing that a participant reads or writes.
type Interest struct {
	Name      string // a topic's name; a pattern where Pattern is set
	Pattern   bool
	Publisher bool   // it publishes the topic; otherwise it subscribes
	LocalOnly bool   // not wanted from other nodes
	Live      bool   // takes it as a latest reader
	History   uint32 // positions back that it begins at; all ones: all that there are
}

// A Service is one name that a participant answers to.
type Service struct {
	Name  string
	Limit uint32 // requests it runs at a time
	Room  uint32 // how many more it would take now
}

// A ParticipantInfo is what a participant says of itself.
type ParticipantInfo struct {
	Name      string
	Version   string
	Interests []Interest
	Services  []Service
}

// Fields of the tables, in the order of the schema.
const (
	interestName = iota
	interestPattern
	interestPublisher
	interestLocalOnly
	interestLive
	interestHistory
)

const (
	serviceName = iota
	serviceLimit
	serviceRoom
)

const (
	participantName = iota
	participantVersion
	participantInterests
	participantServices
)

// ParseParticipantInfo decodes a ParticipantInfo. The error is a [CorruptError].
func ParseParticipantInfo(b []byte) (ParticipantInfo, error) {
	r := NewReader(b)
	info := readParticipantInfo(r.Root())
	if r.Err() != nil {
		return ParticipantInfo{}, r.Err()
	}
	return info, nil
}

func readParticipantInfo(t Table) ParticipantInfo {
	info := ParticipantInfo{Name: t.String(participantName), Version: t.String(participantVersion)}
	v := t.Vector(participantInterests)
	for i := 0; i < v.Len() && t.r.err == nil; i++ {
		info.Interests = append(info.Interests, readInterest(v.Table(i)))
	}
	v = t.Vector(participantServices)
	for i := 0; i < v.Len() && t.r.err == nil; i++ {
		info.Services = append(info.Services, readService(v.Table(i)))
	}
	return info
}

func readInterest(t Table) Interest {
	return Interest{
		Name:      t.Required(interestName),
		Pattern:   t.Bool(interestPattern),
		Publisher: t.Bool(interestPublisher),
		LocalOnly: t.Bool(interestLocalOnly),
		Live:      t.Bool(interestLive),
		History:   t.Uint32(interestHistory),
	}
}

func readService(t Table) Service {
	return Service{Name: t.Required(serviceName), Limit: t.Uint32(serviceLimit), Room: t.Uint32(serviceRoom)}
}

// AppendParticipantInfo appends the encoded info to dst, as a buffer of its own
// that ends where dst then ends.
func AppendParticipantInfo(dst []byte, info *ParticipantInfo) []byte {
	b := flatbuffers.NewBuilder(512)
	b.Finish(buildParticipantInfo(b, info))
	return append(dst, b.FinishedBytes()...)
}

func buildParticipantInfo(b *flatbuffers.Builder, info *ParticipantInfo) flatbuffers.UOffsetT {
	interests := buildVector(b, len(info.Interests), func(i int) flatbuffers.UOffsetT {
		return buildInterest(b, &info.Interests[i])
	})
	services := buildVector(b, len(info.Services), func(i int) flatbuffers.UOffsetT {
		return buildService(b, &info.Services[i])
	})
	name, version := buildString(b, info.Name), buildString(b, info.Version)
	fb.ParticipantInfoStart(b)
	fb.ParticipantInfoAddName(b, name)
	fb.ParticipantInfoAddVersion(b, version)
	fb.ParticipantInfoAddInterests(b, interests)
	fb.ParticipantInfoAddServices(b, services)
	return fb.ParticipantInfoEnd(b)
}

func buildInterest(b *flatbuffers.Builder, i *Interest) flatbuffers.UOffsetT {
	name := b.CreateString(i.Name)
	fb.InterestStart(b)
	fb.InterestAddName(b, name)
	fb.InterestAddPattern(b, i.Pattern)
	fb.InterestAddPublisher(b, i.Publisher)
	fb.InterestAddLocalOnly(b, i.LocalOnly)
	fb.InterestAddLive(b, i.Live)
	fb.InterestAddHistory(b, i.History)
	return fb.InterestEnd(b)
}

func buildService(b *flatbuffers.Builder, s *Service) flatbuffers.UOffsetT {
	name := b.CreateString(s.Name)
	fb.ServiceInfoStart(b)
	fb.ServiceInfoAddName(b, name)
	fb.ServiceInfoAddLimit(b, s.Limit)
	fb.ServiceInfoAddRoom(b, s.Room)
	return fb.ServiceInfoEnd(b)
}

// buildString writes a string that may be absent; absent strings take no room.
func buildString(b *flatbuffers.Builder, s string) flatbuffers.UOffsetT {
	if s == "" {
		return 0
	}
	return b.CreateString(s)
}

// buildVector writes the elements, then the vector of the offsets to them; no
// elements, no vector.
func buildVector(b *flatbuffers.Builder, n int, element func(i int) flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	if n == 0 {
		return 0
	}
	offsets := make([]flatbuffers.UOffsetT, n)
	for i := range offsets {
		offsets[i] = element(i)
	}
	return b.CreateVectorOfTables(offsets)
}
