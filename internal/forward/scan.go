package forward

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

func (f *Forwarder) topicPath(name string) string {
	return filepath.Join(f.domain.Dir(), "topics", name)
}

// interests is what the participants of this node say of themselves.
type interests struct {
	published map[string]bool           // names
	wanted    []string                  // names and patterns, sorted
	local     map[string]bool           // the same as a set
	histories []mcast.HistoryWant       // of these, with what was published before; by name
	rows      []table.RemoteParticipant // what other nodes are told of them, by ascending index
	unread    []participant             // who lives and can't be read now
	dead      []participant             // who has died and was not recovered yet
	services  map[uint64]string         // names by hash
}

// interests reads the participants' records.
func (f *Forwarder) interests() interests {
	all := interests{published: map[string]bool{}, local: map[string]bool{}, services: map[uint64]string{}}
	backs := map[string]uint32{}
	rows, err := f.domain.Participants()
	if err != nil {
		f.cfg.Log("participants: %v", err)
	}
	for _, row := range rows {
		if row.Index == f.self.Index() {
			continue
		}
		who := participant{row.Index, row.Generation}
		switch {
		case !row.Alive:
			all.dead = append(all.dead, who)
			continue
		case row.Err != nil:
			all.unread = append(all.unread, who)
			continue
		}
		all.rows = append(all.rows, rowOf(&row))
		for _, s := range row.Info.Services {
			all.services[nameHash(s.Name)] = s.Name
		}
		for _, i := range row.Info.Interests {
			switch {
			case isOwn(i.Name): // what forwarders say is said and heard by them alone
			case i.Publisher:
				all.published[i.Name] = true
			case !i.LocalOnly:
				all.local[i.Name] = true
				if i.History != 0 {
					backs[i.Name] = max(backs[i.Name], i.History)
				}
			}
		}
	}
	all.wanted = append(all.wanted, f.direct.topic, directoryTopic)
	for name := range all.local {
		all.wanted = append(all.wanted, name)
	}
	slices.Sort(all.wanted)
	all.histories = historiesOf(backs)
	return all
}

// scan looks who publishes and subscribes here, tells the others what this node
// wants, and begins or ends the forwarding of topics. It says false where another scan has to end what it began.
func (f *Forwarder) scan() bool {
	all := f.interests()
	f.mu.Lock()
	defer f.unlock()
	if f.renewal.holds() { // it has begun meanwhile: nobody wants anything yet
		f.rescan.Store(true)
		return false
	}
	f.tellWants(all)
	f.setRows(f.now(), &all)
	f.scanOut(all)
	f.heed()
	f.scanIn(all)
	f.seen = all.published
	f.direct.names = all.services
	f.direct.look()
	f.kick()
	return !f.renewal.holds()
}

// tellWants gives the engine the list of what is wanted here, if it has another. A
// session begins with it: peers must not take the new session for one that wants
// nothing.
func (f *Forwarder) tellWants(all interests) {
	if f.told && slices.Equal(f.wanted, all.wanted) && slices.Equal(f.histories, all.histories) {
		return
	}
	if err := f.engine.SetHistories(f.now(), all.histories); err != nil {
		f.cfg.Log("histories: %v", err)
	}
	if err := f.engine.SetWants(f.now(), all.wanted); err != nil {
		f.cfg.Log("wants: %v", err)
	}
	f.wanted, f.histories, f.told = all.wanted, all.histories, true
}

// scanOut opens what is published here and wanted elsewhere, and closes what
// nobody publishes any more once all of it was handed over.
func (f *Forwarder) scanOut(all interests) {
	maps.DeleteFunc(f.failed, func(name, _ string) bool { return !all.published[name] })
	for name := range all.published {
		if f.out[name] != nil || f.engine.WantedBy(name) == 0 {
			continue
		}
		fresh := f.seen != nil && !f.seen[name]
		o, err := f.openOut(name, fresh)
		if errors.Is(err, mcast.ErrTopics) {
			if fresh {
				delete(all.published, name) // still is when it is looked at again
			}
			if f.renew("topics") {
				continue
			}
		}
		if err != nil {
			f.noteUnopened(name, err)
			continue
		}
		delete(f.failed, name)
		f.cfg.Log("topic %q is forwarded", name)
		f.out[name] = o
		f.writeLater()
	}
	for name, o := range f.out {
		o.leaving = !all.published[name]
		done := false
		if cutOff(func() { done = o.leaving && o.done() }) {
			f.dropOut(o)
			continue
		}
		if f.engine.WantedBy(name) == 0 || done {
			f.cfg.Log("topic %q is no longer forwarded", name)
			f.closeOut(name)
		}
	}
}

// heed has the directory say what the peers want, now that the rings of it are entered: who reads it there may publish, and
// will be heard. Mu is held.
func (f *Forwarder) heed() {
	if f.renewal.holds() { // it has begun meanwhile: not all could be opened
		return
	}
	for peer, wants := range f.peers {
		if !slices.Equal(f.heeded[peer], wants) {
			f.heeded[peer] = wants
			f.writeSoon()
		}
	}
}

// forgetHeeded has the directory say no more what a peer has let go of, even if it wants that again before the next scan:
// its rings may have been left. Mu is held.
func (f *Forwarder) forgetHeeded(peer *mcast.Peer) {
	before := f.heeded[peer]
	if len(before) == 0 {
		return
	}
	still := make(map[string]bool, len(f.peers[peer]))
	for _, want := range f.peers[peer] {
		still[want] = true
	}
	after := slices.DeleteFunc(slices.Clone(before), func(want string) bool { return !still[want] })
	if len(after) != len(before) {
		f.heeded[peer] = after
		f.writeSoon()
	}
}

// openAgain is how soon a ring that could not be opened is tried again: nobody
// need say anything new for it to work then.
const openAgain = 500 * mcast.Millisecond

// noteUnopened says, once, why a topic is not forwarded.
func (f *Forwarder) noteUnopened(name string, err error) {
	f.counters.unopened.Add(1)
	if f.failed[name] != err.Error() {
		f.cfg.Log("topic %q: %v", name, err)
		f.failed[name] = err.Error()
	}
	f.again = f.now() + openAgain
}

// scanDue reports, once, that the participants have changed since the last scan, that somebody wants one, or that it is
// time to try again what could not be opened; but not while a new session is on its way.
func (f *Forwarder) scanDue(changes uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.renewal.holds() {
		return false
	}
	due := f.againDue()
	if due {
		f.again = 0
	}
	return f.rescan.Swap(false) || due || changes != f.scanned.Load()
}

// scanNear is scanDue for who does not scan.
func (f *Forwarder) scanNear() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.againDue()
}

func (f *Forwarder) againDue() bool { return f.again != 0 && f.now() >= f.again }

// scanIn lets go of rings whose subscribers have gone.
func (f *Forwarder) scanIn(all interests) {
	for name := range f.in {
		wanted := all.local[name] || slices.ContainsFunc(all.wanted, func(p string) bool { return shm.Match(p, name) })
		if !wanted {
			f.closeIn(name)
		}
	}
}

// peersChanged has the directory written anew, and looks which topics are wanted now.
// Forwarder.mu is held.
func (f *Forwarder) peersChanged() {
	f.writeSoon()
	f.wantRescan()
}
