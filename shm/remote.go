package shm

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// A directoryArea is the checked geometry of the directory segment: one table
// under a version.
type directoryArea struct {
	data        []byte
	start, size int
	version     *atomic.Uint64
	tableSize   *atomic.Uint32
}

// openDirectory opens the directory segment, or makes it, empty.
func (d *Domain) openDirectory(*Config) error {
	const start = layout.SegmentHeaderSize + layout.DirectoryHeaderSize
	seg, err := d.openSegment(Spec{
		Path: d.path(directoryFile), Kind: layout.SegmentKindDirectory,
		Size: start + layout.DirectoryAreaSize, FixedSize: fixedSize,
		Fill: func(b []byte) {
			h, le := b[layout.SegmentHeaderSize:], binary.LittleEndian
			le.PutUint32(h[layout.DirectoryHeaderAreaStartOffset:], start)
			le.PutUint32(h[layout.DirectoryHeaderAreaSizeOffset:], layout.DirectoryAreaSize)
		},
	}, !d.readOnly)
	if err != nil {
		return err
	}
	d.remote = seg
	d.area, err = readDirectoryArea(seg)
	return err
}

func readDirectoryArea(seg *Segment) (directoryArea, error) {
	b, le := seg.Bytes(), binary.LittleEndian
	const end = layout.SegmentHeaderSize + layout.DirectoryHeaderSize
	if len(b) < end {
		return directoryArea{}, damagedGeometry(seg, fmt.Sprintf("%d bytes", len(b)))
	}
	h := b[layout.SegmentHeaderSize:]
	start := uint64(le.Uint32(h[layout.DirectoryHeaderAreaStartOffset:]))
	size := uint64(le.Uint32(h[layout.DirectoryHeaderAreaSizeOffset:]))
	if start < end || start+size > uint64(len(b)) || start%8 != 0 || size%8 != 0 {
		return directoryArea{}, damagedGeometry(seg, fmt.Sprintf("an area of %d bytes from %d", size, start))
	}
	return directoryArea{
		data: b, start: int(start), size: int(size),
		version:   word64(b, layout.SegmentHeaderSize+layout.DirectoryHeaderVersionOffset),
		tableSize: word32(b, layout.SegmentHeaderSize+layout.DirectoryHeaderTableSizeOffset),
	}, nil
}

// DirectoryVersion returns a number that changes with every write of the
// directory: who has read it under this number need not read again. One atomic load.
func (d *Domain) DirectoryVersion() uint64 { return d.area.version.Load() }

// ReadDirectory copies the table of the other nodes, as the forwarder wrote it
// last; nil if it never did. It is input: decode it with codec/table. A
// forwarder that is stopped or dead in the middle of writing gives
// [ErrUnfinished] after some milliseconds.
func (d *Domain) ReadDirectory() ([]byte, error) {
	b, _, err := d.readDirectory()
	return b, err
}

// readDirectory also returns the version of what it read.
func (d *Domain) readDirectory() ([]byte, uint64, error) {
	for try := range 100 {
		b, version, ok, err := d.area.tryRead()
		if ok {
			return b, version, err
		}
		if try < 95 {
			runtime.Gosched()
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	return nil, 0, fmt.Errorf("read directory: %w", ErrUnfinished)
}

// tryRead makes one copy; false says that the writer came between.
func (a *directoryArea) tryRead() (b []byte, version uint64, ok bool, err error) {
	version = a.version.Load() // pairs(directory): before the first byte.
	if version%2 != 0 {
		return nil, 0, false, nil
	}
	size := a.tableSize.Load()
	if uint64(size) > uint64(a.size) {
		err = fmt.Errorf("directory of %d bytes in an area of %d: %w", size, a.size, ErrTooLarge)
	} else if size > 0 {
		b = make([]byte, size)
		loadWords(b, a.data, a.start)
	}
	// pairs(directory): after the last byte.
	return b, version, a.version.Load() == version, err
}

// write replaces the table. One writer at a time: the forwarder, by its seat.
func (a *directoryArea) write(b []byte) error {
	if len(b) > a.size {
		return fmt.Errorf("write directory of %d bytes in an area of %d: %w", len(b), a.size, ErrTooLarge)
	}
	odd := a.version.Load() | 1 // odd already where a predecessor died in it
	a.version.Store(odd)        // pairs(directory): before the first byte.
	storeWords(a.data, a.start, b)
	a.tableSize.Store(uint32(len(b)))
	a.version.Store(odd + 1) // pairs(directory): after the last byte.
	return nil
}
