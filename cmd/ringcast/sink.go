package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync"
	"time"
)

// Framings of what sub writes.
const (
	framingNone   = iota // nothing is written
	framingRaw           // the payload and a line's end
	framingBinary        // the payload, led by its length
)

// flushAfter is how long a message may lie in the buffer.
const flushAfter = 10 * time.Millisecond

// A sink writes messages, many at a time. A timer of its own writes what would
// wait too long, so it locks; flush and write return the first error.
type sink struct {
	framing int
	failed  func(error) // called where the timer could not write; set before the first message

	mu    sync.Mutex
	w     *bufio.Writer // guarded by mu
	timer *time.Timer   // guarded by mu
	dirty bool          // guarded by mu: the timer runs
	err   error         // guarded by mu
	head  [4]byte       // guarded by mu
}

func newSink(w io.Writer, framing int) *sink {
	s := &sink{framing: framing, w: bufio.NewWriterSize(w, 1<<20)}
	s.timer = time.AfterFunc(time.Hour, func() {
		if err := s.flush(); err != nil && s.failed != nil {
			s.failed(err)
		}
	})
	s.timer.Stop()
	return s
}

// write adds one message. It allocates nothing.
func (s *sink) write(payload []byte) error {
	if s.framing == framingNone {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.framing == framingBinary {
		binary.LittleEndian.PutUint32(s.head[:], uint32(len(payload)))
		s.note(s.w.Write(s.head[:]))
	}
	s.note(s.w.Write(payload))
	if s.framing == framingRaw {
		s.note(0, s.w.WriteByte('\n'))
	}
	if !s.dirty {
		s.dirty = true
		s.timer.Reset(flushAfter)
	}
	return s.err
}

func (s *sink) note(_ int, err error) {
	if s.err == nil {
		s.err = err
	}
}

// flush writes what is in the buffer.
func (s *sink) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = false
	s.timer.Stop()
	s.note(0, s.w.Flush())
	return s.err
}
