package ringcast

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A Snapshot is the state of a domain on this node, for tools. It is a copy and belongs to
// the caller.
type Snapshot struct {
	Domain       string
	Dir          string
	Node, Epoch  uint32
	Topics       []TopicState
	Participants []shm.Row
	// Services are the queues of services, as rings; their instances are in Participants.
	Services []TopicState
	// Counters are those that participants show, the forwarder's included.
	Counters []shm.CounterValue
	// Nodes are the other nodes, as this node's forwarder last wrote them.
	Nodes []NodeState
	// Quarantined are the sources that the forwarder ignores for a while because they
	// flood.
	Quarantined []QuarantinedSource
	// Forwarder says whether the forwarder runs. Without it, Nodes may be long out of date.
	Forwarder bool
}

// A TopicState is the state of a topic's ring. Counters go up for as long as the ring
// exists. It is a copy and belongs to the caller.
type TopicState struct {
	Name        string
	Slots       int
	SlotSize    int
	Mode        Mode
	Exclusive   bool
	History     int
	Positions   uint64 // claimed so far: messages, fragments and holes
	Publishers  uint64 // handles given out so far
	Quarantined uint64 // slow or dead writers whose claim was taken
	Recovered   uint64 // things taken back from the dead
	Evicted     uint64 // readers put out
	Wakes       uint64 // sleepers woken
	Damaged     uint64 // impossible words met
	Readers     []ReaderState
	Groups      []GroupState
	// Forwarded says that the forwarder sends the topic to other nodes, as they want it.
	// Alone is the only node that wants it, to which it goes by unicast; 0 if it goes to
	// all by multicast.
	Forwarded bool
	Alone     uint32
	Err       error // why the rest is empty
}

// A ReaderState is the state of one reader of a topic. It is a copy and belongs to the
// caller.
type ReaderState struct {
	Participant uint16
	Latest      bool
	Position    uint64 // next position it will release
	Behind      uint64 // positions it has still to read
	Missed      uint64 // positions that passed it by
}

// Inspect looks at a domain without joining it and without leaving a trace. If the domain
// does not exist, the error is a *NoDomainError that lists those that do. Inspect reads the
// files of all topics and participants: it makes some system calls for each, and allocates,
// but waits for nobody. It is safe for concurrent use.
func Inspect(cfg *Config) (*Snapshot, error) {
	c, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	where := c.domain()
	where.ReadOnly = true
	d, err := shm.AttachDomain(where)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s := &Snapshot{Domain: d.Name(), Dir: d.Dir()}
	s.Node, s.Epoch = d.Node()
	if s.Participants, err = d.Participants(); err != nil {
		return nil, fmt.Errorf("participants: %w", err)
	}
	s.Forwarder = d.ForwarderAlive()
	s.Counters, _ = d.AllCounters() // what of them can be read
	if s.Topics, err = inspectTopics(filepath.Join(d.Dir(), "topics")); err == nil {
		s.Services, err = inspectTopics(filepath.Join(d.Dir(), "services"))
	}
	if err != nil {
		return nil, err
	}
	if s.Forwarder {
		s.inspectNodes(d)
	}
	return s, nil
}

// inspectTopics reads the rings of a folder.
func inspectTopics(dir string) ([]TopicState, error) {
	names, err := topicNames(dir)
	if err != nil {
		return nil, err
	}
	var list []TopicState
	for _, name := range names {
		list = append(list, inspectTopic(dir, name))
	}
	return list, nil
}

// inspectTopic reads a topic's control file. It is not mapped and no lock is
// taken, so that a look never keeps a ring alive that its last user leaves.
func inspectTopic(dir, name string) TopicState {
	t := TopicState{Name: name}
	path := filepath.Join(dir, name+".ctl")
	b, err := os.ReadFile(path)
	if err == nil {
		err = t.decode(path, b)
	}
	if err != nil {
		t = TopicState{Name: name, Err: err}
	}
	return t
}

