package shm

import (
	"fmt"
	"time"
)

// A Row is what a participant's record says: his own words, but for Alive.
type Row struct {
	Index      uint16
	Generation uint32
	Address    Address
	Alive      bool // what the kernel says; a row that is not waits for recovery
	PID        uint32
	UID        uint32
	Started    time.Time
	Inbox      bool
	Info       Info
	Err        error // why Info is empty, if it could not be read
}

// Participants returns the records that are LIVE, in the order of their index,
// with checked infos. What one participant scribbles costs his own row its
// info ([Row.Err]). System calls, one a row at least.
func (d *Domain) Participants() ([]Row, error) {
	if d.closed.Load() {
		return nil, fmt.Errorf("list participants of %q: %w", d.name, ErrClosed)
	}
	var rows []Row
	for i := range d.table.count {
		if row, ok := d.Row(uint16(i)); ok {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// Row returns the record of one index; false if it is not LIVE.
func (d *Domain) Row(index uint16) (Row, bool) {
	for range 10 { // an index does not change hands so often
		generation, live := d.State(index)
		if !live {
			return Row{}, false
		}
		row := d.readRow(index, generation)
		if again, live := d.State(index); live && again == generation {
			return row, true
		}
	}
	return Row{}, false
}

func (d *Domain) readRow(index uint16, generation uint32) Row {
	r := d.table.record(index)
	traits := r.traits().Load()
	row := Row{
		Index: index, Generation: generation,
		Address: Address{Node: d.nodeID, Epoch: d.epoch, Generation: generation, Index: index},
		Alive:   d.Alive(index),
		PID:     r.pid().Load(), UID: r.uid().Load(),
		Started: time.Unix(0, int64(r.started().Load())),
		Inbox:   traits&inboxTrait != 0,
	}
	b, err := d.readInfo(index)
	if err == nil {
		row.Info, err = decodeInfo(b, uint8(traits))
	}
	row.Err = err
	return row
}

// Dead returns the records that are LIVE though nobody holds their lock:
// participants that died and were not recovered yet. A system call a record in use.
func (d *Domain) Dead() []Address {
	var dead []Address
	for i := range d.table.count {
		generation, live := d.State(uint16(i))
		if live && !d.Alive(uint16(i)) {
			dead = append(dead, Address{Node: d.nodeID, Epoch: d.epoch, Generation: generation, Index: uint16(i)})
		}
	}
	return dead
}
