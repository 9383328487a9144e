package forward

import (
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/roster"
	"github.com/ringcast/ringcast/mcast"
)

const (
	// sampleApart is how often the services here are asked how much they have to do.
	sampleApart = 100 * mcast.Millisecond
	// roomsLater is how long the rooms of other nodes may wait before they are written:
	// every process that reads the directory decodes all of it then.
	roomsLater = 250 * time.Millisecond
)

// setRooms tells the roster how many requests more the services of this node would take.
// Those whose ring nobody has asked for through this forwarder count as idle. Mu is held.
func (f *Forwarder) setRooms(now mcast.Time) {
	f.dir.sampled = now
	var rooms []table.NodeService
	at := map[string]int{}
	for i := range f.dir.rows {
		for _, s := range f.dir.rows[i].Info.Services {
			k, ok := at[s.Name]
			if !ok {
				k = len(rooms)
				at[s.Name] = k
				rooms = append(rooms, table.NodeService{Name: s.Name})
			}
			rooms[k].Room += s.Limit
		}
	}
	for i := range rooms {
		s := &rooms[i]
		if r := f.direct.services[nameHash(s.Name)]; r != nil {
			s.Room -= min(s.Room, r.busy())
		}
	}
	f.dir.roster.SetRooms(roster.Time(now), rooms)
}

// busy is how many requests wait or are being run.
func (s *serviceRing) busy() (n uint32) {
	s.guarded(func() { n = uint32(s.queue.Waiting() + s.queue.Running()) })
	return n
}

// sampleRooms is setRooms where it is time. Mu is held.
func (f *Forwarder) sampleRooms(now mcast.Time) {
	if len(f.direct.services) != 0 && now-f.dir.sampled >= sampleApart {
		f.setRooms(now)
	}
}

// writeLater has the segment written anew, but not at once: for what changes often. Mu is held.
func (f *Forwarder) writeLater() {
	if f.dir.later {
		return
	}
	f.dir.later = true
	time.AfterFunc(roomsLater, func() {
		f.mu.Lock()
		f.dir.later = false
		f.mu.Unlock()
		f.writeSoon()
	})
}
