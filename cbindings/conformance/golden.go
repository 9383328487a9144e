package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/codec/layout"
)

// A goldenRing is a ring whose files are kept in testdata, one of each kind.
type goldenRing struct {
	folder   string // behind the kind
	slots    int
	before   int // messages of another publisher, which nobody can read any more
	messages int // those that are read: all that a history has room for, or less
}

// goldenRings are the rings of each column: two messages of each size and more, and the second lap of
// rings with few slots, the larger of which has a message in two of them.
var goldenRings = map[string][]goldenRing{
	"reliable": {{"", 64, 0, 24}},
	"few":      {{"-4", 4, 5, 3}, {"-8", 8, 9, 6}},
}

// at is where its files are. They were written once (-init), and whoever reads rings has to read them for ever.
func (g *goldenRing) at(kind string) string {
	return filepath.Join("cbindings", "conformance", "testdata", kind+g.folder)
}

// golden stands in the matrix where a writer does.
var golden = language{name: "golden"}

// readGolden lets the reader read golden rings, each in a domain of its own.
func (s *stage) readGolden(rings []goldenRing) error {
	base := s.dir
	for _, g := range rings {
		s.dir = filepath.Join(base, fmt.Sprint(g.slots))
		if err := s.readOne(&g); err != nil {
			return fmt.Errorf("%d slots: %w", g.slots, err)
		}
	}
	return nil
}

// readOne lays the files of a golden ring into a domain and lets the reader read its history.
func (s *stage) readOne(g *goldenRing) error {
	bus, err := ringcast.Open(s.ctx, &ringcast.Config{Dir: s.dir})
	if err != nil {
		return err
	}
	defer bus.Close()
	if err := copyFiles(filepath.Join(s.dir, "default", "topics"), g.at(s.cell.kind)); err != nil {
		return err
	}
	reader, err := s.start(s.cell.reader, "ready", "read", topic, "reliable", "63", fmt.Sprint(g.messages))
	if err != nil {
		return err
	}
	text, err := reader.wait()
	if want := fmt.Sprintf("got %d missed 0", g.messages); err != nil || text != want {
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
		for _, g := range slices.Concat(slices.Collect(maps.Values(goldenRings))...) {
			if _, err := os.Stat(g.at(kind)); err == nil {
				continue
			}
			if err := g.write(kind); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *goldenRing) write(kind string) error {
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
	if err := g.publish(bus, dir, kind); err != nil {
		return err
	}
	folder := g.at(kind)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := copyFiles(folder, filepath.Join(dir, "default", "topics")); err != nil {
		return err
	}
	return forgetBoots(folder)
}

// publish fills the ring, and leaves the publisher of what can be read open, with its bus.
func (g *goldenRing) publish(bus *ringcast.Bus, dir, kind string) error {
	cfg := configOf([]string{topic, kind, "reliable"})
	cfg.Slots = g.slots
	if g.before == 0 {
		return publishAll(bus, cfg, g.messages, sizes)
	}
	stays, err := bus.Subscribe(topic, &ringcast.SubscriberConfig{Latest: true}) // or the ring leaves with the first publisher
	if err != nil {
		return err
	}
	first, err := ringcast.Open(context.Background(), &ringcast.Config{Dir: dir}) // whose sequences are its own
	if err != nil {
		return err
	}
	err = errors.Join(publishAll(first, cfg, g.before, wholeSizes), first.Close())
	return errors.Join(err, publishAll(bus, cfg, g.messages, halfSizes), stays.Close())
}

// publishAll publishes messages 1 to count of those sizes; the publisher is closed with the bus.
func publishAll(bus *ringcast.Bus, cfg *ringcast.PublisherConfig, count int, like [8]int) error {
	p, err := bus.Publisher(topic, cfg)
	if err != nil {
		return err
	}
	for n := uint64(1); n <= uint64(count); n++ {
		if err := publish(p, n, like[n%8]); err != nil {
			return err
		}
	}
	return nil
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
