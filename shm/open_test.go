package shm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// segmentImage returns the bytes of a good segment.
func segmentImage(t testing.TB) []byte {
	t.Helper()
	spec := testSpec(t)
	spec.Size = 4096
	_ = mustCreate(t, spec).Close()
	b, err := os.ReadFile(spec.Path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sum makes the checksum of an image right again.
func sum(b []byte) {
	fixed := binary.LittleEndian.Uint32(b[layout.SegmentHeaderFixedSizeOffset:])
	binary.LittleEndian.PutUint32(b[layout.SegmentHeaderChecksumOffset:], checksumOf(b[:fixed]))
}

func put16(b []byte, off int, v uint16) { binary.LittleEndian.PutUint16(b[off:], v) }
func put32(b []byte, off int, v uint32) { binary.LittleEndian.PutUint32(b[off:], v) }
func put64(b []byte, off int, v uint64) { binary.LittleEndian.PutUint64(b[off:], v) }

// badImages are files that must be refused, each with the error that it gets.
var badImages = []struct {
	name  string
	want  string // NotOurs, Version or Damaged
	found string // in the text of the error
	make  func(b []byte) []byte
}{
	{"empty", "NotOurs", "0 bytes", func([]byte) []byte { return nil }},
	{"seven bytes", "NotOurs", "7 bytes", func(b []byte) []byte { return b[:7] }},
	{"zero filled", "NotOurs", "magic 0x", func(b []byte) []byte { return make([]byte, len(b)) }},
	{"a text file", "NotOurs", "magic", func([]byte) []byte { return []byte("#!/bin/sh\nexit 0\n") }},
	{"magic alone", "Damaged", "8 bytes", func(b []byte) []byte { return b[:8] }},
	{"half a header", "Damaged", "64 bytes", func(b []byte) []byte { return b[:64] }},
	{"half a header of another version", "Version", "major version 2", func(b []byte) []byte {
		put16(b, layout.SegmentHeaderMajorOffset, 2)
		return b[:64]
	}},
	{"truncated", "Damaged", "a file of 2048 bytes", func(b []byte) []byte { return b[:2048] }},
	{"truncated within the fixed bytes", "Damaged", "a file of 150 bytes", func(b []byte) []byte { return b[:150] }},
	{"longer than it says", "Damaged", "a file of 5000 bytes", func(b []byte) []byte { return append(b, make([]byte, 5000-len(b))...) }},
	{"another major version, checksum wrong", "Version", "major version 9", func(b []byte) []byte {
		put16(b, layout.SegmentHeaderMajorOffset, 9)
		return b
	}},
	{"another layout", "Version", "layout 0x", func(b []byte) []byte {
		put64(b, layout.SegmentHeaderLayoutHashOffset, layout.Hash+1)
		sum(b)
		return b
	}},
	{"a bit of the header", "Damaged", "checksum", func(b []byte) []byte { b[layout.SegmentHeaderCreatedNsOffset] ^= 1; return b }},
	{"a bit of the geometry", "Damaged", "checksum", func(b []byte) []byte { b[layout.SegmentHeaderSize+3] ^= 1; return b }},
	{"fixed size beyond the file", "Damaged", "fixed bytes", func(b []byte) []byte {
		put32(b, layout.SegmentHeaderFixedSizeOffset, 5000)
		return b
	}},
	{"fixed size below the header", "Damaged", "fixed bytes", func(b []byte) []byte {
		put32(b, layout.SegmentHeaderFixedSizeOffset, 127)
		return b
	}},
	{"an id with more than 60 bits", "Damaged", "id 0x", func(b []byte) []byte {
		put64(b, layout.SegmentHeaderSegmentIdOffset, 1<<60)
		sum(b)
		return b
	}},
	{"another kind", "NotOurs", "kind node", func(b []byte) []byte {
		put32(b, layout.SegmentHeaderKindOffset, layout.SegmentKindNode)
		sum(b)
		return b
	}},
	{"a kind that there is not", "NotOurs", "kind 4000000000", func(b []byte) []byte {
		put32(b, layout.SegmentHeaderKindOffset, 4_000_000_000)
		sum(b)
		return b
	}},
	{"still being built", "Damaged", "BUILDING", func(b []byte) []byte {
		put64(b, layout.SegmentHeaderStateOffset, layout.SegmentStateBuilding)
		return b
	}},
	{"a state that there is not", "Damaged", "state 11", func(b []byte) []byte {
		put64(b, layout.SegmentHeaderStateOffset, 11)
		return b
	}},
}

func TestBadSegments(t *testing.T) {
	good := segmentImage(t)
	dir := testBase(t)
	for i, c := range badImages {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path, c.make(bytes.Clone(good)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, writable := range []bool{true, false} {
			_, err := Open(path, testKind, writable)
			checkOpenError(t, c.name, err, c.want, path, c.found)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s: a file that is not usable was removed", c.name)
		}
	}
}

// checkOpenError checks type, path and text, and that found and wanted are both told.
func checkOpenError(t *testing.T, name string, err error, want, path, found string) {
	t.Helper()
	var n *NotOursError
	var v *VersionError
	var d *DamagedError
	var got [3]string
	var class string
	switch {
	case errors.As(err, &n):
		class, got = "NotOurs", [3]string{n.Path, n.Found, n.Wanted}
	case errors.As(err, &v):
		class, got = "Version", [3]string{v.Path, v.Found, v.Wanted}
	case errors.As(err, &d):
		class, got = "Damaged", [3]string{d.Path, d.Found, d.Wanted}
	}
	if class != want {
		t.Errorf("%s: %v, want %s", name, err, want)
		return
	}
	if got[0] != path || !bytes.Contains([]byte(got[1]), []byte(found)) || got[2] == "" {
		t.Errorf("%s: error names %q, want %q of %s", name, got, found, path)
	}
}

// A higher minor version only appends, so it is no reason to refuse.
func TestHigherMinorVersion(t *testing.T) {
	b := segmentImage(t)
	put16(b, layout.SegmentHeaderMinorOffset, 7)
	sum(b)
	path := filepath.Join(testBase(t), "minor")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, true)
}

func TestWhatIsNoFile(t *testing.T) {
	dir := testBase(t)
	good := mustCreate(t, Spec{Path: filepath.Join(dir, "good"), Kind: testKind, Size: 4096})
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(at("directory"), 0o700))
	must(unix.Mkfifo(at("fifo"), 0o600))
	must(os.Symlink(good.Path(), at("link")))
	l, err := net.Listen("unix", at("socket"))
	must(err)
	defer l.Close()
	for name, found := range map[string]string{
		"directory": "a directory", "fifo": "a FIFO", "link": "a symbolic link", "socket": "a socket",
	} {
		for _, writable := range []bool{true, false} {
			_, err := Open(at(name), testKind, writable)
			checkOpenError(t, name, err, "NotOurs", at(name), found)
		}
	}
	_, err = Open("/dev/null", testKind, true)
	checkOpenError(t, "device", err, "NotOurs", "/dev/null", "device")
}

// A sparse copy of a segment gets its pages when it is opened for writing.
func TestSparseCopy(t *testing.T) {
	b := segmentImage(t)
	const size = 1 << 20
	put64(b, layout.SegmentHeaderSegmentSizeOffset, size)
	sum(b)
	path := filepath.Join(testBase(t), "sparse")
	if err := errors.Join(os.WriteFile(path, b, 0o600), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, true)
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil || st.Blocks*512 < size {
		t.Errorf("%d bytes reserved of %d, %v", st.Blocks*512, size, err)
	}
}

// What an earlier boot left is nobody's: it is removed on the way.
func TestEarlierBoot(t *testing.T) {
	b := segmentImage(t)
	put64(b, layout.SegmentHeaderBootHashOffset, bootHash()+1)
	sum(b)
	path := filepath.Join(testBase(t), "old")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, testKind, false)
	mustError(t, err, fs.ErrNotExist, path, "earlier boot")
	if _, err := os.Lstat(path); err != nil {
		t.Error("a reader removed a file")
	}
	_, err = Open(path, testKind, true)
	mustError(t, err, fs.ErrNotExist, path)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file of an earlier boot stays")
	}
}

