package ringcast

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// scan joins every topic that matches and was not joined yet. What a pattern
// cannot open is an event in its stream, once.
func (s *Subscription) scan(o ring.JoinOptions) error {
	s.wait.seen = s.bus.changes.Load() // before the look
	topics, err := s.bus.topicNames()
	if err != nil {
		return err
	}
	for _, topic := range topics {
		if !shm.Match(s.pattern, topic) || s.broken[topic] || s.reads(topic) {
			continue
		}
		if err := s.join(topic, o); err != nil {
			if s.broken == nil {
				s.broken = make(map[string]bool)
			}
			s.broken[topic] = true
			s.events = append(s.events, &TopicError{Topic: topic, Err: err})
		}
	}
	return nil
}

// follow joins the topics that appeared since the last look, from their first
// position: nobody can have published there before they appeared.
func (s *Subscription) follow() {
	if s.bus.changes.Load() == s.wait.seen {
		return
	}
	if err := s.scan(ring.JoinOptions{Latest: s.config.Latest, FromSet: true}); err != nil {
		s.events = append(s.events, &TopicError{Topic: s.pattern, Err: err})
	}
}

func (s *Subscription) reads(topic string) bool {
	return slices.ContainsFunc(s.sources, func(src *source) bool { return src.topic == topic })
}

// topicNames lists the topics that have a ring.
func (b *Bus) topicNames() ([]string, error) { return topicNames(b.topicsDir()) }

func topicNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".ctl")
		if ok && shm.ValidName(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// A topicWatch tells the patterns of a bus when topics appear. It is owned by the
// bus; its goroutine only counts and rings.
type topicWatch struct {
	events *os.File // inotify
	ended  chan struct{}
}

// watchTopics begins to watch, unless that was done before.
func (b *Bus) watchTopics() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	if b.watch != nil {
		return nil
	}
	events, err := watchDirectory(b.topicsDir())
	if err != nil {
		return err
	}
	b.watch = &topicWatch{events: events, ended: make(chan struct{})}
	go b.watch.run(b)
	return nil
}

// watchDirectory asks for news of names that appear. Where the limit on watches
// is reached it returns nil: then the directory is looked at now and then.
func watchDirectory(dir string) (*os.File, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err == nil {
		if _, err = unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVED_TO); err == nil {
			return os.NewFile(uintptr(fd), dir), nil
		}
		_ = unix.Close(fd)
	}
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOSYS) {
		return nil, nil
	}
	return nil, fmt.Errorf("watch %q: %w", dir, err)
}

// rescanEvery is how often the directory is looked at where it can't be watched.
const rescanEvery = 50 * time.Millisecond

func (w *topicWatch) run(b *Bus) {
	buf := make([]byte, 16<<10)
	for {
		if w.events == nil {
			select {
			case <-w.ended:
				return
			case <-time.After(rescanEvery):
			}
		} else if _, err := w.events.Read(buf); err != nil {
			return // closed
		}
		b.changes.Add(1)
		b.wake()
	}
}

func (w *topicWatch) close() {
	close(w.ended)
	if w.events != nil {
		_ = w.events.Close()
	}
}
