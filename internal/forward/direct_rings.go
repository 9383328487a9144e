package forward

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A box is a ring of the inbox of a participant of this node.
type box struct {
	file     *ring.File
	seat     ring.Seat
	producer *ring.Producer
	room     int
	asked    time.Duration // when the kernel said last that its owner lives
}

const (
	mailBox = iota
	repliesBox
)

// askAgain is how old an answer of the kernel may be.
const askAgain = 10 * time.Millisecond

// Alive reports whether a participant of this node is there, by its record.
func (d *direct) Alive(a shm.Address) bool {
	generation, live := d.f.domain.State(a.Index)
	node, epoch := d.f.domain.Node()
	return live && a.Node == node && a.Epoch == epoch && a.Generation == generation
}

// box finds a ring of an inbox, or opens it; nil: there is none.
func (d *direct) box(a shm.Address, which int) *box {
	if b := d.boxes[which][a]; b != nil {
		if b.seat.Taken() {
			return b
		}
		d.dropBox(which, a)
	}
	name := fmt.Sprintf("%d.%d%s", a.Index, a.Generation, [...]string{".mail", ".replies"}[which])
	file, err := ring.OpenFile(filepath.Join(d.f.domain.Dir(), "inbox", name), d.f.host, ring.FileOptions{Write: true, Existing: true})
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.f.cfg.Log("inbox of %v: %v", a, err)
		}
		return nil
	}
	b := &box{file: file, room: file.Shape().Payload - layout.AddressBlockSize, asked: ring.Now()}
	var seated bool
	b.seat, seated = file.SeatOf(a.Index)
	if b.producer, err = file.NewProducer(d.f.self.Address()); err != nil || !seated {
		_ = file.Close()
		return nil
	}
	d.boxes[which][a] = b
	return b
}

func (d *direct) dropBox(which int, a shm.Address) {
	b := d.boxes[which][a]
	delete(d.boxes[which], a)
	d.letGo(b.producer, b.file)
}

// letGo closes a ring that somebody may have to be woken for.
func (d *direct) letGo(p *ring.Producer, file *ring.File) {
	d.tell()
	cutOff(func() {
		p.Close()
		_ = file.Close()
	})
}

// Mail puts a message into the mail of its destination.
func (d *direct) Mail(m *uplink.Message) (o uplink.Outcome, limit int) {
	if !d.Alive(m.Destination) {
		return uplink.Gone, 0
	}
	o = uplink.NoService
	d.guard(mailBox, m.Destination, func() { o, limit = d.mail(m) })
	return o, limit
}

func (d *direct) mail(m *uplink.Message) (uplink.Outcome, int) {
	b := d.box(m.Destination, mailBox)
	if b == nil {
		return uplink.NoService, 0
	}
	if now := ring.Now(); now-b.asked >= askAgain {
		if b.asked = now; !d.f.domain.Alive(m.Destination.Index) {
			return uplink.Gone, 0
		}
	}
	if len(m.Payload) > b.room {
		return uplink.TooLarge, b.room
	}
	switch err := d.publish(b.producer, m); {
	case err == nil:
		return uplink.Put, 0
	case err == ring.ErrFull || err == ring.ErrStalled:
		return uplink.Full, 0
	}
	d.dropBox(mailBox, m.Destination)
	return uplink.NoService, 0
}

// codeTooLarge says that an answer does not fit the caller's inbox.
const codeTooLarge = 8

// Reply puts an answer into the replies of its destination.
func (d *direct) Reply(m *uplink.Message) (put bool) {
	if !d.Alive(m.Destination) {
		return false
	}
	d.guard(repliesBox, m.Destination, func() {
		b := d.box(m.Destination, repliesBox)
		if b == nil {
			return
		}
		if len(m.Payload) > b.room {
			m.Kind, m.More, m.Code, m.Payload = layout.MessageKindError, false, codeTooLarge, nil
		}
		err := d.publish(b.producer, m)
		if put = err == nil; !put && err != ring.ErrFull && err != ring.ErrStalled {
			d.dropBox(repliesBox, m.Destination)
		}
	})
	return put
}

// guard runs f, which uses the ring of an inbox; one that was cut off is let go of.
func (d *direct) guard(which int, a shm.Address, f func()) {
	if cutOff(f) {
		d.f.counters.damaged.Add(1)
		if d.boxes[which][a] != nil {
			d.dropBox(which, a)
		}
	}
}

// publish puts a message into a ring of this node.
func (d *direct) publish(p *ring.Producer, m *uplink.Message) error {
	now := ring.Now()
	m.Write(d.block[:], now, true)
	meta := ring.Meta{Kind: m.Kind, Content: m.Content, Flags: layout.MessageFlagRemote, Schema: m.Schema, Block: d.block[:]}
	if m.More {
		meta.Flags |= layout.MessageFlagMore
	}
	if m.Sequence != 0 {
		meta.Source, meta.Sequence = m.Source, m.Sequence
	}
	for {
		err := p.TryPublishQuietly(m.Payload, &meta)
		if err == ring.ErrFenced {
			continue
		}
		if err == nil {
			d.published(p)
		}
		return err
	}
}

// isRetired reports whether a ring has to be opened anew.
func isRetired(err error) bool {
	var damaged *ring.DamagedError
	return errors.Is(err, ring.ErrRetired) || errors.Is(err, os.ErrClosed) || errors.As(err, &damaged)
}
