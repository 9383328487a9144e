package forward

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/roster"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

const (
	// ownPrefix begins the names of topics that are the forwarders' own.
	ownPrefix = "$ringcast."
	// directoryTopic is the topic of the directory between nodes (spec/messaging.md, 14).
	directoryTopic = ownPrefix + "directory"
	// directorySlots is what Setup says of the topic: an earlier release takes no less for a shape.
	directorySlots = 64
)

// directoryShape is that of no ring: nobody makes one for the topic.
var directoryShape = mcast.TopicShape{
	SlotCount: directorySlots, SlotPayload: layout.DefaultSlotPayload,
	Mode: layout.RingModeReliable, Kind: layout.RingKindShared, Purpose: layout.RingPurposeTopic,
	ForAll: true,
}

// A directory is this forwarder's part of the directory between nodes. Its fields are
// guarded by Forwarder.mu, but for news.
type directory struct {
	roster   *roster.Roster
	topic    mcast.TopicID
	sequence uint64                    // of the message told last
	held     []byte                    // told by the roster, and not taken by the engine yet
	rows     []table.RemoteParticipant // of this node, as they were seen last
	died     map[participant]bool      // who has died and is still among rows
	shown    uint64                    // revision of the roster that was seen last
	rooms    uint64                    // the same of the rooms
	sampled  mcast.Time                // when the services here were asked for their room
	moves    uint64                    // of topics, as the engine has counted them
	later    bool                      // the segment will be written for rooms and topics
	joined   map[*mcast.Peer]bool      // of these the roster knows that they take what is told
	news     chan struct{}             // of capacity 1: the segment is to be written anew
}

// A participant is an index under a generation.
type participant struct {
	index      uint16
	generation uint32
}

// newDirectory begins with a session: nobody is known, and nothing was told.
func (f *Forwarder) newDirectory(session uint64) (err error) {
	d := &f.dir
	d.roster = roster.New(roster.Config{Node: f.node(), Session: session, Software: f.cfg.Version, Valid: validRow, Departed: f.diedBefore, Limit: f.cfg.Limits.Directory}, rand.New(rand.NewPCG(session, 0xd1)))
	d.held, d.shown, d.rooms, d.moves = nil, 0, 0, 0
	d.joined = map[*mcast.Peer]bool{}
	if d.died == nil {
		d.died = map[participant]bool{}
	}
	if d.news == nil {
		d.news = make(chan struct{}, 1)
	}
	d.topic, err = f.engine.Topic(directoryTopic, directoryShape)
	return err
}

// validRow says whether what another node tells of a participant can be.
func validRow(row *table.RemoteParticipant) bool {
	for _, i := range row.Info.Interests {
		if i.Pattern && shm.ValidPattern(i.Name) != nil || !i.Pattern && shm.ValidName(i.Name) != nil {
			return false
		}
	}
	for _, s := range row.Info.Services {
		if shm.ValidName(s.Name) != nil {
			return false
		}
	}
	return true
}

// rowOf is what others are told of a participant.
func rowOf(row *shm.Row) table.RemoteParticipant {
	r := table.RemoteParticipant{Index: row.Index, Generation: row.Generation, Language: row.Info.Language}
	r.Info.Name, r.Info.Version, r.Info.Services = row.Info.Name, row.Info.Version, row.Info.Services
	for _, i := range row.Info.Interests {
		if !i.LocalOnly {
			r.Info.Interests = append(r.Info.Interests, i)
		}
	}
	return r
}

// setRows tells the roster who is here. Mu is held.
func (f *Forwarder) setRows(now mcast.Time, all *interests) {
	d := &f.dir
	rows := slices.Clone(all.rows)
	for _, who := range all.unread { // what can't be read now says what it said before
		i := slices.IndexFunc(d.rows, func(r table.RemoteParticipant) bool { return participant{r.Index, r.Generation} == who })
		if i >= 0 {
			rows = append(rows, d.rows[i])
		}
	}
	slices.SortFunc(rows, func(a, b table.RemoteParticipant) int { return int(a.Index) - int(b.Index) })
	for _, who := range all.dead {
		d.died[who] = true
	}
	d.rows = rows
	d.roster.SetRows(roster.Time(now), rows, f.endingOf)
	maps.DeleteFunc(d.died, func(who participant, _ bool) bool {
		return !slices.ContainsFunc(rows, func(r table.RemoteParticipant) bool { return participant{r.Index, r.Generation} == who })
	})
	f.setRooms(now)
	f.tellDirectory(now)
}