func (t *TopicState) decode(path string, b []byte) error {
	if err := checkControl(path, b); err != nil {
		return err
	}
	le := binary.LittleEndian
	g := b[layout.SegmentHeaderSize:]
	t.Slots = int(le.Uint32(g[layout.RingGeometrySlotCountOffset:]))
	t.SlotSize = int(le.Uint32(g[layout.RingGeometrySlotPayloadOffset:]))
	t.Mode = Mode(g[layout.RingGeometryModeOffset])
	t.Exclusive = g[layout.RingGeometryKindOffset] == layout.RingKindExclusive
	t.History = int(le.Uint32(g[layout.RingGeometryHistoryOffset:]))
	c := g[layout.RingGeometrySize:]
	t.Positions = le.Uint64(c[layout.RingControlTailOffset:])
	t.Publishers = le.Uint64(c[layout.RingControlHandlesOffset:])
	t.Quarantined = le.Uint64(c[layout.RingControlQuarantinedOffset:])
	t.Recovered = le.Uint64(c[layout.RingControlRecoveredOffset:])
	t.Evicted = le.Uint64(c[layout.RingControlEvictedOffset:])
	t.Wakes = le.Uint64(c[layout.RingControlWakesOffset:])
	t.Damaged = le.Uint64(c[layout.RingControlDamagedOffset:])
	return t.decodeReaders(path, b, int(le.Uint32(g[layout.RingGeometryEntriesStartOffset:])))
}

// decodeReaders reads the entries in use.
func (t *TopicState) decodeReaders(path string, b []byte, start int) error {
	end := start + layout.EntryCount*layout.ConsumerEntrySize
	if start < 0 || start > math.MaxInt32 || end > len(b) {
		return &shm.DamagedError{Path: path, Found: fmt.Sprintf("entries at %d", start), Wanted: "entries within the file"}
	}
	t.decodeEntries(path, b, b[start:end])
	return nil
}

// decodeEntries tells readers, groups and their members apart.
func (t *TopicState) decodeEntries(path string, control, entries []byte) {
	le := binary.LittleEndian
	members := map[uint32][]uint16{}
	index := map[uint32]int{} // of the group in Groups, by its entry + 1
	for i := uint32(1); len(entries) > 0; i, entries = i+1, entries[layout.ConsumerEntrySize:] {
		e := entries
		state := le.Uint64(e[layout.ConsumerEntryStateOffset:])
		switch state & 0xffff {
		case layout.EntryStateActive, layout.EntryStateEvicting, layout.EntryStateEvicted:
		default:
			continue
		}
		participant, group := uint16(state>>16), le.Uint32(e[layout.ConsumerEntryGroupOffset:])
		r := ReaderState{
			Participant: participant,
			Position:    le.Uint64(e[layout.ConsumerEntryCursorOffset:]),
			Missed:      le.Uint64(e[layout.ConsumerEntryMissedOffset:]),
		}
		r.Behind = t.Positions - min(r.Position, t.Positions)
		switch le.Uint32(e[layout.ConsumerEntryModeOffset:]) {
		case layout.EntryModeMember:
			members[group] = append(members[group], participant)
		case layout.EntryModeGroup:
			index[i] = len(t.Groups)
			t.Groups = append(t.Groups, GroupState{Name: groupName(path, control, group), Position: r.Position, Behind: r.Behind, Missed: r.Missed})
		case layout.EntryModeLatest:
			r.Latest = true
			fallthrough
		default:
			t.Readers = append(t.Readers, r)
		}
	}
	for entry, list := range members {
		if at, ok := index[entry]; ok {
			t.Groups[at].Members = list
		}
	}
}

// checkControl says whether the bytes are a ring's control file of this version.
func checkControl(path string, b []byte) error {
	le := binary.LittleEndian
	const least = layout.SegmentHeaderSize + layout.RingGeometrySize + layout.RingControlSize
	switch {
	case len(b) < 8 || le.Uint64(b[layout.SegmentHeaderMagicOffset:]) != layout.Magic:
		return &shm.NotOursError{Path: path, Found: fmt.Sprintf("a file of %d bytes", len(b)), Wanted: "a segment of Ringcast"}
	case len(b) < least:
		return &shm.DamagedError{Path: path, Found: fmt.Sprintf("%d bytes", len(b)), Wanted: fmt.Sprintf("%d at least", least)}
	}
	if major := le.Uint16(b[layout.SegmentHeaderMajorOffset:]); major != layout.Major {
		return &shm.VersionError{Path: path, Found: fmt.Sprintf("major version %d", major), Wanted: fmt.Sprint(layout.Major)}
	}
	if hash := le.Uint64(b[layout.SegmentHeaderLayoutHashOffset:]); hash != layout.Hash {
		return &shm.VersionError{Path: path, Found: fmt.Sprintf("layout %#016x", hash), Wanted: fmt.Sprintf("%#016x", uint64(layout.Hash))}
	}
	return nil
}

// Domains lists the domains in a directory; empty means the default place. It reads the
// directory and allocates.
func Domains(dir string) ([]string, error) { return shm.Domains(dir) }
