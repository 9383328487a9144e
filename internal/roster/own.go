package roster

import (
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
)

// own is the state of this node: as it is, and as it was told last.
type own struct {
	now     []table.RemoteParticipant // as it is
	told    []table.RemoteParticipant // as it was told
	version uint64                    // of told; 0: nothing was told yet
	digest  uint64                    // of told
	gone    []table.Departure         // told, the latest
	endings map[key]uint8             // of rows in told that are not in now

	rooms, toldRooms []table.NodeService

	changeAt, wholeAt, beatAt, roomsAt Time
	lastChange, lastWhole, lastRooms   Time
	wholeSize                          int // bytes of the last whole state
}

// A key names a participant for the life of its node's epoch.
type key struct {
	index      uint16
	generation uint32
}

func keyOf(row *table.RemoteParticipant) key { return key{row.Index, row.Generation} }

func (o *own) init() {
	const longAgo = -Second
	o.endings = make(map[key]uint8)
	o.changeAt, o.wholeAt, o.beatAt, o.roomsAt = Never, Never, Never, Never
	o.lastChange, o.lastWhole, o.lastRooms = longAgo, longAgo, longAgo
}

func (o *own) next() Time { return min(o.changeAt, o.wholeAt, o.beatAt, o.roomsAt) }

// wantWhole has the whole state told at a time, or as soon after it as may be.
func (o *own) wantWhole(now, at Time) {
	apart := wholeApart + wholeByKiB*Time(o.wholeSize>>10)
	o.wholeAt = min(o.wholeAt, max(now, at, o.lastWhole+apart))
}

// SetRows says who is here: all participants, by ascending index. Ending says why one that
// is not among them any more has gone. What is too large is cut (see Fit). The rows are kept
// and must not be changed after.
func (r *Roster) SetRows(now Time, rows []table.RemoteParticipant, ending func(index uint16, generation uint32) uint8) {
	o := &r.own
	kept := Fit(rows)
	for i := range o.now {
		row := &o.now[i]
		if !has(kept, row) {
			o.endings[keyOf(row)] = endingOf(rows, row, ending)
		}
	}
	o.now = kept
	o.changeAt = Never
	if !slices.EqualFunc(o.now, o.told, equal) || o.version == 0 {
		o.changeAt = max(now, o.lastChange+changeApart)
	}
	r.rearm()
}

// endingOf is none for a participant that is here and has no room among the rows.
func endingOf(rows []table.RemoteParticipant, row *table.RemoteParticipant, ending func(uint16, uint32) uint8) uint8 {
	if has(rows, row) {
		return layout.EndingNone
	}
	return ending(row.Index, row.Generation)
}

func has(rows []table.RemoteParticipant, row *table.RemoteParticipant) bool {
	i, ok := slices.BinarySearchFunc(rows, row.Index, func(r table.RemoteParticipant, index uint16) int { return int(r.Index) - int(index) })
	return ok && rows[i].Generation == row.Generation
}

// SetRooms says how many requests more each service here would take: a hint, told in steps
// and not often. The list is kept and must not be changed after.
func (r *Roster) SetRooms(now Time, rooms []table.NodeService) {
	o := &r.own
	coarse := make([]table.NodeService, len(rooms))
	for i, s := range rooms {
		coarse[i] = table.NodeService{Name: s.Name, Room: step(s.Room)}
	}
	o.rooms = coarse
	o.roomsAt = Never
	if !slices.Equal(o.rooms, o.toldRooms) {
		o.roomsAt = max(now, o.lastRooms+roomsApart)
	}
	r.rearm()
}

// Emit returns the next message to tell, nil if there is none now. It counts as told: who
// can't send it at once has to keep it, and send it before it asks for another one.
func (r *Roster) Emit(now Time) []byte {
	o := &r.own
	if r.joined == 0 || now < r.deadline {
		return nil
	}
	asks := r.takeAsks(now)
	whole, change := now >= o.wholeAt, now >= o.changeAt
	if o.version == 0 && (change || len(asks) > 0 || now >= o.next()) {
		whole = true // nothing was told yet
	}
	if !whole && !change && len(asks) == 0 && now < o.beatAt && now < o.roomsAt {
		return nil
	}
	u := table.DirectoryUpdate{Session: r.cfg.Session, Software: r.cfg.Software, Asks: asks}
	switch {
	case whole:
		if o.version == 0 && r.cfg.Departed != nil {
			o.gone = appendDeparted(nil, r.cfg.Departed())
		}
		o.tellWhole(now, &u)
		r.counts.Wholes++
	case change:
		o.tellChange(now, &u)
	default:
		u.Base, u.Version, u.Digest = o.version, o.version, o.digest
	}
	if whole || !change || now >= o.roomsAt {
		o.tellRooms(now, &u)
	}
	o.beatAt = now + r.beat()
	r.counts.Told++
	message := table.AppendDirectoryUpdate(nil, &u)
	if whole {
		o.wholeSize = len(message)
	}
	r.rearm()
	return message
}

// beat is how long to be silent at most.
func (r *Roster) beat() Time {
	d := max(beatApart, beatByNode*Time(r.up))
	if faultNoBeat {
		d = 1000 * Second
	}
	return d*3/4 + r.soon(d/2)
}

// takeAsks returns the nodes that are to be asked now.
func (r *Roster) takeAsks(now Time) []table.DirectoryAsk {
	var asks []table.DirectoryAsk
	for _, p := range r.order {
		if !p.up || p.askAt > now {
			continue
		}
		asks = append(asks, table.DirectoryAsk{Node: p.node, Session: p.session})
		p.askAt = Never
		if p.wants() {
			p.askAt = now + p.askStep + r.soon(p.askStep/4)
			p.askStep = min(2*p.askStep, askMax)
		}
	}
	r.counts.Asks += uint64(len(asks))
	return asks
}

// advance makes what is the state that was told, and returns what changed.
func (o *own) advance(now Time) (rows []table.RemoteParticipant, departed []table.Departure) {
	for i := range o.told {
		if row := &o.told[i]; !has(o.now, row) {
			departed = append(departed, table.Departure{Index: row.Index, Generation: row.Generation, Ending: o.endings[keyOf(row)]})
		}
	}
	for i := range o.now {
		row := &o.now[i]
		at, ok := slices.BinarySearchFunc(o.told, row.Index, func(r table.RemoteParticipant, index uint16) int { return int(r.Index) - int(index) })
		if !ok || !equal(*row, o.told[at]) {
			rows = append(rows, *row)
		}
	}
	if len(rows) > 0 || len(departed) > 0 || o.version == 0 {
		o.version++
		o.told, o.digest = o.now, digestOf(o.now)
		o.gone = appendDeparted(o.gone, departed)
	}
	clear(o.endings)
	o.changeAt, o.lastChange = Never, now
	return rows, departed
}

func (o *own) tellWhole(now Time, u *table.DirectoryUpdate) {
	o.advance(now)
	u.Version, u.Digest = o.version, o.digest
	u.Participants, u.Departed = o.told, o.gone
	o.wholeAt, o.lastWhole = Never, now
}

func (o *own) tellChange(now Time, u *table.DirectoryUpdate) {
	u.Base = o.version
	u.Participants, u.Departed = o.advance(now)
	u.Version, u.Digest = o.version, o.digest
}

// tellRooms adds the rooms. Words of the version bear them too, for those who missed them.
func (o *own) tellRooms(now Time, u *table.DirectoryUpdate) {
	u.Rooms, o.toldRooms = o.rooms, o.rooms
	o.roomsAt, o.lastRooms = Never, now
}
