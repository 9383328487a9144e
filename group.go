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
func (s *Subscription) joinGroup(topic string, file *ring.File) (*source, error) {
	for range joinTries {
		member, err := file.JoinGroup(s.config.Group, s.groupOptions())
		if err == nil {
			return &source{topic: topic, file: file, member: member}, nil
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

func (s *Subscription) groupOptions() ring.GroupOptions {
	return ring.GroupOptions{Self: s.bus.Address()}
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
	member, err := next.JoinGroup(s.config.Group, s.groupOptions())
	if err != nil {
		return s.groupError(src.topic, err)
	}
	src.member = member
	s.gather()
	return nil
}

// next takes the next message of a topic, and ends the one before.
func (src *source) next(m *ring.Message) error {
	if src.member != nil {
		return src.member.Next(m)
	}
	return src.reader.Next(m)
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
