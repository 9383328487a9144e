package places

import (
	"encoding/binary"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// rewrite changes the header of a segment in place and makes its checksum right.
func rewrite(t *testing.T, path string, change func(b []byte)) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change(b)
	sum(b)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fixed := binary.LittleEndian.Uint32(b[layout.SegmentHeaderFixedSizeOffset:])
	if _, err := f.WriteAt(b[:layout.CacheLine], 0); err != nil { // not the state: others use it
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b[layout.SegmentHeaderSize:fixed], layout.SegmentHeaderSize); err != nil {
		t.Fatal(err)
	}
}

// sum is the checksum of spec/segment.md, 2, written down once more.
func sum(b []byte) {
	fixed := binary.LittleEndian.Uint32(b[layout.SegmentHeaderFixedSizeOffset:])
	if uint64(fixed) > uint64(len(b)) || fixed < layout.SegmentHeaderSize {
		return
	}
	binary.LittleEndian.PutUint32(b[layout.SegmentHeaderChecksumOffset:], 0)
	table := crc32.MakeTable(crc32.Castagnoli)
	c := crc32.Update(crc32.Checksum(b[:layout.CacheLine], table), table, b[layout.SegmentHeaderSize:fixed])
	binary.LittleEndian.PutUint32(b[layout.SegmentHeaderChecksumOffset:], c)
}

func otherBoot(b []byte) {
	b[layout.SegmentHeaderBootHashOffset] ^= 0x55
}

// segments are the files below a domain that are segments.
func segments(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && !strings.HasSuffix(path, ".info") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestEarlierBoot leaves a domain as a machine does that loses its power in the
// middle of traffic, on a file system that keeps files. The next one to open it
// finds nobody and nothing of before, and no file stays.
func TestEarlierBoot(t *testing.T) {
	base := baseFor(t)
	var dying []*puppet
	for _, topic := range []string{"orders", "prices"} {
		p := start(t, topic, nil)
		p.does("open %s", base)
		p.does("publisher %s", topic)
		p.does("subscribe %s", topic)
		p.does("publish old")
		p.does("claim")
		dying = append(dying, p)
	}
	for _, p := range dying {
		p.kill()
	}
	before := segments(t, filepath.Join(base, "default"))
	old := map[string]uint64{}
	for _, path := range before {
		rewrite(t, path, otherBoot)
		old[path] = inode(t, path)
	}
	p := start(t, "next boot", nil)
	if got := p.does("open %s", base); got != "0" {
		t.Errorf("index %s", got)
	}
	if got := p.does("alive"); got != "0:alive" {
		t.Errorf("participants: %s", got)
	}
	p.does("subscribe orders")
	p.does("publisher orders")
	p.does("publish new")
	if got := p.does("next"); got != "new" {
		t.Errorf("read %q", got)
	}
	for _, path := range segments(t, filepath.Join(base, "default")) {
		if n, ok := old[path]; ok && n == inode(t, path) {
			t.Errorf("%s is of the earlier boot", path)
		}
		if strings.Contains(path, "prices") {
			t.Errorf("%s stays", path)
		}
	}
	if len(before) < 7 {
		t.Errorf("only %v were forged", before)
	}
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

// TestEarlierBootInUse forges the boot of files that a living process uses, one by
// one: nobody takes them from him.
func TestEarlierBootInUse(t *testing.T) {
	base := baseFor(t)
	a := start(t, "living", nil)
	a.does("open %s", base)
	a.does("publisher orders")
	a.does("subscribe orders")
	dat, err := datPath(base, "orders")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "default")
	for _, path := range []string{
		filepath.Join(dir, "node"), filepath.Join(dir, "participants"), filepath.Join(dir, "directory"),
		filepath.Join(dir, "topics", "orders.ctl"), dat,
	} {
		rewrite(t, path, otherBoot)
		was := inode(t, path)
		b := start(t, "of the other boot", nil)
		says := []string{path, "boot", "in use", "two machines"}
		if filepath.Dir(path) == dir {
			b.refused(says, "open %s", base)
		} else {
			b.does("open %s", base)
			b.refused(says, "publisher orders")
		}
		b.kill()
		if got := inode(t, path); got != was {
			t.Errorf("%s was replaced under its user", path)
		}
		a.does("publish still")
		if got := a.does("next"); got != "still" {
			t.Errorf("the living one reads %q", got)
		}
		rewrite(t, path, otherBoot) // back
		if got := a.does("alive"); !strings.HasPrefix(got, "0:alive") {
			t.Errorf("participants: %s", got)
		}
		a.does("sweep")
	}
}

// TestHalfOfAnEarlierBoot: any one file of an earlier boot among those of this one,
// such as after a restored copy. It is made anew, or the ring is, and nothing else.
func TestHalfOfAnEarlierBoot(t *testing.T) {
	for _, name := range []string{"node", "participants", "directory", "orders.ctl", "orders.dat"} {
		base := baseFor(t)
		a := start(t, "before", nil)
		a.does("open %s", base)
		a.does("publisher orders")
		a.does("publish old")
		path := filepath.Join(base, "default", name)
		var err error
		if name == "orders.dat" {
			if path, err = datPath(base, "orders"); err != nil {
				t.Fatal(err)
			}
		} else if name == "orders.ctl" {
			path = filepath.Join(base, "default", "topics", name)
		}
		a.kill()
		rewrite(t, path, otherBoot)
		b := start(t, "after", nil)
		b.does("open %s", base)
		b.does("subscribe orders")
		b.does("publisher orders")
		b.does("publish new")
		if got := b.does("next"); got != "new" {
			t.Errorf("%s: read %q", name, got)
		}
		s, err := ringcast.Inspect(&ringcast.Config{Dir: base})
		if err != nil || len(s.Topics) != 1 || s.Topics[0].Err != nil {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}
