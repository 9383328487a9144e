package moves

// Bounds of the model. A walk that comes to one of the first four ends there.
const (
	members   = 2
	producers = 2
	lanes     = 1 + members // lane 0, and of each member its directed lane
	places    = 26          // datagrams of a lane
	sequences = 24          // messages of a producer
	window    = 3           // datagrams
	none      = -1
)

// num is a lane sequence, a message's sequence, a session or a number of a list: all of them are small.
type num = int8

// row is what a producer's row says.
type row struct {
	here                   bool
	first, firstLane, last num
}

// datagram has rows, then at most one message.
type datagram struct {
	rows     [producers]row
	producer num // of its message; none: another topic's, or there is none
	sequence num
}

// ownRow is what a producer is called on a lane.
type ownRow struct {
	announced              bool
	first, firstLane, last num // as a Setup says it
}

// peer is what the owner knows of a member. Of pairs the first is of lane 0, the second of its directed lane.
type peer struct {
	present  bool
	directed bool
	joined   [2]bool
	taken    [2]num
	out      [2]bool // put out
	wants    bool
	version  num  // of its list
	gone     bool // it wanted the topic and went, less than 10 s ago
}

type owner struct {
	session num
	head    [lanes]num
	floor   [lanes]num // of a lane that was idle its head by then
	lane    [lanes][places]datagram
	end     [lanes]num // behind the last datagram with something of the topic
	current num        // lane that the topic is on
	moving  bool
	uneven  bool // somebody who wants it may not know how far its producers have got
	takes   [members]bool
	rows    [lanes][producers]ownRow
	told    [producers]bool // a row of it stands on the current lane since the topic is there
	passed  [producers]bool // a row has to stand there though nothing follows
	begun   [producers]bool // in this session
	first   [producers]num  // sequence that it began with in this session
	began   [producers]num  // lane that its first row was put on
	last    [producers]num  // sent, or passed over
	peers   [members]peer
	number  num // of the last Setup
}

// receiver is a member's, of one lane.
type receiver struct {
	there                        bool
	joined, next, highest, trail num
	held                         [places]num // 1: held, 2: its message was handed over
	wanted, tail, tabled         num         // Setup not below this is wanted; where the ends are looked at; none
	waiting                      bool        // for rows
	stuck                        bool        // nothing comes any more
}

// remote is a producer's row as a member knows it.
type remote struct {
	known            bool
	first, firstLane num
	last, lastAt     num
}

// place is how far a member is with a producer, by name.
type place struct {
	known bool
	next  num
}

type member struct {
	owner     num // session of the owner that it has as its peer; 0: none
	number    num // of the newest Setup
	wants     bool
	version   num
	since     [2]num // where on each lane the topic began to be wanted
	receivers [2]receiver
	stood     [2]struct{ session, next num } // of a predecessor
	rows      [2][producers]remote
	places    [producers]place
	ghost     ghost
}

type setup struct {
	valid           bool
	session, number num
	next, trail     [2]num
	rows            [2][producers]row
}

// way is what is on its way between the owner and a member, the newest of each kind: it may come twice, or never.
type way struct {
	status [2]struct {
		valid          bool
		taken, session num
	}
	want struct {
		valid   bool
		wants   bool
		version num
	}
	setup setup
}

// state is all that there is. It has no pointers but to the rules, so that states are compared and copied whole.
type state struct {
	rules   *Rules
	owner   owner
	members [members]member
	ways    [members]way
	lies    [producers][sequences]lying
	ended   bool // a bound of the model was met
	limits  int  // losses that chapter 7 or 15.7 calls not knowable
	broken  Violation
}

// lying is where a message is; lane none: on none.
type lying struct{ lane, at num }

func newState(rules *Rules) *state {
	s := &state{rules: rules}
	s.owner.session = 1
	s.resetOwner()
	for m := range s.members {
		x := &s.members[m]
		x.version = 1
		for r := range x.receivers {
			x.receivers[r] = receiver{wanted: none, tail: none}
		}
	}
	return s
}

// resetOwner is what a session of the owner begins with.
func (s *state) resetOwner() {
	old := &s.owner
	s.owner = owner{session: old.session, last: old.last, number: old.number}
	for p := range s.lies {
		for q := range s.lies[p] {
			s.lies[p][q].lane = none
		}
	}
	for m := range s.owner.peers {
		s.owner.peers[m].directed = s.rules.Directed[m]
	}
}

// laneOf is the lane that a member's receiver reads.
func laneOf(m, r int) int {
	if r == 0 {
		return 0
	}
	return 1 + m
}

// receiverOf is which of a member's receivers reads a lane; none: it has none of it.
func receiverOf(m int, lane num) int {
	switch int(lane) {
	case 0:
		return 0
	case 1 + m:
		return 1
	}
	return none
}

func (s *state) trail(lane int) num {
	return max(s.owner.floor[lane], s.owner.head[lane]-window, 0)
}

// takesTopic says whether a member counts as one that wants the topic.
func (s *state) takesTopic(m int) bool {
	p := &s.owner.peers[m]
	return p.present && p.wants && p.joined[0] && (!s.rules.JoinBoth || !p.directed || p.joined[1])
}
