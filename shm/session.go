package shm

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// sessionStep bounds how far above another session one begins: a second, as sessions are times in ms.
const sessionStep = 1000

// RaiseSession begins a session above one that other nodes have seen of this
// node (the clock was set back, or the node segment was lost) and returns it. How far above is
// random: two machines of one id that are told of the same one must not begin the same one.
func (s *ForwarderSeat) RaiseSession(above uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = max(s.session, above) + 1 + rand.Uint64N(sessionStep)
	s.domain.session().Store(s.session)
	return s.session
}

// scanned is the value of Changes of which the forwarder has taken notice.
func (d *Domain) scanned() *atomic.Uint64 {
	return word64(d.node.Bytes(), layout.SegmentHeaderSize+layout.NodeRecordScannedOffset)
}

// SetScanned says that the forwarder has acted on what the participants said when
// Changes was that: it reads the rings of all publishers that other nodes want.
func (s *ForwarderSeat) SetScanned(changes uint64) {
	s.domain.scanned().Store(changes) // pairs(scanned): the readers are entered.
}

// AwaitForwarder returns once the forwarder of this node, if one lives, has acted
// on what the participants have said so far, so that what is published from here
// on reaches the nodes that want it. It returns false when patience or ctx is
// over; true also where there is no forwarder. It polls, the first times within
// microseconds; system calls.
func (d *Domain) AwaitForwarder(ctx context.Context, patience time.Duration) bool {
	changes := d.Changes()
	end := time.Now().Add(patience)
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		if int64(d.scanned().Load()-changes) >= 0 { // pairs(scanned)
			return true
		}
		if !d.ForwarderAlive() {
			return true
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return false
		}
		time.Sleep(pause)
	}
}
