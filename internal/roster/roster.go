package roster

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/guard"
)

// Time is the running time in nanoseconds; it never goes back.
type Time int64

// Never is later than any time.
const Never Time = math.MaxInt64

// A millisecond and a second.
const (
	Millisecond Time = 1_000_000
	Second           = 1000 * Millisecond
)

// Times of the protocol (spec/messaging.md, 14).
const (
	changeApart = 5 * Millisecond   // between two changes told
	wholeApart  = 100 * Millisecond // between two whole states told, and wholeByKiB more for its size
	wholeByKiB  = Millisecond
	wholeSoon   = 20 * Millisecond // within which a whole state is told: those who come together are told together
	roomsApart  = 250 * Millisecond
	beatApart   = 2 * Second       // between two words of the version, at least
	beatByNode  = 20 * Millisecond // the same for each known node
	askFresh    = 50 * Millisecond // of a node that has just come: its state is on its way
	askSoon     = 20 * Millisecond
	askAgain    = 100 * Millisecond
	askMax      = 2 * Second
	staleFor    = 2 * Second // rows of a session that is over stay, while the next has not told its own
)

// MostDepartures is how many participants that are gone are kept of a node.
const MostDepartures = 32

// Bounds.
const (
	rowsMax   = 1024 // of a node
	lostMax   = 32   // nodes that are gone, kept in all
	roomsMax  = 4096 // services of a node whose room is kept
	memoryMax = 1024 // nodes that are down whose versions are remembered
)

// LimitDefault is how much a node may tell, if nobody says otherwise: five times what one that is
// well does (spec/messaging.md, 15).
var LimitDefault = guard.Limit{Rate: 1000, Burst: 5000}

// A Config says who the node is. New copies it.
type Config struct {
	Node     uint32
	Session  uint64 // of this forwarder
	Software string // its version, shown to others
	// Valid says whether what another node tells of a participant can be; nil means yes.
	Valid func(*table.RemoteParticipant) bool
	// Departed says, when the first state is about to be told, who was gone before, oldest first: they
	// stand beside the rows with the departures that the Roster sees. Nil means nobody.
	Departed func() []table.Departure
	// Limit is how many updates a node may tell; zero means LimitDefault, a negative rate no limit.
	Limit guard.Limit
}

// A Roster is one forwarder's: the state of its own node, and what it knows of the others.
type Roster struct {
	cfg      Config
	rnd      *rand.Rand
	own      own
	peers    map[uint32]*peer
	order    []*peer // the same by ascending id: what happens does not depend on a map
	joined   int     // peers that take what is told
	up       int
	lost     []table.LostNode
	revision uint64
	rooms    uint64 // revision of the rooms
	deadline Time
	counts   Counts
}

// Counts are what a Roster met so far.
type Counts struct {
	Told      uint64 // messages
	Wholes    uint64 // of these: with a whole state
	Asks      uint64 // nodes that were asked for their state
	Taken     uint64 // states and changes
	Strange   uint64 // dropped: of a node that is not up, or of another session
	Malformed uint64 // dropped: impossible
	Missed    uint64 // found that something was missed
	Limited   uint64 // dropped: more than a node may tell
}

// ErrMalformed is wrapped by errors of Receive about what can't be.
var ErrMalformed = errors.New("malformed update of the directory")

// New makes a Roster that knows nobody.
func New(cfg Config, rnd *rand.Rand) *Roster {
	if cfg.Limit == (guard.Limit{}) {
		cfg.Limit = LimitDefault
	}
	r := &Roster{cfg: cfg, rnd: rnd, peers: make(map[uint32]*peer), deadline: Never}
	r.own.init()
	return r
}

// Revision changes with everything that Nodes and Lost return, but for rooms.
func (r *Roster) Revision() uint64 { return r.revision }

// RoomsRevision changes with the rooms of other nodes.
func (r *Roster) RoomsRevision() uint64 { return r.rooms }

// Counts returns what was met so far.
func (r *Roster) Counts() Counts { return r.counts }

// Next returns when Tick or Emit has something to do.
func (r *Roster) Next() Time { return r.deadline }

