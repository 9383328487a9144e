package ringcast

import (
	"context"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A subscriber that asked for a topic before its publisher came must read the publisher's
// first message. Subscribers of the topic's name are in its ring already; those of a
// pattern, and the forwarder for other nodes, enter it when they hear of it.
const (
	// forwarderPatience bounds how long a new publisher waits for the forwarder,
	// which takes less than a millisecond when it runs.
	forwarderPatience = time.Second
	// patternPatience bounds how long it waits for a process that watches topics: one that
	// is stopped, or has no thread for it, does not enter.
	patternPatience = 200 * time.Millisecond
)

// awaitAudience returns once those who asked for the topic are reading it, or their time is
// up.
func (b *Bus) awaitAudience(topic string, r *ring.Ring) {
	b.domain.AwaitForwarder(context.Background(), forwarderPatience)
	rows, err := b.domain.Participants()
	if err != nil {
		return // nobody can be asked, and there is nothing to wait for
	}
	end := time.Now().Add(patternPatience)
	for _, row := range rows {
		if row.Alive && watches(row, topic) {
			awaitAttached(r, row.Index, end)
		}
	}
}

// watches reports whether a participant subscribes to a pattern that matches.
func watches(row shm.Row, topic string) bool {
	for _, i := range row.Info.Interests {
		if i.Pattern && !i.Publisher && shm.Match(i.Name, topic) {
			return true
		}
	}
	return false
}

// awaitAttached polls, the first times within microseconds.
func awaitAttached(r *ring.Ring, participant uint16, end time.Time) {
	for pause := 20 * time.Microsecond; !r.Attached(participant); pause = min(2*pause, time.Millisecond) {
		if time.Now().After(end) {
			return
		}
		time.Sleep(pause)
	}
}
