package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/codec/layout"
)

// goldenMessages is how many messages a golden ring has: two of each size and more.
const goldenMessages = 24

// goldenFolder is where the files of the golden ring of that kind are kept. They were written once
// (-init), and whoever reads rings has to read them for ever.
func goldenFolder(kind string) string {
	return filepath.Join("cbindings", "conformance", "testdata", kind)
}

// golden stands in the matrix where a writer does.
var golden = language{name: "golden"}

// readGolden lays the files of a golden ring into a domain and lets the reader read its history.
func (s *stage) readGolden() error {
	bus, err := ringcast.Open(s.ctx, &ringcast.Config{Dir: s.dir})
	if err != nil {
		return err
	}
	defer bus.Close()
	if err := copyFiles(filepath.Join(s.dir, "default", "topics"), goldenFolder(s.cell.kind)); err != nil {
		return err
	}
	reader, err := s.start(s.cell.reader, "ready", "read", topic, "reliable", "63", fmt.Sprint(goldenMessages))
	if err != nil {
		return err
	}
	text, err := reader.wait()
	if want := fmt.Sprintf("got %d missed 0", goldenMessages); err != nil || text != want {
		return fmt.Errorf("%s read: says %q, want %q: %w", s.cell.reader.name, text, want, err)
	}
	return nil
}

func copyFiles(to, from string) error {
	names, err := filepath.Glob(filepath.Join(from, "*"))
	if err == nil && len(names) != 2 {
		err = fmt.Errorf("%s has %d files, want a ring's two", from, len(names))
	}
	for _, name := range names {
		b, e := os.ReadFile(name)
		if e == nil {
			e = os.WriteFile(filepath.Join(to, filepath.Base(name)), b, 0o600)
		}
		err = errors.Join(err, e)
	}
	return err
}

// initGolden writes the golden rings that are not there.
func initGolden() error {
	for _, kind := range kinds {
		folder := goldenFolder(kind)
		if _, err := os.Stat(folder); err == nil {
			continue
		}
		if err := writeGolden(folder, kind); err != nil {
			return err
		}
	}
	return nil
}

func writeGolden(folder, kind string) error {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-golden-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bus, err := ringcast.Open(context.Background(), &ringcast.Config{Dir: dir, Node: 7})
	if err != nil {
		return err
	}
	defer bus.Close()
	p, err := bus.Publisher(topic, configOf([]string{topic, kind, "reliable"}))
	if err != nil {
		return err
	}
	defer p.Close()
	for n := uint64(1); n <= goldenMessages; n++ {
		if err := publish(p, n, sizes[n%8]); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := copyFiles(folder, filepath.Join(dir, "default", "topics")); err != nil {
		return err
	}
	return forgetBoots(folder)
}

// forgetBoots makes the files those of no boot in particular, which every boot takes.
func forgetBoots(folder string) error {
	names, err := filepath.Glob(filepath.Join(folder, "*"))
	for _, name := range names {
		b, e := os.ReadFile(name)
		if e == nil {
			clear(b[layout.SegmentHeaderBootHashOffset:][:8])
			binary.LittleEndian.PutUint32(b[layout.SegmentHeaderChecksumOffset:], checksum(b))
			e = os.WriteFile(name, b, 0o644)
		}
		err = errors.Join(err, e)
	}
	return err
}

// checksum is that of a segment's fixed bytes (spec/segment.md, 2).
func checksum(b []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	var line [64]byte
	copy(line[:], b)
	clear(line[layout.SegmentHeaderChecksumOffset:][:4])
	fixed := binary.LittleEndian.Uint32(b[layout.SegmentHeaderFixedSizeOffset:])
	return crc32.Update(crc32.Checksum(line[:], table), table, b[layout.SegmentHeaderSize:fixed])
}