// rearm finds the next deadline.
func (r *Roster) rearm() {
	r.deadline = Never
	if r.joined > 0 {
		r.deadline = r.own.next()
	}
	for _, p := range r.order {
		r.deadline = min(r.deadline, p.staleTill)
		if p.up && r.joined > 0 {
			r.deadline = min(r.deadline, p.askAt)
		}
	}
}

// soon returns a random span below d.
func (r *Roster) soon(d Time) Time { return Time(r.rnd.Int64N(int64(d))) }

// Up says that a node is there: what it tells counts from now on.
func (r *Roster) Up(now Time, node, epoch uint32, session uint64) {
	defer r.rearm()
	p := r.peers[node]
	if p == nil {
		p = &peer{node: node, staleTill: Never, askAt: Never}
		r.peers[node] = p
		at, _ := slices.BinarySearchFunc(r.order, node, func(p *peer, node uint32) int { return cmp.Compare(p.node, node) })
		r.order = slices.Insert(r.order, at, p)
	}
	if p.up {
		r.down(p, layout.EndingUnheard)
	}
	if p.epoch != epoch || p.session != session {
		p.floor, p.heard = 0, 0
	}
	if p.epoch != epoch && !faultKeepEpoch {
		p.forget()
	}
	p.up, p.epoch, p.session = true, epoch, session
	p.askAt, p.askStep = now+askFresh, askAgain
	r.up++
	r.revision++
}

// Joined says that a node that is up takes what is told from now on.
func (r *Roster) Joined(now Time, node uint32) {
	defer r.rearm()
	p := r.peers[node]
	if p == nil || !p.up {
		return
	}
	if !p.joined {
		p.joined = true
		r.joined++
	}
	r.own.wantWhole(now, now+r.soon(wholeSoon))
	if r.own.beatAt == Never {
		r.own.beatAt = now + r.beat()
	}
}

// Down says that a node is not there any more, and how it ended (layout.Ending). Nothing of
// it is known then. Where its forwarder begins a new session its rows stay for a while if
// Up follows with the same epoch.
func (r *Roster) Down(now Time, node uint32, ending uint8, restarts bool) {
	defer r.rearm()
	p := r.peers[node]
	if p == nil || !p.up {
		return
	}
	if restarts {
		r.leave(p)
		p.staleTill = now + staleFor
		return
	}
	r.down(p, ending)
}

// leave takes a node out of those that are up.
func (r *Roster) leave(p *peer) {
	p.up, p.askAt = false, Never
	r.up--
	if p.joined {
		p.joined = false
		r.joined--
	}
	r.revision++
}

func (r *Roster) down(p *peer, ending uint8) {
	r.leave(p)
	if !faultKeepDead {
		p.forget()
	}
	r.noteLost(p, ending)
	for len(r.peers)-r.up > memoryMax {
		r.forgetOne()
	}
}

func (r *Roster) noteLost(p *peer, ending uint8) {
	r.lost = append(slices.Clip(r.lost), table.LostNode{Node: p.node, Epoch: p.epoch, Ending: ending})
	r.lost = r.lost[max(0, len(r.lost)-lostMax):]
}

// forgetOne forgets the version of a node that is down.
func (r *Roster) forgetOne() {
	for i, p := range r.order {
		if !p.up && p.staleTill == Never {
			delete(r.peers, p.node)
			r.order = slices.Delete(r.order, i, i+1)
			return
		}
	}
}

// Tick ends what has lasted for too long.
func (r *Roster) Tick(now Time) {
	for _, p := range r.order {
		if p.staleTill > now {
			continue
		}
		p.forget()
		r.revision++
		if !p.up {
			r.noteLost(p, layout.EndingUnheard)
		}
	}
	r.rearm()
}

// Missed says that messages of a node will not come.
func (r *Roster) Missed(now Time, node uint32) {
	if p := r.peers[node]; p != nil && p.up {
		r.counts.Missed++
		r.ask(now, p)
		r.rearm()
	}
}

// ask has a node asked for its state soon.
func (r *Roster) ask(now Time, p *peer) {
	if p.askAt == Never && !faultNoAsk {
		p.askAt, p.askStep = now+r.soon(askSoon), askAgain
	}
}
