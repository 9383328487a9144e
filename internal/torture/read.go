package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// A readerLog is the file in which a reader that may be killed leaves its
// deliveries: records of two words, the position of a message and 0, or of a
// LAGGED event. The first is the position where it joined.
type readerLog struct {
	file *os.File
	w    *bufio.Writer
}

// logPath names the file of the slot's reader of that seed.
func logPath(base string, slot int, seed uint64) string {
	return filepath.Join(base, fmt.Sprintf("reader-%d-%x", slot, seed))
}

func (l *readerLog) put(position, count uint64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], position)
	binary.LittleEndian.PutUint64(b[8:], count)
	_, _ = l.w.Write(b[:])
}

// readLog reads what a reader left: all but what it had not yet written down.
func readLog(path string) (joined uint64, delivered []uint64, spans []lagSpan, err error) {
	b, err := os.ReadFile(path)
	for i := 0; i+16 <= len(b); i += 16 {
		position, count := binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+8:])
		switch {
		case i == 0:
			joined = position
		case count == 0:
			delivered = append(delivered, position)
		default:
			spans = append(spans, lagSpan{position, count})
		}
	}
	return joined, delivered, spans, err
}

// read is a reliable reader that checks what it reads, again after a while, and
// leaves word of it in its log.
func (c *child) read() error {
	if err := c.enter(false); err != nil {
		return err
	}
	f, err := os.Create(logPath(c.Base, c.Slot, c.Seed))
	if err != nil {
		return err
	}
	defer f.Close()
	log := &readerLog{f, bufio.NewWriterSize(f, 1<<12)}
	rd, err := c.file.Join(ring.JoinOptions{})
	if err == ring.ErrRetired {
		err = c.follow(rd)
	}
	if err != nil {
		return err
	}
	log.put(rd.Cursor(), 0)
	ms := make([]ring.Message, mostInHand)
	for c.ctx.Err() == nil {
		c.set(slotPosition, rd.Cursor())
		if err := c.readSome(rd, ms[:1+c.rng.IntN(len(ms))], log); err != nil {
			return err
		}
	}
	var m ring.Message
	for err = rd.Next(&m); err == nil; err = rd.Next(&m) { // what is there still
		log.put(m.Position, 0)
	}
	rd.Close()
	if err := log.w.Flush(); err != nil {
		return err
	}
	return c.leave()
}

// mostInHand is the largest batch.
const mostInHand = 20

// readSome takes what comes next, one message or a batch, or waits for it.
func (c *child) readSome(rd *ring.Reader, ms []ring.Message, log *readerLog) (err error) {
	n := 1
	if len(ms) > 1 {
		n, err = rd.NextBatch(ms)
	} else {
		err = rd.Next(&ms[0])
	}
	var lagged *ring.LaggedError
	switch {
	case err == nil:
		return c.deliver(ms[:n], log)
	case err == ring.ErrEmpty:
		_ = log.w.Flush()
		_ = c.waiter.Await(c.ctx, []*ring.Reader{rd})
	case errors.As(err, &lagged):
		log.put(lagged.First, lagged.Missed)
		c.add(slotLagged)
		return log.w.Flush()
	case err == ring.ErrRetired:
		return c.follow(rd)
	default:
		return err
	}
	return nil
}

// deliver checks messages, and then all of them once more: bytes in hand never change,
// also while others of the same batch are read.
func (c *child) deliver(ms []ring.Message, log *readerLog) error {
	for i := range ms {
		if err := c.look(&ms[i]); err != nil {
			return err
		}
		log.put(ms[i].Position, 0)
		c.add(slotReceived)
	}
	for i := range ms {
		if err := checkPayload(ms[i].Payload, ms[i].Producer, ms[i].Sequence); err != nil {
			return fmt.Errorf("bytes changed in hand, in a batch: %w", err)
		}
	}
	return nil
}

// look checks a message, and once more after a while: bytes in hand never change.
func (c *child) look(m *ring.Message) error {
	if err := checkPayload(m.Payload, m.Producer, m.Sequence); err != nil {
		return err
	}
	mark("reading")
	if c.rng.IntN(500) == 0 {
		time.Sleep(time.Duration(c.rng.IntN(3000)) * time.Microsecond)
	}
	if err := checkPayload(m.Payload, m.Producer, m.Sequence); err != nil {
		return fmt.Errorf("bytes changed in hand: %w", err)
	}
	return nil
}

// follow goes on in the ring that took the topic's name.
func (c *child) follow(rd *ring.Reader) error {
	old := c.file
	next, err := c.openTopic(c.Topic, ring.FileOptions{})
	if err != nil {
		return err
	}
	c.file = next
	if err := rd.Follow(next.Ring); err != nil {
		return err
	}
	return old.Close()
}

// sweep recovers the dead again and again.
func (c *child) sweep() (err error) {
	if err := c.join(); err != nil {
		return err
	}
	c.set(slotReady, 1)
	for c.ctx.Err() == nil {
		if _, err := ring.Sweep(c.domain); err != nil {
			var rights *ring.RightsError
			if !errors.As(err, &rights) { // a ring that somebody is just removing
				return err
			}
		}
		c.add(slotOps)
		c.pause(time.Duration(c.rng.IntN(3000)) * time.Microsecond)
	}
	return c.leave()
}
