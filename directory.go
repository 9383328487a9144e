package ringcast

import (
	"context"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/shm"
)

// directoryPause is how often somebody who waits for subscribers looks again.
const directoryPause = 2 * time.Millisecond

// WaitForSubscribers waits until a topic has n subscriptions, those with
// matching patterns included: of this node, and of other nodes as far as its
// forwarder knows them. It is for those who must not speak into an empty room.
//
// Errors: the context's, ErrClosed, ErrBadName.
func (b *Bus) WaitForSubscribers(ctx context.Context, topic string, n int) error {
	if err := shm.ValidName(topic); err != nil {
		return err
	}
	tick := time.NewTicker(directoryPause)
	defer tick.Stop()
	for {
		have, err := b.Subscribers(topic)
		if err != nil || have >= n {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("topic %q: %d of %d subscriptions: %w", topic, have, n, ctx.Err())
		}
	}
}

// Subscribers counts the subscriptions of a topic as WaitForSubscribers does.
// System calls, one a participant of the node at least.
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
	nodes, err := otherNodes(b.domain)
	if err != nil {
		return 0
	}
	count := 0
	for i := range nodes {
		count += nodeSubscribers(&nodes[i], topic)
	}
	return count
}

// otherNodes are those that this node's forwarder wrote last; none if it never did.
func otherNodes(d *shm.Domain) ([]table.NodeInfo, error) {
	bytes, err := d.ReadDirectory()
	if err != nil || len(bytes) == 0 {
		return nil, err
	}
	t, err := table.ParseDirectory(bytes)
	return t.Nodes, err
}

// nodeSubscribers counts those of one node: one by one if it lists them, and
// otherwise one if it wants the topic at all.
func nodeSubscribers(n *table.NodeInfo, topic string) int {
	count := 0
	for i := range n.Participants {
		for j := range n.Participants[i].Info.Interests {
			if in := &n.Participants[i].Info.Interests[j]; !in.LocalOnly && wants(in, topic) {
				count++
			}
		}
	}
	if count > 0 {
		return count
	}
	for _, pattern := range n.Wants {
		if pattern == topic || shm.Match(pattern, topic) {
			return 1
		}
	}
	return 0
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
