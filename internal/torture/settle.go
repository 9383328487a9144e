package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A promise is what one producer was told: so many messages are sent.
type promise struct {
	from   shm.Address
	acked  uint64
	spare  uint64 // for who was killed: how many may be sent that it was not told of, 1 or a batch
	reader string // log of a reader instead
	notes  string // of a member instead
	small  bool   // there were messages of one slot only
}

// producers is how many a scene has on one topic, at most, that send large messages.
const producers = 3

// settle takes down what an ended child was told, for the end of the arena.
func (a *arena) settle(p *process) {
	if opened := a.board.at(p.Slot, slotOpened).Load(); opened != 0 {
		a.stall("opening a domain and a topic", time.Duration(opened))
	}
	au := a.auditors[p.Topic]
	if p.Role == "storm" {
		au = a.auditors[[]string{stormShared, stormExclusive, stormGrouped}[a.board.at(p.Slot, slotTopic).Load()]]
	}
	if au == nil {
		return
	}
	from := a.address(p)
	spare := uint64(0)
	if p.doom.Load() {
		begun, acked := a.board.at(p.Slot, slotBegun).Load(), a.board.at(p.Slot, slotAcked).Load()
		spare = max(1, begun-min(begun, acked))
	}
	if lagged := a.board.at(p.Slot, slotLagged).Load(); p.Witness && lagged > 0 {
		a.fault("%s %d, which lives, was put out %d times", p.Role, p.Slot, lagged)
	}
	if p.Role == "work" {
		au.promises = append(au.promises, promise{notes: notesPath(a.base, p.Slot, p.Seed), spare: spare})
	} else if p.Role == "read" {
		au.promises = append(au.promises, promise{reader: logPath(a.base, p.Slot, p.Seed), small: p.Small})
	} else if p.Role == "call" {
		au.promises = append(au.promises, promise{notes: notesPath(a.base, p.Slot, p.Seed)})
	}
	if p.Role != "work" && p.Role != "read" && !from.IsZero() {
		au.promises = append(au.promises, promise{from: from, acked: a.board.at(p.Slot, slotAcked).Load(), spare: spare})
	}
}

// settleAll settles all producers.
func (au *auditor) settleAll() {
	for _, p := range au.promises {
		if p.reader == "" && p.notes == "" {
			au.ledger.settle(p.from, p.acked, p.spare)
		}
	}
}

// checkReaders compares the logs of the topic's readers with its ledger.
func (a *arena) checkReaders(au *auditor) {
	for _, p := range au.promises {
		if p.reader == "" {
			continue
		}
		joined, delivered, spans, err := readLog(p.reader)
		switch {
		case errors.Is(err, fs.ErrNotExist): // killed before it joined
		case err != nil:
			a.fault("%v", err)
		default:
			slack := 0
			if !p.small { // a message that is under way, of each producer, at each gap and at the join
				slack = producers * (len(spans) + 1)
			}
			told := au.compare(filepath.Base(p.reader), joined, delivered, spans, slack)
			au.compared++
			au.spansTold += len(spans)
			au.missedTold += told
		}
	}
}

// checkWords checks that no word of the topic names anybody but us: no claim that
// is open, no entry, no owner.
func (a *arena) checkWords(au *auditor) {
	words, err := readWords(topicPath(a.domain, au.topic) + ".ctl")
	if err != nil {
		a.fault("topic %s: %v", au.topic, err)
		return
	}
	for i, w := range words.claims {
		if state := w & layout.StateMask; state == layout.ClaimStateWriting || state == layout.ClaimStateQuarantined {
			a.fault("topic %s: claim word %d is still %#x (participant %d) when all have left", au.topic, i, w, ownerOf(w))
		}
	}
	for i, w := range words.entries {
		if state := w & 0xffff; state != layout.EntryStateFree && state != layout.EntryStateLeaving && uint16(w>>16) != a.self.Index() {
			a.fault("topic %s: entry %d is still %#x when all have left", au.topic, i, w)
		}
	}
	if uint32(words.owner) != 0 {
		a.fault("topic %s: still owned by participant %d", au.topic, uint32(words.owner)-1)
	}
	if words.damaged != 0 {
		a.fault("topic %s: %d impossible words met", au.topic, words.damaged)
	}
	a.run.count("logs of readers compared with the ledger", uint64(au.compared))
	a.run.count("LAGGED events in them", uint64(au.spansTold))
	a.run.count("messages that these told of, exactly", uint64(au.missedTold))
	a.run.count("messages audited", uint64(au.total()))
	a.run.count("claims quarantined", words.quarantined)
	a.run.count("words recovered", words.recovered)
	a.run.count("readers put out", words.evicted)
}

