package ring

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// A Host is what a ring needs of the node it is on: who we are, what the kernel
// says of others, and their doorbells. Package shm has it; tests bring their own.
// It is safe for concurrent use.
type Host interface {
	// Index is the index of our own participant.
	Index() uint16
	// Alive asks the kernel whether a participant lives. A system call.
	Alive(participant uint16) bool
	// Ring adds one to a participant's doorbell and wakes it if it sleeps.
	Ring(participant uint16)
}

// A Ring is one mapping of a ring's two files. It is safe for concurrent use;
// its Producers and Readers are not.
type Ring struct {
	// Immutable after Attach.
	shape  Shape
	dataID uint64
	host   Host
	shift  uint
	mask   uint64
	stride uint64
	now    func() time.Duration  // monotonic, the same for all processes of the node
	heir   func() (*File, error) // opens the ring that has our name by now; nil: we have none

	// groupOf is the group whose entry that is, if it can be opened here; or nil.
	groupOf func(entry int) *group

	// Shared with every process that maps the ring.
	ctl     *control
	state   *atomic.Uint64 // of the control segment's header
	claims  []atomic.Uint64
	entries []entry
	data    []byte // slots, without the file's header
}

// Attach checks the geometry of a mapped ring and returns a Ring over it. The
// spans must stay mapped until the last Producer and Reader is gone. Offsets and
// sizes are copied once and used for ever, whatever is written there later.
func Attach(ctl, dat []byte, host Host) (*Ring, error) {
	r, err := attachControl(ctl, host)
	if err != nil {
		return nil, err
	}
	if len(dat) != r.shape.dataSize() {
		return nil, fmt.Errorf("ring geometry: data file of %d bytes: want %d", len(dat), r.shape.dataSize())
	}
	if !aligned(dat) {
		return nil, errUnaligned
	}
	r.data = dat[slotsStart:]
	return r, nil
}

var errUnaligned = errors.New("ring geometry: mapping is not on a cache line")

// attachControl is Attach without the slots, for who only looks at the words.
func attachControl(ctl []byte, host Host) (*Ring, error) {
	g, err := readGeometry(ctl)
	if err != nil {
		return nil, fmt.Errorf("ring geometry: %w", err)
	}
	if !aligned(ctl) {
		return nil, errUnaligned
	}
	return &Ring{
		shape:   g.shape,
		dataID:  g.dataID,
		host:    host,
		shift:   uint(bits.TrailingZeros(uint(g.shape.Slots))),
		mask:    uint64(g.shape.Slots - 1),
		stride:  uint64(g.shape.stride()),
		now:     monotonic,
		ctl:     controlAt(ctl),
		state:   &wordsAt(ctl, layout.SegmentHeaderStateOffset, 1)[0],
		claims:  wordsAt(ctl, claimsStart, g.shape.Slots),
		entries: entriesAt(ctl, g.shape.entriesStart(), layout.EntryCount),
	}, nil
}

// Shape returns the ring's geometry.
func (r *Ring) Shape() Shape { return r.shape }

// Tail is the number of positions claimed so far, at least; a hint.
func (r *Ring) Tail() uint64 { return r.ctl.tail.Load() } // pairs(tail)

// capacity is the number of slots.
func (r *Ring) capacity() uint64 { return r.mask + 1 }

// lap is the lap in which position t lies; 0 means never written.
func (r *Ring) lap(t uint64) uint64 { return t>>(r.shift%64) + 1 }

// gated reports whether reliable readers hold producers back here.
func (r *Ring) gated() bool { return r.shape.Mode == Reliable }

// slot returns the bytes of position t's slot.
func (r *Ring) slot(t uint64) []byte {
	at := (t & r.mask) * r.stride
	return r.data[at : at+r.stride : at+r.stride]
}

// claim is the claim word of position t.
func (r *Ring) claim(t uint64) *atomic.Uint64 { return &r.claims[t&r.mask] }

// spoiled retires a ring whose own words are impossible: nobody can go on here,
// and all meet again in the ring that takes its place.
func (r *Ring) spoiled(t uint64, reason string) error {
	if r.state.CompareAndSwap(layout.SegmentStateReady, layout.SegmentStateRetired) { // pairs(seal)
		r.wakeReaders()
		r.wakeProducers()
	}
	return r.damage(t, reason)
}

// damage counts impossible bytes and names them.
func (r *Ring) damage(t uint64, reason string) error {
	r.ctl.damaged.Add(1)
	return &DamagedError{Position: t, Reason: reason}
}

// Counts are the ring's own counters, for ls and tests.
type Counts struct {
	Tail        uint64
	Quarantined uint64 // writers fenced
	Recovered   uint64 // claims taken back from the dead
	Evicted     uint64 // readers put out
	Wakes       uint64 // doorbells rung
	Damaged     uint64 // impossible words met
	Readers     int    // entries that gate
}

// Counts reads the counters. It neither blocks nor allocates.
func (r *Ring) Counts() Counts {
	c := Counts{
		Tail:        r.ctl.tail.Load(),
		Quarantined: r.ctl.quarantined.Load(),
		Recovered:   r.ctl.recovered.Load(),
		Evicted:     r.ctl.evicted.Load(),
		Wakes:       r.ctl.wakes.Load(),
		Damaged:     r.ctl.damaged.Load(),
	}
	for i := range r.entries {
		if entryWord(r.entries[i].state.Load()).gates() {
			c.Readers++
		}
	}
	return c
}
