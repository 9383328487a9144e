package ringcast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// directoryPause is how often somebody who waits for subscribers looks again.
const directoryPause = 2 * time.Millisecond

// WaitForSubscribers waits until a topic has n subscriptions, matching patterns included:
// on this node, and on other nodes as far as its forwarder knows them. Use it if the first
// message must not be missed.
//
// Errors: the context's (its deadline is *TimedOutError), ErrClosed, ErrBadName.
func (b *Bus) WaitForSubscribers(ctx context.Context, topic string, n int) error {
	if err := shm.ValidName(topic); err != nil {
		return err
	}
	begun, tick := ring.Now(), time.NewTicker(directoryPause)
	defer tick.Stop()
	for {
		have, err := b.Subscribers(topic)
		if err != nil || have >= n {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return &TimedOutError{Name: topic, Waited: ring.Now() - begun, kind: "topic", why: fmt.Sprintf(lateEmpty, have, n)}
			}
			return fmt.Errorf("topic %q: %d of %d subscriptions: %w", topic, have, n, ctx.Err())
		}
	}
}

// Subscribers counts the subscriptions of a topic as WaitForSubscribers does. It makes at
// least one system call for each participant of the node.
func (b *Bus) Subscribers(topic string) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, ErrClosed
	}
	count := 0
	for i, n := range b.interests {
		if wants(&i, topic) {
			count += n
		}
	}
	rows, err := b.domain.Participants()
	if err != nil {
		return 0, fmt.Errorf("participants: %w", err)
	}
	for _, row := range rows {
		if row.Alive && row.Index != b.self.Index() {
			count += countWants(row.Info.Interests, topic)
		}
	}
	return count + b.remoteSubscribers(topic), nil
}

// remoteSubscribers counts those of other nodes. A directory that can't be read
// has none: there may be no forwarder.
func (b *Bus) remoteSubscribers(topic string) int {
	d, err := b.domain.Directory()
	if err != nil {
		return 0
	}
	count := 0
	for i := range d.Nodes {
		count += nodeSubscribers(&d.Nodes[i], topic)
	}
	return count
}

// nodeSubscribers counts those of one node: one by one as far as it lists them, and one
// if it wants the topic and lists nobody who does. What it wants decides where messages go: a
// subscription that its node has not asked for yet does not count.
func nodeSubscribers(n *table.NodeInfo, topic string) int {
	asked := slices.DeleteFunc(slices.Clone(n.Wants), func(want string) bool { return want != topic && !shm.Match(want, topic) })
	if len(asked) == 0 {
		return 0
	}
	count := 0
	for i := range n.Participants {
		for j := range n.Participants[i].Info.Interests {
			if in := &n.Participants[i].Info.Interests[j]; !in.LocalOnly && wants(in, topic) && slices.Contains(asked, in.Name) {
				count++
			}
		}
	}
	return max(1, count)
}

func countWants(interests []shm.Interest, topic string) int {
	count := 0
	for i := range interests {
		if wants(&interests[i], topic) {
			count++
		}
	}
	return count
}

// wants reports whether an interest is a subscription that takes the topic.
func wants(i *shm.Interest, topic string) bool {
	return !i.Publisher && (i.Name == topic || i.Pattern && shm.Match(i.Name, topic))
}