// ringWords is a ring's control file as it lay there at one instant or another.
type ringWords struct {
	tail, owner                              uint64
	quarantined, recovered, evicted, damaged uint64
	claims, entries                          []uint64
}

// readWords copies a control file.
func readWords(path string) (w ringWords, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return w, err
	}
	const control = layout.SegmentHeaderSize + layout.RingGeometrySize
	if len(b) < control+layout.RingControlSize {
		return w, fmt.Errorf("%s: %d bytes", path, len(b))
	}
	le := binary.LittleEndian
	geometry := b[layout.SegmentHeaderSize:]
	word := func(offset int) uint64 { return le.Uint64(b[control+offset:]) }
	w.tail, w.owner = word(layout.RingControlTailOffset), word(layout.RingControlOwnerOffset)
	w.quarantined, w.recovered = word(layout.RingControlQuarantinedOffset), word(layout.RingControlRecoveredOffset)
	w.evicted, w.damaged = word(layout.RingControlEvictedOffset), word(layout.RingControlDamagedOffset)
	claims := int(le.Uint32(geometry[layout.RingGeometryClaimsStartOffset:]))
	entries := int(le.Uint32(geometry[layout.RingGeometryEntriesStartOffset:]))
	for i := range int(le.Uint32(geometry[layout.RingGeometrySlotCountOffset:])) {
		w.claims = append(w.claims, le.Uint64(b[claims+8*i:]))
	}
	for i := range int(le.Uint32(geometry[layout.RingGeometryEntryCountOffset:])) {
		w.entries = append(w.entries, le.Uint64(b[entries+layout.ConsumerEntrySize*i+layout.ConsumerEntryStateOffset:]))
	}
	return w, nil
}

func ownerOf(claim uint64) uint16 { return uint16(claim >> layout.StateBits) }

// openClaims are the words of claims that a participant has open.
func (w *ringWords) openClaims(participant uint16) map[int]uint64 {
	open := make(map[int]uint64)
	for i, c := range w.claims {
		if c&layout.StateMask == layout.ClaimStateWriting && ownerOf(c) == participant {
			open[i] = c
		}
	}
	return open
}

// checkLeft checks that everybody's files and records went with them. The
// segments of the domain itself stay, by design.
func (a *arena) checkLeft() {
	stays := map[string]bool{"node": true, "participants": true, "directory": true, "topics": true,
		"services": true, "inbox": true, "live": true, "counters": true}
	var waiting []uint16
	for _, folder := range []string{".", "topics", "services", "inbox", "live", "counters"} {
		entries, err := os.ReadDir(filepath.Join(a.domain.Dir(), folder))
		if err != nil {
			a.fault("%v", err)
		}
		for _, e := range entries {
			// The bell of a joiner that died before it was hung up, or before its record was LIVE, is
			// its successor's to remove.
			if half := folder == "live" && strings.HasPrefix(e.Name(), "."); half {
				a.run.count("half-made bells that wait for their index", 1)
			} else if index, err := strconv.ParseUint(e.Name(), 10, 16); folder == "live" && err == nil {
				a.run.count("bells of joiners that were killed, which wait for their index", 1)
				waiting = append(waiting, uint16(index))
			} else if folder != "." || !stays[e.Name()] {
				a.fault("left behind when all have left: %s", filepath.Join(folder, e.Name()))
			}
		}
	}
	for i := range a.domain.ParticipantCount() {
		if generation, live := a.domain.State(uint16(i)); live {
			a.fault("record %d, generation %d, is LIVE when all have left", i, generation)
		}
	}
	a.checkSuccessors(waiting)
}

// checkSuccessors checks bells of free records: that no more are left than joiners were killed,
// and that who takes their index next removes them.
func (a *arena) checkSuccessors(waiting []uint16) {
	if len(waiting) == 0 {
		return
	}
	if n := a.joining.Load(); int64(len(waiting)) > n {
		a.fault("bells left behind when all have left: %d, where %d were killed that may have been joining", waiting, n)
	}
	last := slices.Max(waiting)
	var successors []*shm.Participant
	for len(successors) == 0 || successors[len(successors)-1].Index() < last {
		p, err := a.domain.Join(shm.Info{Name: "successor"})
		if err != nil {
			a.fault("join index %d, where a bell is left: %v", last, err)
			break
		}
		successors = append(successors, p)
	}
	for _, p := range successors {
		if err := p.Close(); err != nil {
			a.fault("leave: %v", err)
		}
	}
	for _, index := range waiting {
		if _, err := os.Lstat(filepath.Join(a.domain.Dir(), "live", strconv.Itoa(int(index)))); !errors.Is(err, fs.ErrNotExist) {
			a.fault("a bell is left behind by who took its index next: %d, %v", index, err)
		}
	}
}
