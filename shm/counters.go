package shm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
)

// Counters are a participant's numbers in a file of their own, that anybody who
// may read it reads at any time. It is safe for concurrent use by multiple goroutines.
type Counters struct {
	owner uint16
	rows  counterRows

	mu   sync.Mutex
	used int                 // rows registered; guarded by mu
	byID map[uint32]*Counter // guarded by mu
}

// A Counter is one number. It is safe for concurrent use by multiple
// goroutines, until its participant is closed.
type Counter struct {
	value *atomic.Uint64
	id    uint32
	label string
}

// Add adds to the counter. One locked instruction.
func (c *Counter) Add(n uint64) { c.value.Add(n) }

// Set sets the counter, where it is a level and not a count.
func (c *Counter) Set(n uint64) { c.value.Store(n) }

// Load returns the counter.
func (c *Counter) Load() uint64 { return c.value.Load() }

// ID returns the number under which the counter was registered.
func (c *Counter) ID() uint32 { return c.id }

// Label returns what the counter is called.
func (c *Counter) Label() string { return c.label }

// A CounterValue is a counter of anybody, as it was read.
type CounterValue struct {
	Participant uint16
	ID          uint32
	Label       string
	Value       uint64
}

// counterRows is the checked geometry of a counters segment.
type counterRows struct {
	data         []byte
	start, count int
}

func (r *counterRows) row(i int) []byte {
	at := r.start + i*layout.CounterRowSize
	return r.data[at : at+layout.CounterRowSize]
}

const countersSuffix = ".cnt"

func (d *Domain) countersPath(index uint16) string {
	return d.path("counters", strconv.Itoa(int(index))+countersSuffix)
}

// Counters makes the counters of a participant of this domain; they go with it.
// A second call gives a view of the same rows that knows nothing of the first:
// call it once.
func (d *Domain) Counters(p *Participant) (*Counters, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fmt.Errorf("counters of participant %d: %w", p.index, ErrClosed)
	}
	if p.counters == nil {
		seg, err := d.makeCounters(p.index)
		if err != nil {
			return nil, fmt.Errorf("counters of participant %d: %w", p.index, err)
		}
		p.counters = seg
	}
	rows, err := readCounterRows(p.counters)
	if err != nil {
		return nil, err
	}
	return &Counters{owner: p.index, rows: rows, byID: map[uint32]*Counter{}}, nil
}

func (d *Domain) makeCounters(index uint16) (*Segment, error) {
	const start = layout.SegmentHeaderSize + layout.CountersHeaderSize
	return Create(Spec{
		Path: d.countersPath(index), Kind: layout.SegmentKindCounters,
		Size: start + layout.CounterRowCount*layout.CounterRowSize, FixedSize: start,
		Fill: func(b []byte) {
			h, le := b[layout.SegmentHeaderSize:], binary.LittleEndian
			le.PutUint32(h[layout.CountersHeaderRowCountOffset:], layout.CounterRowCount)
			le.PutUint32(h[layout.CountersHeaderRowsStartOffset:], start)
		},
	})
}

func readCounterRows(seg *Segment) (counterRows, error) {
	b, le := seg.Bytes(), binary.LittleEndian
	const end = layout.SegmentHeaderSize + layout.CountersHeaderSize
	if len(b) < end {
		return counterRows{}, damagedGeometry(seg, fmt.Sprintf("%d bytes", len(b)))
	}
	h := b[layout.SegmentHeaderSize:]
	count := uint64(le.Uint32(h[layout.CountersHeaderRowCountOffset:]))
	start := uint64(le.Uint32(h[layout.CountersHeaderRowsStartOffset:]))
	if start < end || start%layout.CacheLine != 0 || start+count*layout.CounterRowSize > uint64(len(b)) {
		return counterRows{}, damagedGeometry(seg, fmt.Sprintf("%d counters from %d", count, start))
	}
	return counterRows{data: b, start: int(start), count: int(count)}, nil
}

// Register makes a counter, at 0, under an id other than 0 and a label of 48
// bytes at most; a longer one is cut. An id that is registered gives the same
// counter. When there is no row left the counter counts where nobody sees it:
// counting never fails.
func (c *Counters) Register(id uint32, label string) *Counter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.byID[id]; have != nil {
		return have
	}
	label = strings.ToValidUTF8(label[:min(len(label), layout.CounterLabelSize)], "")
	counter := &Counter{value: new(atomic.Uint64), id: id, label: label}
	if c.used < c.rows.count {
		row := c.rows.row(c.used)
		c.used++
		counter.value = word64(row, layout.CounterRowValueOffset)
		storeWords(row, layout.CounterRowLabelOffset, []byte(label))
		word32(row, layout.CounterRowOwnerOffset).Store(uint32(c.owner) + 1)
		word32(row, layout.CounterRowIdOffset).Store(id) // pairs(counter): the row is complete.
	}
	c.byID[id] = counter
	return counter
}

// AllCounters reads the counters of all participants, those of the dead that
// were not recovered yet among them: for tools. Files that can't be read are
// left out and joined into the error, which does not spoil the rest.
func (d *Domain) AllCounters() ([]CounterValue, error) {
	entries, err := os.ReadDir(d.path("counters"))
	if err != nil {
		return nil, fmt.Errorf("list counters: %w", err)
	}
	var values []CounterValue
	var errs []error
	for _, e := range entries {
		index, err := strconv.ParseUint(strings.TrimSuffix(e.Name(), countersSuffix), 10, 16)
		if err != nil || !strings.HasSuffix(e.Name(), countersSuffix) {
			continue
		}
		values, err = d.readCounters(values, uint16(index))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // it may leave just now
			errs = append(errs, err)
		}
	}
	return values, errors.Join(errs...)
}

func (d *Domain) readCounters(values []CounterValue, index uint16) ([]CounterValue, error) {
	seg, err := Open(d.countersPath(index), layout.SegmentKindCounters, false)
	if err != nil {
		return values, err
	}
	defer seg.Close()
	rows, err := readCounterRows(seg)
	if err != nil {
		return values, err
	}
	for i := range rows.count {
		row := rows.row(i)
		id := word32(row, layout.CounterRowIdOffset).Load() // pairs(counter): before the rest of the row.
		if id == 0 {
			break
		}
		var label [layout.CounterLabelSize]byte
		loadWords(label[:], row, layout.CounterRowLabelOffset)
		text, _, _ := strings.Cut(string(label[:]), "\x00")
		values = append(values, CounterValue{Participant: index, ID: id, Label: strings.ToValidUTF8(text, "?"),
			Value: word64(row, layout.CounterRowValueOffset).Load()})
	}
	return values, nil
}
