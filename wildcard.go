//go:build linux

package ringcast

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// A finder joins the topics of a pattern. It is shared by the subscription's
// reader and the bus's watch: the watch joins a topic as soon as it appears,
// also while the reader is busy, since the topic's publisher waits for it.
type finder struct {
	mu     sync.Mutex
	begun  bool            // the topics that were there at the subscription are joined
	ended  bool            // the subscription is closed
	known  map[string]bool // topics joined or refused
	found  []*source       // joined, not yet taken by the reader
	events []error         // what could not be joined, once each
}

// discover joins every topic that matches and is not known yet.
func (s *Subscription) discover(o ring.JoinOptions) {
	f := &s.finder
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return
	}
	topics, err := s.bus.topicNames()
	if err != nil {
		f.events = append(f.events, &TopicError{Topic: s.pattern, Err: err})
	}
	if f.known == nil {
		f.known = make(map[string]bool)
	}
	for _, topic := range topics {
		if f.known[topic] || !shm.Match(s.pattern, topic) {
			continue
		}
		f.known[topic] = true
		src, err := s.openSource(topic, o)
		if err != nil {
			f.events = append(f.events, &TopicError{Topic: topic, Err: err})
			continue
		}
		f.found = append(f.found, src)
	}
	f.begun = true
}

// appeared joins, for the watch, the topics that have come, from their first
// position: nobody can have published there before they appeared.
func (s *Subscription) appeared() {
	s.finder.mu.Lock()
	begun := s.finder.begun
	s.finder.mu.Unlock()
	if begun {
		s.discover(ring.JoinOptions{Latest: s.config.Latest, FromSet: true})
	}
}

// follow takes over what was found since the last look.
func (s *Subscription) follow() {
	if s.bus.changes.Load() != s.wait.seen {
		s.takeFound()
	}
}

func (s *Subscription) takeFound() {
	s.wait.seen = s.bus.changes.Load() // before the look
	f := &s.finder
	f.mu.Lock()
	defer f.mu.Unlock()
	s.sources = append(s.sources, f.found...)
	s.gather()
	s.events = append(s.events, f.events...)
	f.found, f.events = nil, nil
}

// endFinder lets nothing more be joined, and then hands over what was.
func (s *Subscription) endFinder() {
	s.finder.mu.Lock()
	s.finder.ended = true
	s.finder.mu.Unlock()
	s.takeFound()
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

// A topicWatch tells the patterns of a bus when topics appear, and joins those that
// match. It is owned by the bus.
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
		patterns := b.patterns()
		for _, s := range patterns {
			s.appeared()
		}
		b.changes.Add(1)
		for _, s := range patterns {
			s.wait.wake()
		}
	}
}

// patterns are the bus's subscriptions with wildcards.
func (b *Bus) patterns() []*Subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []*Subscription
	for m := range b.members {
		if s, ok := m.(*Subscription); ok && s.wild {
			list = append(list, s)
		}
	}
	return list
}

func (w *topicWatch) close() {
	close(w.ended)
	if w.events != nil {
		_ = w.events.Close()
	}
}
