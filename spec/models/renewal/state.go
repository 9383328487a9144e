package renewal

// Bounds of the model.
const (
	messages = 3 // of one producer, by sequence from 0
	large    = 1 // the one that takes two datagrams
	slots    = 2 // of the ring, one for each message
	laneMost = messages + 1
	sessions = 2

	stays, joins = 0, 1 // members
)

// Parts of a message in a datagram.
const (
	whole = iota
	begin
	end
)

// A datagram has one message, or a part of one.
type datagram struct{ seq, part int8 }

// A lane is that of one session.
type lane struct {
	sent    int8
	data    [laneMost]datagram
	first   int8 // what the producer's row says
	firstAt int8 // the datagram before which the row stands; laneMost: there is none
}

// What became of a message at a member.
const (
	nothing = iota
	delivered
	told
)

// A member is as it is, and as the owner knows it in its session.
type member struct {
	session int8 // that it is in; -1: none yet
	joined  bool
	join    int8 // of the lane: nothing before it is read
	next    int8
	wants   bool
	since   int8 // of the lane: what lies before was not wanted
	place   int8 // what comes next of the producer
	known   bool
	begun   int8 // a message of which the beginning was taken; -1: none

	awaited bool // it was there before, and has not said both of what follows in this session
	said    bool // what it wants
	counted bool // that is the topic
	member  bool // it has said that it has joined
	taken   int8

	owed    int8 // the first message of which it was counted when it was sent
	excused int8 // bits of messages that it may be told of as lost
	unknown int8 // of these, those that it may not be told of: nothing of the producer had come to it
	got     [messages]int8
}

// What the owner does.
const (
	sends = iota
	asked // a new session is to begin
	awaits
)

type state struct {
	published int8
	oldest    int8 // what lies before the ring has overwritten
	session   int8
	phase     int8
	reads     bool // its reader is in the ring
	cursor    int8 // the message that is sent next
	half      bool // of which the beginning was sent
	hurried   bool // one of its times ran out
	lanes     [sessions]lane
	members   [2]member
}

func newState() state {
	s := state{reads: true}
	for i := range s.lanes {
		s.lanes[i].firstAt = laneMost
	}
	s.members[stays] = member{joined: true, wants: true, known: true, begun: -1, said: true, counted: true, member: true}
	s.members[joins] = member{session: -1, begun: -1, owed: messages}
	return s
}

// offered says whether the owner sends for a member.
func (m *member) offered() bool { return m.counted && m.member }

// place is the first message that not all members have; the one that is sent next if they have all.
func (s *state) place() int8 {
	l, at := &s.lanes[s.session], s.lanes[s.session].sent
	for i := range s.members {
		if m := &s.members[i]; m.offered() {
			at = min(at, m.taken)
		}
	}
	if at == l.sent {
		return s.cursor
	}
	return l.data[at].seq
}

// settled says whether the members have all that was sent, but for the beginning of a message in hand.
func (s *state) settled() bool { return s.place() == s.cursor }