// A segment of another boot that somebody uses (two machines share the directory)
// is not called retired, which would have it replaced.
func TestOtherBootInUse(t *testing.T) {
	b := segmentImage(t)
	put64(b, layout.SegmentHeaderBootHashOffset, bootHash()+1)
	sum(b)
	path := filepath.Join(testBase(t), "theirs")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	user, err := openRetry(path, unix.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(user)
	if ok, err := lockShared(user, layout.LockByteUsage); !ok || err != nil {
		t.Fatal(ok, err)
	}
	_, err = Open(path, testKind, true)
	mustError(t, err, ErrInUse, path, "another boot")
	var retired *RetiredError
	if errors.As(err, &retired) {
		t.Errorf("called retired: %v", err)
	}
}

// Where either side does not know its boot, the segment is taken as of this one.
func TestUnknownBoot(t *testing.T) {
	b := segmentImage(t)
	put64(b, layout.SegmentHeaderBootHashOffset, 0)
	sum(b)
	path := filepath.Join(testBase(t), "unknown")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = mustOpen(t, path, true).Close()
	if otherBoot(5, 0) || otherBoot(0, 5) || !otherBoot(5, 6) || otherBoot(5, 5) {
		t.Error("who does not know the boot is sure of it")
	}
}

func TestOpenScribbled(t *testing.T) {
	good := segmentImage(t)
	path := filepath.Join(testBase(t), "scribbled")
	seed := rand.Uint64()
	t.Logf("seed %d: put it in place of rand.Uint64() to repeat", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	for range 3000 {
		b := bytes.Clone(good)
		for range 1 + rnd.IntN(4) {
			b[rnd.IntN(layout.SegmentHeaderSize)] = byte(rnd.Uint32())
		}
		if rnd.IntN(2) == 0 {
			put16(b, layout.SegmentHeaderMajorOffset, layout.Major)
			put64(b, layout.SegmentHeaderMagicOffset, layout.Magic)
		}
		openAnything(t, path, b)
	}
}

// openAnything opens a file of any content: either it is an error that has a
// type, or a segment that can be read from end to end.
func openAnything(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, testKind, true)
	if err != nil {
		var n *NotOursError
		var v *VersionError
		var d *DamagedError
		var r *RetiredError
		if !errors.As(err, &n) && !errors.As(err, &v) && !errors.As(err, &d) && !errors.As(err, &r) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error without a type: %v", err)
		}
		return
	}
	defer s.Close()
	if len(s.Bytes()) != len(b) || !bytes.Equal(s.Bytes(), b) {
		t.Errorf("mapped %d bytes of %d", len(s.Bytes()), len(b))
	}
}

func FuzzOpen(f *testing.F) {
	good := segmentImage(f)
	f.Add(good)
	for _, c := range badImages {
		f.Add(c.make(bytes.Clone(good)))
	}
	path := filepath.Join(testBase(f), "fuzz")
	f.Fuzz(func(t *testing.T, b []byte) {
		openAnything(t, path, b)
		if len(b) < layout.SegmentHeaderSize { // and with all that a forger can make right
			return
		}
		h := decodeHeader(b)
		h.magic, h.major, h.layoutHash, h.size, h.bootHash = layout.Magic, layout.Major, layout.Hash, uint64(len(b)), bootHash()
		h.encode(b)
		if h.checkSizes("", int64(len(b))) == nil {
			sum(b)
		}
		openAnything(t, path, b)
	})
}
