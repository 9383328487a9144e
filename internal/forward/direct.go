package forward

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A direct is what the forwarder has for messages between participants of different nodes
// (spec/messaging.md, 13): the uplink, a router that decides, and the rings of this node
// that it puts them into. But for open and close it is guarded by Forwarder.mu.
type direct struct {
	f      *Forwarder
	router *uplink.Router

	file    *ring.File // the uplink
	reader  *ring.Reader
	message ring.Message
	letter  uplink.Message

	boxes    [2]map[shm.Address]*box
	services map[uint64]*serviceRing
	names    map[uint64]string // of the services of this node, by hash
	untold   []*ring.Producer  // messages were put into their rings, and nobody was woken yet
	dir      *shm.Directory
	serving  map[uint64][]shm.ServiceNode // by hash, of dir

	nodes    map[*mcast.Peer]*uplink.Node
	sent     map[uint32]*[uplink.Streams + 1]uint64 // the last sequence of each stream, by node
	wire     mcast.Message
	block    [layout.AddressBlockSize]byte
	sending  bool // the engine may be called
	topic    string
	lastSeen uplink.Counts
}

// patience is the stall budget of the uplink: nobody is put out of it.
const patience = time.Hour

func newDirect(f *Forwarder) *direct {
	d := &direct{f: f, services: map[uint64]*serviceRing{}, names: map[uint64]string{}, serving: map[uint64][]shm.ServiceNode{},
		nodes: map[*mcast.Peer]*uplink.Node{}, sent: map[uint32]*[uplink.Streams + 1]uint64{}, topic: uplink.Topic(f.node())}
	for i := range d.boxes {
		d.boxes[i] = map[shm.Address]*box{}
	}
	d.router = uplink.New(d, f.self.Address(), 0)
	return d
}

// open makes the uplink: before the seat is taken, so that who sees a forwarder finds it.
func (d *direct) open() error {
	c := &d.f.cfg
	shape := ring.Shape{Slots: c.UplinkSlots, Payload: c.UplinkSlotSize + layout.AddressBlockSize, Purpose: ring.Uplink, StallBudget: patience}
	file, err := ring.OpenFile(d.path(), d.f.host, ring.FileOptions{Shape: shape, Write: true})
	if err != nil {
		return fmt.Errorf("uplink: %w", err)
	}
	reader, err := file.Join(ring.JoinOptions{})
	if err != nil {
		return errors.Join(fmt.Errorf("uplink: %w", err), file.Close())
	}
	d.file, d.reader = file, reader
	return nil
}

func (d *direct) path() string {
	a := d.f.self.Address()
	return filepath.Join(d.f.domain.Dir(), "inbox", fmt.Sprintf("%d.%d.uplink", a.Index, a.Generation))
}

// close lets go of all rings.
func (d *direct) close() {
	for which := range d.boxes {
		for a := range d.boxes[which] {
			d.dropBox(which, a)
		}
	}
	for _, s := range d.services {
		s.close()
	}
	d.tell()
	if d.file != nil {
		d.reader.Close()
		if err := d.file.Close(); err != nil {
			d.f.cfg.Log("uplink: %v", err)
		}
	}
}

// pump hands what lies in the uplink to the router, and sends what waits.
func (d *direct) pump() (t turn) {
	if cutOff(func() { t = d.pumpRing() }) {
		d.f.counters.damaged.Add(1)
		d.reopen()
	}
	return t
}

func (d *direct) pumpRing() (t turn) {
	d.sending = true
	defer func() { d.sending = false }()
	for t.moved < pumpBatch {
		err := d.reader.Next(&d.message)
		if err == nil {
			t.moved++
			d.read()
			continue
		}
		if errors.Is(err, ring.ErrEmpty) {
			break
		}
		d.f.counters.damaged.Add(1)
		if errors.Is(err, ring.ErrRetired) {
			d.reopen()
			break
		}
	}
	t.more = t.moved == pumpBatch
	now := ring.Now()
	d.router.Read(now, d.reader.Cursor())
	t.busy = d.router.Pump(now)
	d.router.Tick(now)
	d.count()
	return t
}

// read takes the message that was just read.
func (d *direct) read() {
	now := ring.Now()
	if b := d.message.Payload; len(d.message.Block) == 0 && len(b) >= layout.AddressBlockSize { // in several slots
		d.message.Block, d.message.Payload = b[:layout.AddressBlockSize], b[layout.AddressBlockSize:]
	}
	if !uplink.Kinds(d.message.Kind) || !d.letter.Read(d.message.Block, now) {
		d.f.counters.damaged.Add(1)
		return
	}
	m := &d.letter
	m.Kind, m.Content, m.Schema, m.Payload = d.message.Kind, d.message.Content, d.message.Schema, d.message.Payload
	m.More = d.message.Flags&layout.MessageFlagMore != 0
	m.Sequence = 0
	d.router.FromHere(now, m)
}

// reopen makes a new uplink in the place of a damaged one: what lay in it is lost.
func (d *direct) reopen() {
	d.f.cfg.Log("uplink: its ring was damaged and is made anew")
	cutOff(d.reader.Close)
	cutOff(func() { d.file.Retire(); _ = d.file.Close() })
	if err := d.open(); err != nil {
		d.f.cfg.Log("%v: no requests to other nodes until the forwarder starts again", err)
		d.f.again = d.f.now() + openAgain
	}
}

// flush sends what was refused while the engine was at work.
func (d *direct) flush() {
	d.sending = true
	d.router.Pump(ring.Now())
	d.sending = false
}

// arm asks to be woken by the next message of the uplink. False: there is one.
func (d *direct) arm() (time.Duration, bool) {
	rest, idle := idleSleep, true
	if cutOff(func() {
		idle = !d.reader.Arm()
		rest = d.reader.Patience()
	}) {
		d.reopen()
	}
	return rest, idle
}

// look sees who has gone since the last look: of them requests may be in nobody's hand.
func (d *direct) look() {
	var tail uint64
	if cutOff(func() { tail = d.file.Tail() }) {
		return
	}
	now := ring.Now()
	d.router.Departed(now, tail)
	d.router.Read(now, d.reader.Cursor())
	for which := range d.boxes {
		for a := range d.boxes[which] {
			if !d.Alive(a) {
				d.dropBox(which, a)
			}
		}
	}
	for hash, s := range d.services {
		if d.names[hash] == "" && !d.router.Uses(s) {
			s.close()
			delete(d.services, hash)
		}
	}
}

// tell wakes the readers of what was put into rings.
func (d *direct) tell() {
	for i, p := range d.untold {
		cutOff(p.Tell)
		d.untold[i] = nil
	}
	d.untold = d.untold[:0]
}

// published notes that the readers of a ring have to be woken.
func (d *direct) published(p *ring.Producer) {
	if !slices.Contains(d.untold, p) {
		d.untold = append(d.untold, p)
	}
	if len(d.untold) >= tellBatch {
		d.tell()
	}
}

// count shows what the router has counted.
func (d *direct) count() {
	c := d.router.Counts()
	if c == d.lastSeen {
		return
	}
	d.lastSeen = c
	to := &d.f.counters
	to.directSent.Set(c.Sent)
	to.directReceived.Set(c.Received)
	to.directRefused.Set(c.Refused)
	to.directDropped.Set(c.Dropped)
	to.directStale.Set(c.Stale)
	to.directForeign.Set(c.Foreign)
	to.directLost.Set(c.Lost)
	to.directLimited.Set(c.Limited)
	to.directIgnored.Set(c.Ignored)
}
