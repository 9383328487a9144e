package forward

import (
	"github.com/ringcast/ringcast/shm"
)

// counters are what the forwarder did; other processes read them from its
// counters segment. The numbers of the ids are part of the interface: new ones
// are appended.
type counters struct {
	sent          *shm.Counter
	unwanted      *shm.Counter
	unsendable    *shm.Counter
	lagged        *shm.Counter
	delivered     *shm.Counter
	events        *shm.Counter
	lost          *shm.Counter
	dropped       *shm.Counter
	unopened      *shm.Counter
	damaged       *shm.Counter
	droppedNAKs   *shm.Counter
	netErrors     *shm.Counter
	peers         *shm.Counter
	duplicateNode *shm.Counter
	unplaced      *shm.Counter
	droppedData   *shm.Counter

	directSent     *shm.Counter
	directReceived *shm.Counter
	directRefused  *shm.Counter
	directDropped  *shm.Counter
	directStale    *shm.Counter
	directForeign  *shm.Counter
	directLost     *shm.Counter

	told    *shm.Counter
	refused *shm.Counter
	cut     *shm.Counter

	quarantined   *shm.Counter
	directLimited *shm.Counter
	directIgnored *shm.Counter
	toldTooMuch   *shm.Counter

	alone *shm.Counter
	moves *shm.Counter

	renewed *shm.Counter
	let     *shm.Counter
}

// register makes the counters' segment.
func (c *counters) register(d *shm.Domain, p *shm.Participant) error {
	segment, err := d.Counters(p)
	if err != nil {
		return err
	}
	for i, row := range c.rows() {
		*row.counter = segment.Register(uint32(i+1), row.label)
	}
	return nil
}

// A counterRow is a counter and its label: a dotted name, and what it counts.
type counterRow struct {
	counter **shm.Counter
	label   string
}

// rows are the counters in the order of their ids.
func (c *counters) rows() []counterRow {
	return []counterRow{
		{&c.sent, "forward.sent: messages given to the network"},
		{&c.unwanted, "forward.unwanted: nobody asked any more"},
		{&c.unsendable, "forward.unsendable: refused by the protocol"},
		{&c.lagged, "forward.lagged: positions missed here"},
		{&c.delivered, "forward.delivered: messages put into rings"},
		{&c.events, "forward.events: LOSS put into rings"},
		{&c.lost, "forward.lost: messages no repair brings back"},
		{&c.dropped, "forward.dropped: did not fit the ring"},
		{&c.unopened, "forward.unopened: topics without a ring"},
		{&c.damaged, "forward.damaged: impossible words in rings"},
		{&c.droppedNAKs, "forward.dropped_naks: by the fault switch"},
		{&c.netErrors, "forward.net_errors: refused by the socket"},
		{&c.peers, "forward.peers: nodes that are up"},
		{&c.duplicateNode, "forward.duplicate_node: alarms"},
		{&c.unplaced, "forward.unplaced: places not written"},
		{&c.droppedData, "forward.dropped_data: DATA lost on purpose"},
		{&c.directSent, "forward.direct_sent: to participants elsewhere"},
		{&c.directReceived, "forward.direct_received: for some here"},
		{&c.directRefused, "forward.direct_refused: no room, and told so"},
		{&c.directDropped, "forward.direct_dropped: no room, or nobody"},
		{&c.directStale, "forward.direct_stale: for what is over"},
		{&c.directForeign, "forward.direct_foreign: not theirs to send"},
		{&c.directLost, "forward.direct_lost: ended with their node"},
		{&c.told, "forward.directory_told: messages to others"},
		{&c.refused, "forward.directory_refused: malformed, of others"},
		{&c.cut, "forward.directory_cut: it did not fit the area"},
		{&c.quarantined, "forward.quarantined: sources that flood"},
		{&c.directLimited, "forward.direct_limited: beyond a limit"},
		{&c.directIgnored, "forward.direct_ignored: in quarantine"},
		{&c.toldTooMuch, "forward.directory_limited: beyond a limit"},
		{&c.alone, "forward.alone: topics that go to one node alone"},
		{&c.moves, "forward.moves: topics to one node, or to all"},
		{&c.renewed, "forward.renewed: sessions that ran out of rows"},
		{&c.let, "forward.places_let: rows of what is over"},
	}
}

// all returns the counters in the order of their ids.
func (c *counters) all() []*shm.Counter {
	rows := c.rows()
	all := make([]*shm.Counter, len(rows))
	for i, row := range rows {
		all[i] = *row.counter
	}
	return all
}
