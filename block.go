package ringcast

import (
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A block is the address block of a direct message (spec/messaging.md, 7).
type block [layout.AddressBlockSize]byte

func (b *block) setSource(a Address)      { a.Put(b[layout.AddressBlockSourceOffset:]) }
func (b *block) setDestination(a Address) { a.Put(b[layout.AddressBlockDestinationOffset:]) }

func (b *block) put64(at int, v uint64) { binary.LittleEndian.PutUint64(b[at:], v) }

func (b *block) setCorrelation(c uint64) { b.put64(layout.AddressBlockCorrelationOffset, c) }
func (b *block) setService(hash uint64)  { b.put64(layout.AddressBlockServiceHashOffset, hash) }

func (b *block) setCode(code uint32) {
	binary.LittleEndian.PutUint32(b[layout.AddressBlockCodeOffset:], code)
}

// setTime says how much time a request has left, and when that was.
func (b *block) setTime(left, now time.Duration) {
	b.put64(layout.AddressBlockTimeLeftNsOffset, uint64(left))
	b.setCode(uint32(now / time.Microsecond))
}

// A heading is a private copy of a block that somebody else wrote.
type heading struct {
	source, destination Address
	correlation         uint64
	left                uint64
	service             uint64
	code                uint32
}

// readHeading copies the block of a message; false: it has none.
func readHeading(b []byte) (h heading, ok bool) {
	if len(b) < layout.AddressBlockSize {
		return h, false
	}
	le := binary.LittleEndian
	return heading{
		source:      shm.ReadAddress(b[layout.AddressBlockSourceOffset:]),
		destination: shm.ReadAddress(b[layout.AddressBlockDestinationOffset:]),
		correlation: le.Uint64(b[layout.AddressBlockCorrelationOffset:]),
		left:        le.Uint64(b[layout.AddressBlockTimeLeftNsOffset:]),
		service:     le.Uint64(b[layout.AddressBlockServiceHashOffset:]),
		code:        le.Uint32(b[layout.AddressBlockCodeOffset:]),
	}, true
}

// Bounds of the time of a request.
const (
	defaultTime = 10 * time.Second
	maxTime     = 30 * time.Minute // less than half the range of a mark
)

// remaining is what a request has left now: its mark says when it was put into the ring.
func (h *heading) remaining(now time.Duration) time.Duration {
	// Clocks of processes differ by microseconds: a mark may lie ahead.
	waited := time.Duration(max(0, int32(uint32(now/time.Microsecond)-h.code))) * time.Microsecond
	return time.Duration(min(h.left, uint64(maxTime))) - waited
}

// nameHash is the service_hash of a name.
func nameHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

// inboxShape is that of both rings of an inbox.
func (c *Config) inboxShape(slots int) ring.Shape {
	return ring.Shape{Slots: slots, Payload: c.inboxSlot(), Purpose: ring.Inbox, StallBudget: patientBudget}
}

// inboxSlot is the room of a slot for a message and its block.
func (c *Config) inboxSlot() int {
	size := c.InboxSlotSize
	if size == 0 {
		size = layout.DefaultSlotPayload
	}
	return size + layout.AddressBlockSize
}

// patientBudget is the stall budget of inboxes and services: nobody is put out of them
// for slowness.
const patientBudget = time.Hour

// inboxSlots is how many slots each ring of an inbox has, if nobody says otherwise.
const inboxSlots = 128
