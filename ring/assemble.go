package ring

import (
	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// Limits of what a reader keeps of messages that have not ended: several large
// writers may be interleaved, none may make a reader grow without bound.
const (
	maxPartials     = 64
	maxPartialBytes = 4 * layout.MaxMessage
)

// A partial is a message of which some fragments have come.
type partial struct {
	begin    uint64 // position of its first fragment
	sequence uint64
	next     uint16
	total    uint32
	bytes    []byte
}

// An assembler puts fragments together, one message a handle at a time. It is
// owned by its reader.
type assembler struct {
	partials map[shm.Address]*partial
	held     int    // bytes promised to partials
	done     []byte // the last whole message, until the next
}

// add takes the fragment at position c. It returns the whole message with the
// last one, and nil otherwise. A fragment whose beginning was not seen is
// dropped: the message was cut off by a lag, or its writer was fenced. False
// says that a message begins here for which there is no room.
func (a *assembler) add(v *view, c, capacity uint64) (whole []byte, fits bool) {
	key := v.producer()
	if v.body.flags&layout.MessageFlagBegin != 0 {
		return nil, a.begin(key, v, c, capacity)
	}
	p := a.partials[key]
	if p == nil {
		return nil, true
	}
	if p.sequence != v.body.sequence || p.next != v.body.fragment || p.total != v.body.total ||
		len(v.payload) > int(p.total)-len(p.bytes) {
		a.drop(key)
		return nil, true
	}
	p.bytes = a.append(p.bytes, v.payload)
	p.next++
	if v.body.flags&layout.MessageFlagEnd == 0 {
		return nil, true
	}
	a.drop(key)
	if len(p.bytes) != int(p.total) {
		return nil, true
	}
	a.done = p.bytes
	return a.done, true
}

// begin starts a message over whatever the handle had left unfinished. False:
// there is no room for it, or for any of its size.
func (a *assembler) begin(key shm.Address, v *view, c, capacity uint64) bool {
	a.drop(key)
	total := int(v.body.total)
	if v.body.fragment != 0 || total > layout.MaxMessage || len(v.payload) > total {
		return false
	}
	if a.full(total) {
		a.purge(c, capacity)
		if a.full(total) {
			return false
		}
	}
	if a.partials == nil {
		a.partials = make(map[shm.Address]*partial)
	}
	buf := a.done[:0]
	a.done = nil
	if cap(buf) < total {
		buf = make([]byte, 0, total)
	}
	a.held += total
	a.partials[key] = &partial{
		begin: c, sequence: v.body.sequence, next: 1, total: v.body.total, bytes: a.append(buf, v.payload),
	}
	return true
}

// first returns where the first message begins that may still end, or c.
func (a *assembler) first(c, capacity uint64) uint64 {
	first := c
	for _, p := range a.partials {
		if c-p.begin < capacity {
			first = min(first, p.begin)
		}
	}
	return first
}

// full reports whether there is no room for another message of so many bytes.
func (a *assembler) full(total int) bool {
	return len(a.partials) >= maxPartials || a.held+total > maxPartialBytes
}

// purge drops what can never end: all positions of a message are claimed before
// its first fragment is committed, so none lies a whole ring behind that one.
// Their writers died, or were fenced and did not come again.
func (a *assembler) purge(c, capacity uint64) {
	for key, p := range a.partials {
		if c-p.begin >= capacity {
			a.drop(key)
		}
	}
}

func (a *assembler) append(to, payload []byte) []byte {
	n := len(to)
	to = to[:n+len(payload)]
	copyShared(to[n:], payload, false)
	return to
}

// drop forgets what came of the handle's last message.
func (a *assembler) drop(key shm.Address) {
	if p := a.partials[key]; p != nil {
		a.held -= int(p.total)
		delete(a.partials, key)
	}
}

// reset forgets everything: positions were missed.
func (a *assembler) reset() {
	clear(a.partials)
	a.held = 0
}
