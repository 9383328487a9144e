package forward

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/internal/roster"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

// A place is of use until what it is of is over: its ring was removed; or the stream's producer lives no more, and nothing
// of it will come, or come again. While more than half of the rows are in use, those of what is over are let go, what was
// silent for longest first (spec/wire.md, 7.6).

const (
	// sweepApart is how often that is looked at.
	sweepApart = 15 * time.Second
	// quietFor is how long nothing came of a producer that is gone: by then its node has written down that all
	// have what it sent, or has put out who has not.
	quietFor = 60 * mcast.Second
	// awayFor is how long a node is not here until its rows count as those of what is over.
	awayFor = 3600 * mcast.Second
	// letAtOnce bounds how many rows are let go while the forwarder stands still.
	letAtOnce = 256
)

// sweepTimes are those of above.
type sweepTimes struct {
	apart       time.Duration
	quiet, away mcast.Duration
}

// placedLanes are the lanes of a node that have rows.
var placedLanes = [...]uint32{mcast.LaneGated, mcast.LaneLive, mcast.LaneDirected}

// A streamKey names a row of a stream.
type streamKey struct {
	ring     uint64
	producer shm.Address
}

// A silence is since when a stream is taken for over: nothing came of it since.
type silence struct {
	since    mcast.Time
	sequence uint64
	peer     *mcast.Peer              // nil: its node is not here
	seen     [len(placedLanes)]uint64 // of the node's lanes, when it began
}

// A sweeper looks for what is over. It is sweepLoop's.
type sweeper struct {
	f       *Forwarder
	streams map[streamKey]silence
	nodes   map[uint32]mcast.Time // that have rows of lanes and are not here, and since when
}

// A nodeView is a node that is here, as it was at one instant.
type nodeView struct {
	peer        *mcast.Peer
	joined      bool // its lanes
	seen, saved [len(placedLanes)]uint64
	whole       bool                 // lives are all who live there
	lives       map[participant]bool // nil where that is not known
}

// sweepLoop lets rows go while they are short.
func (f *Forwarder) sweepLoop(ctx context.Context) error {
	guardFaults()
	s := &sweeper{f: f}
	tick := time.NewTicker(f.cfg.sweep.apart)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.turn()
		case <-ctx.Done():
			return nil
		}
	}
}

// turn looks at all sorts of rows that are short.
func (s *sweeper) turn() {
	f := s.f
	f.mu.Lock()
	f.places.Lock()
	cursors, streams, peers := f.seat.Use()
	f.places.Unlock()
	closed := len(f.closed)
	f.mu.Unlock()
	if cursors.Short() || streams.Short() || closed > closedMost/2 {
		s.sweepRings()
	}
	if !streams.Short() && !peers.Short() {
		s.streams, s.nodes = nil, nil
		return
	}
	views := f.nodeViews()
	s.sweepNodes(views, peers)
	s.sweepStreams(views)
}

// sweepRings lets go of what is of rings that are not there any more.
func (s *sweeper) sweepRings() {
	f := s.f
	f.mu.Lock()
	cursors := f.seat.Cursors()
	rows := f.streamRows()
	var closed []uint64
	for id := range f.closed {
		closed = append(closed, id)
	}
	f.mu.Unlock()
	there, err := f.ringIDs() // a ring that was made since has no row in these lists
	if err != nil {
		f.cfg.Log("rings: %v", err)
		return
	}
	f.mu.Lock()
	f.addOpen(there)
	gone := map[uint64]bool{}
	for _, id := range cursors {
		gone[id] = !there[id]
	}
	f.counters.let.Add(uint64(f.seat.SweepCursors(func(ring uint64) bool { return !gone[ring] })))
	for _, id := range closed {
		if !there[id] {
			delete(f.closed, id) // nobody opens it again
		}
	}
	f.mu.Unlock()
	f.letGo(slices.DeleteFunc(rows, func(row shm.StreamRow) bool { return there[row.Ring] }))
}

// ringIDs lists the rings that are there.
func (f *Forwarder) ringIDs() (map[uint64]bool, error) {
	files, err := os.ReadDir(f.topicPath(""))
	if err != nil {
		return nil, err
	}
	there := map[uint64]bool{}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".ctl") {
			continue
		}
		id, err := shm.ReadID(f.topicPath(file.Name()))
		if err == nil {
			there[id] = true
		} else if !isNoRing(err) {
			return nil, err // it may be one that has rows
		}
	}
	return there, nil
}

// isNoRing says that an error is of a file that is gone, or can't be a ring of ours.
func isNoRing(err error) bool {
	var other *shm.NotOursError
	var version *shm.VersionError
	var damaged *shm.DamagedError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &other) || errors.As(err, &version) || errors.As(err, &damaged)
}

// addOpen adds the rings that are in use here, whether their names lead to them or not. Mu is held.
func (f *Forwarder) addOpen(there map[uint64]bool) {
	for _, o := range f.out {
		there[o.id] = true
	}
	for _, in := range f.in {
		there[in.id.Load()] = true
	}
	for _, in := range f.closing {
		there[in.id.Load()] = true
	}
}

// streamRows lists the rows of streams.
func (f *Forwarder) streamRows() []shm.StreamRow {
	f.places.Lock()
	defer f.places.Unlock()
	return f.seat.Streams()
}