// endingOf says why a participant of this node is gone: as its record tells, whoever freed it; else
// as it was seen here. Mu is held.
func (f *Forwarder) endingOf(index uint16, generation uint32) uint8 {
	if ending := f.domain.Ending(index, generation); ending != layout.EndingNone {
		return ending
	}
	if f.dir.died[participant{index, generation}] {
		return layout.EndingDied
	}
	return layout.EndingLeft
}

// diedBefore are participants of this node that died, recovered or not: a forwarder before this one,
// or this one under another session, may have told others that they were here.
func (f *Forwarder) diedBefore() []table.Departure {
	var list []table.Departure
	for _, a := range append(f.domain.Died(roster.MostDepartures), f.domain.Dead()...) {
		list = append(list, table.Departure{Index: a.Index, Generation: a.Generation, Ending: layout.EndingDied})
	}
	return list
}

// noteDeath remembers that somebody has died, until he is no longer among the rows.
func (f *Forwarder) noteDeath(index uint16, generation uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dir.died[participant{index, generation}] = true
}

// tellDirectory sends what the roster has to say now, as far as the engine takes it. Mu
// is held.
func (f *Forwarder) tellDirectory(now mcast.Time) {
	d := &f.dir
	if d.held == nil && now < mcast.Time(d.roster.Next()) {
		return
	}
	d.roster.Tick(roster.Time(now))
	sent := false
	for {
		if d.held == nil {
			if d.held = d.roster.Emit(roster.Time(now)); d.held == nil {
				break
			}
			d.sequence++
		}
		result := f.engine.Send(now, d.topic, &mcast.Message{
			Producer: mcast.Address(f.self.Address()), Sequence: d.sequence, Kind: layout.MessageKindSystem, Payload: d.held,
		})
		if result == mcast.Busy || result == mcast.NoProducers && f.renew("producers") {
			break
		}
		d.held, sent = nil, true
		f.counters.told.Add(1)
	}
	if sent {
		f.engine.Flush(now)
	}
	f.directoryChanged()
}

// takeDirectory takes what another node told. Mu is held.
func (f *Forwarder) takeDirectory(peer *mcast.Peer, payload []byte) {
	if _, err := f.dir.roster.Receive(roster.Time(f.now()), peer.Node(), payload); err != nil {
		if f.counters.refused.Load() == 0 {
			f.cfg.Log("directory of node %d: %v", peer.Node(), err)
		}
		f.counters.refused.Add(1)
	}
	f.counters.toldTooMuch.Set(f.dir.roster.Counts().Limited)
	f.directoryChanged()
}

// peerUp tells the roster of a node. Mu is held.
func (f *Forwarder) peerUp(peer *mcast.Peer) {
	f.dir.roster.Up(roster.Time(f.now()), peer.Node(), peer.Epoch(), peer.Session())
}

// peerDown tells the roster that a node is gone. Mu is held.
func (f *Forwarder) peerDown(peer *mcast.Peer, reason mcast.DownReason) {
	delete(f.dir.joined, peer)
	ending := uint8(layout.EndingUnheard)
	if reason == mcast.DownBye {
		ending = layout.EndingLeft
	}
	f.dir.roster.Down(roster.Time(f.now()), peer.Node(), ending, reason == mcast.DownRestarted)
}

// splitWants takes what forwarders want for themselves out of a peer's list, and tells the
// roster whether the peer takes what is told. Mu is held.
func (f *Forwarder) splitWants(peer *mcast.Peer, patterns []string) []string {
	if slices.Contains(patterns, directoryTopic) && !f.dir.joined[peer] { // not with each list that it has later
		f.dir.joined[peer] = true
		f.dir.roster.Joined(roster.Time(f.now()), peer.Node())
	}
	return slices.DeleteFunc(slices.Clone(patterns), isOwn)
}

// isOwn says whether a name is of what forwarders say to each other.
func isOwn(name string) bool { return strings.HasPrefix(name, ownPrefix) }

// directoryChanged has the segment written anew if the roster knows something else. Mu is held.
func (f *Forwarder) directoryChanged() {
	d := &f.dir
	if now := d.roster.Revision(); now != d.shown {
		d.shown = now
		f.writeSoon()
	}
	if now := d.roster.RoomsRevision(); now != d.rooms {
		d.rooms = now
		f.writeLater()
	}
}

// writeSoon has the segment written anew.
func (f *Forwarder) writeSoon() {
	select {
	case f.dir.news <- struct{}{}:
	default: // it will be
	}
}
