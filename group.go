package ringcast

import (
	"errors"
	"fmt"

	"github.com/ringcast/ringcast/ring"
)

// joinTries bounds how often a ring may be replaced while a group is joined.
const joinTries = 10

// joinGroup makes the topic's source a member of our group. The file is its own from
// then on; on an error it is closed.
func (s *Subscription) joinGroup(topic string, file *ring.File) (_ *source, err error) {
	for range joinTries {
		src := newSource(s, topic, file)
		src.member, err = file.JoinGroup(s.config.Group, s.groupOptions(src))
		if err == nil {
			return src, nil
		}
		err = errors.Join(s.groupError(topic, err), file.Close())
		if !errors.Is(err, ring.ErrRetired) {
			return nil, err
		}
		if file, err = s.bus.openRing(topic, ring.FileOptions{}); err != nil {
			return nil, err
		}
	}
	return nil, errors.Join(s.groupError(topic, ring.ErrRetired), file.Close())
}

func (s *Subscription) groupOptions(src *source) ring.GroupOptions {
	return ring.GroupOptions{Self: s.bus.Address(), Tag: src.tag}
}

func (s *Subscription) groupError(topic string, err error) error {
	if err == ring.ErrMode {
		return fmt.Errorf("topic %q is of mode latest: group %q wants a reliable one: %w", topic, s.config.Group, err)
	}
	return fmt.Errorf("topic %q: group %q: %w", topic, s.config.Group, err)
}

// moveMember goes over to the successor of a ring. A member that could not follow is
// closed, and joins anew at the next try.
func (s *Subscription) moveMember(src *source, next *ring.File) error {
	err := src.member.Follow(next)
	if err != ErrClosed {
		return err
	}
	member, err := next.JoinGroup(s.config.Group, s.groupOptions(src))
	if err != nil {
		return s.groupError(src.topic, err)
	}
	src.member = member
	s.gather()
	return nil
}

// take takes the next messages of a topic, and ends those before. A member has one in
// hand.
func (src *source) take(ms []Message) (int, error) {
	if src.member == nil {
		return src.reader.NextBatch(rawOf(ms))
	}
	if err := src.member.Next(&ms[0].raw); err != nil {
		return 0, err
	}
	return 1, nil
}

// cursor is how far the source has read.
func (src *source) cursor() uint64 {
	if src.member != nil {
		return src.member.Cursor()
	}
	return src.reader.Cursor()
}

// leave ends the reading. What a member has in hand counts as handled: whoever
// closes has come to its end.
func (src *source) leave() {
	if src.member != nil {
		src.member.Done()
		src.member.Close()
		return
	}
	src.reader.Close()
}