// nodeViews looks at the nodes that are here.
func (f *Forwarder) nodeViews() map[uint32]*nodeView {
	f.mu.Lock()
	views := map[uint32]*nodeView{}
	for peer := range f.peers {
		v := &nodeView{peer: peer}
		for i, lane := range placedLanes {
			seen, joined := f.engine.Seen(peer.Node(), lane)
			v.seen[i] = seen
			v.joined = v.joined || lane == mcast.LaneGated && joined
			if session, next, ok := f.seat.Peer(peer.Node(), lane); ok && session == peer.Session() {
				v.saved[i] = next
			}
		}
		views[peer.Node()] = v
	}
	told := f.dir.roster.Nodes()
	f.mu.Unlock()
	for i := range told {
		if v := views[told[i].Node]; v != nil {
			v.know(&told[i])
		}
	}
	return views
}

// know takes who lives on the node.
func (v *nodeView) know(n *roster.Node) {
	v.whole, v.lives = n.Whole(), make(map[participant]bool, len(n.Rows))
	for i := range n.Rows {
		v.lives[participant{n.Rows[i].Index, n.Rows[i].Generation}] = true
	}
}

// gone says whether a producer lives no more.
func (v *nodeView) gone(producer shm.Address) bool {
	return producer.Epoch != v.peer.Epoch() || v.whole && !v.lives[participant{producer.Index, producer.Generation}]
}

// passed says that all that had come of the node's lanes then lies before where a successor goes on.
func (v *nodeView) passed(seen [len(placedLanes)]uint64) bool {
	for i := range seen {
		if v.saved[i] < seen[i] {
			return false
		}
	}
	return true
}

// sweepStreams lets go of the streams that are over, down to half of the rows, those first that were silent for longest.
func (s *sweeper) sweepStreams(views map[uint32]*nodeView) {
	f, now := s.f, s.f.now()
	rows := f.streamRows()
	silent := make(map[streamKey]silence)
	over := rows[:0]
	for _, row := range rows {
		if s.isOver(now, row, views[row.Producer.Node], silent) {
			over = append(over, row)
		}
	}
	s.streams = silent
	slices.SortStableFunc(over, func(a, b shm.StreamRow) int {
		return cmp.Compare(silent[streamKey{a.Ring, a.Producer}].since, silent[streamKey{b.Ring, b.Producer}].since)
	})
	f.places.Lock()
	_, use, _ := f.seat.Use()
	f.places.Unlock()
	f.letGo(over[:max(0, min(len(over), use.Used-use.Of/2))])
}

// isOver notes since when a stream may be over, and says whether it is. view is of its node; nil: that is not here.
func (s *sweeper) isOver(now mcast.Time, row shm.StreamRow, view *nodeView, silent map[streamKey]silence) bool {
	k := streamKey{row.Ring, row.Producer}
	is := silence{since: now, sequence: row.Sequence}
	span := s.f.cfg.sweep.away
	if view != nil {
		if !view.joined || !view.gone(row.Producer) {
			return false
		}
		is.peer, is.seen, span = view.peer, view.seen, s.f.cfg.sweep.quiet
	}
	if was, ok := s.streams[k]; ok && was.sequence == is.sequence && was.peer == is.peer {
		is = was
	}
	silent[k] = is
	return now-is.since >= span && (view == nil || view.passed(is.seen))
}

// sweepNodes lets go of the rows of lanes of nodes that have been away for long.
func (s *sweeper) sweepNodes(views map[uint32]*nodeView, use shm.RowUse) {
	f, now := s.f, s.f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	away := map[uint32]mcast.Time{}
	for node := range f.seat.Peers() {
		if views[node] != nil {
			continue
		}
		away[node] = now
		if since, ok := s.nodes[node]; ok {
			away[node] = since
		}
	}
	s.nodes = away
	if use.Short() {
		n := f.seat.SweepPeers(func(node, _ uint32) bool {
			since, ok := away[node]
			return !ok || now-since < f.cfg.sweep.away
		})
		f.counters.let.Add(uint64(n))
	}
}

// letGo lets rows of streams go that still say what they said, but for those of rings that a drainer uses.
func (f *Forwarder) letGo(rows []shm.StreamRow) {
	for part := range slices.Chunk(rows, letAtOnce) {
		f.mu.Lock()
		drained := f.drained()
		f.places.Lock()
		for _, row := range part {
			if !drained[row.Ring] && f.seat.FreeStream(row) {
				f.counters.let.Add(1)
			}
		}
		f.places.Unlock()
		f.forgetCells()
		f.mu.Unlock()
	}
}

// drained are the rings that drainers use: those hold words of their streams' rows. Mu is held; no other begins meanwhile.
func (f *Forwarder) drained() map[uint64]bool {
	rings := map[uint64]bool{}
	f.closing = slices.DeleteFunc(f.closing, (*inbound).idle)
	for _, in := range f.closing {
		rings[in.id.Load()] = true
	}
	for _, in := range f.in {
		if !in.idle() {
			rings[in.id.Load()] = true
		}
	}
	return rings
}

// forgetCells has all topics look up their streams' rows anew: some were let go. Mu is held.
func (f *Forwarder) forgetCells() {
	for _, in := range f.in {
		in.forgetCells()
	}
}
