package roster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/guard"
)

// A peer is another node: its state as it told it.
type peer struct {
	node, epoch uint32
	session     uint64
	up          bool
	joined      bool
	quota       guard.Bucket // of what it may tell

	state   *state // nil: none is known
	told    uint64 // session that told it
	version uint64
	rooms   map[string]uint32
	// What was ever taken of this session, or heard to be: nothing earlier counts.
	floor, heard uint64

	askAt, askStep Time
	staleTill      Time // when rows of an earlier session are forgotten
}

// A state is what a node told at one version. It is never changed.
type state struct {
	rows     []table.RemoteParticipant // by ascending index
	departed []table.Departure         // the latest, oldest first
	digest   uint64
	software string
}

// forget drops the node's state, but not which version it was.
func (p *peer) forget() {
	p.state, p.rooms, p.version, p.staleTill = nil, nil, 0, Never
}

// current says whether the state is one of the present session.
func (p *peer) current() bool { return p.state != nil && p.told == p.session }

// wants says whether the node has to be asked.
func (p *peer) wants() bool { return !p.current() || p.heard > p.version }

// Receive takes what a node told. It reports whether what is known of participants changed. An error wraps
// ErrMalformed or is a table.CorruptError; nothing of the message counts then.
func (r *Roster) Receive(now Time, node uint32, message []byte) (changed bool, err error) {
	p := r.peers[node]
	if p != nil && r.cfg.Limit.Rate >= 0 && !p.quota.Take(time.Duration(now), r.cfg.Limit) {
		r.counts.Limited++
		if p.up {
			r.ask(now, p)
			r.rearm()
		}
		return false, nil
	}
	u, err := table.ParseDirectoryUpdate(message)
	if err != nil {
		r.counts.Malformed++
		return false, err
	}
	if p == nil || !p.up || u.Session != p.session && !faultOldSession {
		r.counts.Strange++
		return false, nil
	}
	defer r.rearm()
	revision := r.revision
	if err = r.take(now, p, &u); err != nil {
		r.counts.Malformed++
		r.ask(now, p)
		return false, fmt.Errorf("node %d: %w", node, err)
	}
	if len(u.Rooms) != 0 && p.takeRooms(u.Rooms) {
		r.rooms++
	}
	for _, a := range u.Asks {
		if a.Node == r.cfg.Node && a.Session == r.cfg.Session {
			r.own.wantWhole(now, now+r.soon(wholeSoon))
		}
	}
	return r.revision != revision, nil
}

// take takes a state or a change of it.
func (r *Roster) take(now Time, p *peer, u *table.DirectoryUpdate) error {
	if u.Version == 0 || u.Base > u.Version {
		return fmt.Errorf("%w: version %d on %d", ErrMalformed, u.Version, u.Base)
	}
	p.heard = max(p.heard, u.Version)
	kept := uint64(0)
	if p.current() {
		kept = p.version
	}
	switch {
	case u.Base == 0 && (u.Version < p.floor && !faultFloor || kept != 0 && u.Version <= kept):
		return nil // an earlier one
	case u.Base == 0:
		return r.keep(p, u, &state{})
	case u.Version == kept && u.Base == kept:
		return r.compare(p, u)
	case u.Version <= kept:
		return nil
	case kept != 0 && (u.Base == kept || faultBase):
		return r.keep(p, u, p.state)
	}
	r.counts.Missed++
	r.ask(now, p)
	return nil
}

// compare checks the kept state against the digest of its version.
func (r *Roster) compare(p *peer, u *table.DirectoryUpdate) error {
	if u.Digest == p.state.digest {
		return nil
	}
	p.forget()
	r.revision++
	return fmt.Errorf("%w: version %d has another digest", ErrMalformed, u.Version)
}

// keep makes the update on a state, and keeps what comes of it.
func (r *Roster) keep(p *peer, u *table.DirectoryUpdate, before *state) error {
	next, err := before.apply(u, r.cfg.Valid)
	if err != nil {
		return err
	}
	p.state, p.told, p.version = next, u.Session, u.Version
	p.floor, p.staleTill = u.Version, Never
	if !p.wants() {
		p.askAt = Never
	}
	r.counts.Taken++
	r.revision++
	return nil
}

// apply returns the state that comes of an update.
func (s *state) apply(u *table.DirectoryUpdate, valid func(*table.RemoteParticipant) bool) (*state, error) {
	for i := range u.Participants {
		if valid != nil && !valid(&u.Participants[i]) {
			return nil, fmt.Errorf("%w: participant %d", ErrMalformed, u.Participants[i].Index)
		}
	}
	next := &state{software: u.Software, departed: appendDeparted(s.departed, u.Departed)}
	next.rows = make([]table.RemoteParticipant, 0, len(s.rows)+len(u.Participants))
	for _, row := range s.rows {
		if !replaced(u, &row) {
			next.rows = append(next.rows, row)
		}
	}
	next.rows = append(next.rows, u.Participants...)
	slices.SortStableFunc(next.rows, func(a, b table.RemoteParticipant) int { return cmp.Compare(a.Index, b.Index) })
	if len(next.rows) > rowsMax {
		return nil, fmt.Errorf("%w: %d participants", ErrMalformed, len(next.rows))
	}
	for i := 1; i < len(next.rows); i++ {
		if next.rows[i].Index == next.rows[i-1].Index {
			return nil, fmt.Errorf("%w: participant %d twice", ErrMalformed, next.rows[i].Index)
		}
	}
	if next.digest = digestOf(next.rows); next.digest != u.Digest {
		return nil, fmt.Errorf("%w: version %d has another digest", ErrMalformed, u.Version)
	}
	return next, nil
}

// replaced says whether an update takes a row away, or has it anew.
func replaced(u *table.DirectoryUpdate, row *table.RemoteParticipant) bool {
	for _, gone := range u.Departed {
		if gone.Index == row.Index && gone.Generation == row.Generation {
			return true
		}
	}
	for i := range u.Participants {
		if n := &u.Participants[i]; n.Index == row.Index && n.Generation == row.Generation {
			return true
		}
	}
	return false
}

// appendDeparted returns the latest of both lists; those that have only ceased to be told of
// are not among them.
func appendDeparted(before, more []table.Departure) []table.Departure {
	list := slices.Clone(before)
	for _, d := range more {
		if d.Ending != 0 {
			list = append(list, d)
		}
	}
	return list[max(0, len(list)-MostDepartures):]
}

// takeRooms keeps what a node said of its rooms, and reports whether that is new. The map
// that was given out before is left alone.
func (p *peer) takeRooms(rooms []table.NodeService) bool {
	fresh := make(map[string]uint32, len(rooms))
	for _, s := range rooms[:min(len(rooms), roomsMax)] {
		fresh[s.Name] = s.Room
	}
	if maps.Equal(fresh, p.rooms) {
		return false
	}
	p.rooms = fresh
	return true
}
