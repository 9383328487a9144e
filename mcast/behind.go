package mcast

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// reachGiveUp is for how long the rows of a topic wait at most: each hole of a lane is given up after 2 s.
const reachGiveUp = 4 * Second

// reach is up to where the lanes have to be read before rows are taken of topics that were wanted before they were
// asked for: then every producer of which something was on a lane before the splice is known.
type reach struct {
	already bool   // the topic in hand was wanted before
	waits   bool   // its rows wait
	answer  uint64 // packet number of a chunk; 0: none is here
	since   Time   // that they do
	known   bool   // next is
	next    [lanesMax]uint64
}

// already says whether a topic was wanted before what is asked for now was, and has been since.
func (c *catchup) already(name string) bool {
	a := &c.asks[0]
	if !a.before.matches(name) {
		return false
	}
	for i := range c.lists[a.lists:] {
		if !c.lists[a.lists+i].matches(name) {
			return false
		}
	}
	return true
}

// wantedBefore returns what counts as wanted already of a node that is met: all, if its lanes are read on where this
// node, or a predecessor, stood in the same session.
func (e *Engine) wantedBefore(m *nodeMemory, session uint64) (w wantList) {
	for i := range m.lanes {
		if m.lanes[i].session == session {
			w = e.wants
		}
	}
	return w
}

// noteReach takes word of how far the owner's lanes were when it sent a frame.
func (c *catchup) noteReach(number uint64, s *wire.Setup) bool {
	b := &c.behind
	if b.known || b.answer == 0 || number <= b.answer {
		return false
	}
	b.known, b.next = true, laneNexts(s)
	return true
}

// askReach asks for a snapshot that is younger than the answer.
func (e *Engine) askReach(now Time, c *catchup) {
	if r := c.peer.receivers[LaneGated]; !c.behind.known && !r.status.table {
		e.askTable(now, r)
	}
	e.arm(now + ackApart)
}

// laneRead says whether the lanes are read as far as they were when the owner had answered.
func (c *catchup) laneRead() bool {
	for lane, next := range c.behind.next {
		if r := c.peer.receivers[lane]; r != nil && r.next < next {
			return false
		}
	}
	return c.behind.known
}

// laneHas says whether the lane has what a row of a topic says that was wanted already: it brings all from the first on
// that is held. Of a producer that it has only named, with its next sequence, the stream brings what comes, and
// what is missing from there on is told.
func (e *Engine) laneHas(c *catchup, k placeKey, j *joining, row *wire.HistoryRow) bool {
	place := row.Record == layout.HistoryRecordPlace
	if j.held {
		return place || row.Sequence >= j.first
	}
	if at := e.memoryOf(c.peer.node).places[k]; at != nil && at.known && !place && !j.given && row.Sequence >= at.next {
		j.next, j.given = max(j.next, at.next), true
	}
	return false
}
