package forward

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// savePlaces writes down where this forwarder stands, for its successor.
// Forwarder.mu is held.
//
// A peer's place moves only while nothing is parked: what is parked has left the
// network and is not yet in a ring, and would be lost with this process.
func (f *Forwarder) savePlaces() {
	for _, o := range f.out {
		if cutOff(func() { f.savePlace(o) }) {
			f.dropOut(o)
		}
	}
	if f.parked.Load() != 0 {
		return
	}
	for peer := range f.peers {
		for _, lane := range []uint32{mcast.LaneGated, mcast.LaneLive, mcast.LaneDirected} {
			if session, next, ok := f.engine.Position(peer.Node(), lane); ok {
				f.noteErr(f.seat.SetPeer(peer.Node(), lane, session, next))
			}
		}
	}
}

// savePlace writes down where a local topic stands, and ends one that is done.
func (f *Forwarder) savePlace(o *outbound) {
	if place := o.settle(f.engine.Settled(o.topic)); place != o.place {
		o.place = place
		f.noteErr(f.seat.SetCursor(o.file.ID(), place))
	}
	if o.leaving && o.done() {
		f.wantRescan()
	}
}

// noteErr counts a place that could not be written down: a successor then starts
// that stream anew.
func (f *Forwarder) noteErr(err error) {
	if err != nil && f.counters.unplaced.Load() == 0 {
		f.cfg.Log("places: %v", err)
	}
	if err != nil {
		f.counters.unplaced.Add(1)
	}
}

// resume tells the engine where the predecessor stood. The streams' rows are
// exact but for the last message, which may be in the ring and not yet in its row:
// the ring itself is read, too.
func (f *Forwarder) resume() {
	for node, lane := range f.seat.Peers() {
		if session, next, ok := f.seat.Peer(node, lane); ok {
			f.engine.Resume(node, lane, session, next)
		}
	}
	names := f.ringNames()
	last := map[string]map[shm.Address]uint64{}
	note := func(topic string, producer shm.Address, sequence uint64) {
		if last[topic] == nil {
			last[topic] = map[shm.Address]uint64{}
		}
		last[topic][producer] = max(last[topic][producer], sequence)
	}
	drained := f.drained()
	f.places.Lock()
	f.seat.SweepStreams(func(ring uint64, producer shm.Address) bool {
		name, ok := names[ring]
		if sequence, found := f.seat.Stream(ring, producer); ok && found {
			note(name, producer, sequence)
		}
		return ok || drained[ring]
	})
	f.places.Unlock()
	f.forgetCells()
	for topic, in := range f.in { // of an earlier session of this process
		in.parkedLast(func(producer shm.Address, sequence uint64) { note(topic, producer, sequence) })
	}
	f.seat.SweepCursors(func(ring uint64) bool { return names[ring] != "" })
	for topic := range last {
		f.lastInRing(topic, note)
	}
	for topic, producers := range last {
		for producer, sequence := range producers {
			if sequence == 0 {
				continue // a row that was made for a message that did not come
			}
			f.engine.ResumeStream(producer.Node, topic, mcast.Address(producer), sequence)
		}
	}
}

// ringNames maps the ids of the rings that are there to their topics.
func (f *Forwarder) ringNames() map[uint64]string {
	names := map[uint64]string{}
	files, err := os.ReadDir(f.topicPath(""))
	if err != nil {
		f.cfg.Log("list topics: %v", err)
	}
	for _, file := range files {
		name, ok := strings.CutSuffix(file.Name(), ".ctl")
		if !ok {
			continue
		}
		s, err := shm.Open(f.topicPath(file.Name()), layout.SegmentKindRingControl, false)
		if err != nil {
			continue // gone meanwhile, or not ours: there is no place to go on from
		}
		names[s.ID()] = name
		_ = s.Close()
	}
	return names
}

// lastInRing reads what the ring still holds for the last messages from the network.
func (f *Forwarder) lastInRing(topic string, note func(string, shm.Address, uint64)) {
	file, err := ring.OpenFile(f.topicPath(topic), f.host, ring.FileOptions{})
	if err != nil {
		return
	}
	defer file.Close()
	rd, err := file.Join(ring.JoinOptions{Latest: true, History: ^uint64(0)})
	if err != nil {
		if rd != nil {
			rd.Close()
		}
		return
	}
	defer rd.Close()
	var m ring.Message
	patience := time.Now().Add(2 * file.Shape().CommitDeadline)
	for end := file.Tail(); rd.Cursor() < end; {
		err := rd.Next(&m)
		var lagged *ring.LaggedError
		switch {
		case err == nil && m.Flags&layout.MessageFlagRemote != 0:
			note(topic, m.Producer, m.Sequence)
		case err == nil, errors.As(err, &lagged):
		case err == ring.ErrEmpty && time.Now().Before(patience):
			time.Sleep(time.Millisecond) // somebody is writing before our last message
		default:
			return
		}
	}
}
