package shm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

const testKind = layout.SegmentKindCounters

func testSpec(t testing.TB) Spec {
	return Spec{Path: filepath.Join(testBase(t), "segment"), Kind: testKind, Size: 1 << 14, FixedSize: 192,
		Fill: func(b []byte) { copy(b[layout.SegmentHeaderSize:], "geometry") }}
}

func mustCreate(t testing.TB, spec Spec) *Segment {
	t.Helper()
	s, err := Create(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func mustOpen(t testing.TB, path string, writable bool) *Segment {
	t.Helper()
	s, err := Open(path, testKind, writable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestCreateThenOpen(t *testing.T) {
	spec := testSpec(t)
	made := mustCreate(t, spec)
	made.Bytes()[5000] = 77
	for _, writable := range []bool{true, false} {
		s := mustOpen(t, spec.Path, writable)
		if s.ID() != made.ID() || s.Kind() != testKind || s.FixedSize() != 192 || s.Writable() != writable {
			t.Errorf("id %x, kind %d, fixed %d, writable %v", s.ID(), s.Kind(), s.FixedSize(), s.Writable())
		}
		if len(s.Bytes()) != spec.Size || string(s.Bytes()[128:136]) != "geometry" || s.Bytes()[5000] != 77 {
			t.Error("the mapping is not what the maker wrote")
		}
		if state, successor := s.State(); state != layout.SegmentStateReady || successor != 0 {
			t.Errorf("state = %d, successor %d", state, successor)
		}
	}
	if id := made.ID(); id == 0 || id>>layout.SegmentIDBits != 0 {
		t.Errorf("id = %x", id)
	}
}

func TestCreateTaken(t *testing.T) {
	spec := testSpec(t)
	first := mustCreate(t, spec)
	_, err := Create(spec)
	mustError(t, err, fs.ErrExist, spec.Path)
	if s := mustOpen(t, spec.Path, false); s.ID() != first.ID() {
		t.Error("the loser replaced the winner's segment")
	}
}

// Of many who make one segment at once, one does, and all end up with his.
func TestCreateRace(t *testing.T) {
	spec := testSpec(t)
	var made atomic.Int32
	var ids sync.Map
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			s, err := Create(spec)
			if err == nil {
				made.Add(1)
			} else if s, err = Open(spec.Path, testKind, true); err != nil {
				t.Error(err)
				return
			}
			ids.Store(s.ID(), true)
			_ = s.Close()
		})
	}
	wg.Wait()
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	if made.Load() != 1 || n != 1 {
		t.Errorf("%d made it, %d different ids", made.Load(), n)
	}
}

func TestSpecMistakes(t *testing.T) {
	good := testSpec(t)
	for name, change := range map[string]func(*Spec){
		"fixed size beyond the size":   func(s *Spec) { s.FixedSize = s.Size + 1 },
		"fixed size within the header": func(s *Spec) { s.FixedSize = 100 },
		"size below the header":        func(s *Spec) { s.Size, s.FixedSize = 64, 0 },
		"id of 61 bits":                func(s *Spec) { s.ID = 1 << 60 },
		"fixed size without a bound":   func(s *Spec) { s.Size, s.FixedSize = 1<<20, 1<<17 },
	} {
		spec := good
		change(&spec)
		if _, err := Create(spec); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names := filesIn(t, filepath.Dir(good.Path)); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestModeIsNotMasked(t *testing.T) {
	spec := testSpec(t)
	spec.Rights.Mode = 0o666
	mustCreate(t, spec)
	st, err := os.Stat(spec.Path)
	if err != nil || st.Mode().Perm() != 0o666 {
		t.Errorf("mode = %v, %v", st.Mode(), err)
	}
}

func TestMissingDirectory(t *testing.T) {
	spec := testSpec(t)
	spec.Path = filepath.Join(spec.Path, "not", "there")
	_, err := Create(spec)
	mustError(t, err, fs.ErrNotExist, "not")
	_, err = Open(spec.Path, testKind, true)
	mustError(t, err, fs.ErrNotExist, spec.Path)
}

// A segment that is being built has no name, and leaves nothing if it is given up.
func TestBuildHasNoName(t *testing.T) {
	spec := testSpec(t)
	s, err := Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	if state, _ := s.State(); state != layout.SegmentStateBuilding || s.Retire(0) {
		t.Errorf("state = %d", state)
	}
	if names := filesIn(t, filepath.Dir(spec.Path)); len(names) != 0 {
		t.Errorf("names before Link: %v", names)
	}
	if !s.SetReady() || s.SetReady() {
		t.Error("SetReady must be true once")
	}
	if err := s.Link(); err != nil {
		t.Fatal(err)
	}
	if got := mustOpen(t, spec.Path, true); got.ID() != s.ID() {
		t.Error("another segment has the name")
	}
	_ = s.Close()
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestHeapSegment(t *testing.T) {
	spec := testSpec(t)
	s, err := NewHeapSegment(spec)
	if err != nil {
		t.Fatal(err)
	}
	if state, _ := s.State(); state != layout.SegmentStateReady || len(s.Bytes()) != spec.Size || s.Path() != "" {
		t.Errorf("state %d, %d bytes, path %q", state, len(s.Bytes()), s.Path())
	}
	if string(s.Bytes()[128:136]) != "geometry" || !s.Retire(5) {
		t.Error("a heap segment is a segment but for its file")
	}
	if err := s.Link(); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Link = %v", err)
	}
	if err := s.Remove(); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Remove = %v", err)
	}
	word64(s.Bytes(), 64).Add(1) // lines begin where they do in a mapping
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestWordsMustBeAligned(t *testing.T) {
	b := alignedBytes(64)
	for name, f := range map[string]func(){
		"64 bits at 4":   func() { word64(b, 4) },
		"32 bits at 2":   func() { word32(b, 2) },
		"beyond the end": func() { word64(b, 64) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestCopyWords(t *testing.T) {
	b := alignedBytes(64)
	for n := range 24 {
		src := []byte("abcdefghijklmnopqrstuvwx")[:n]
		storeWords(b, 8, src)
		got := make([]byte, n)
		loadWords(got, b, 8)
		if string(got) != string(src) {
			t.Errorf("%d bytes: %q, want %q", n, got, src)
		}
	}
	if b[0] != 0 || b[32] != 0 {
		t.Error("written outside")
	}
}
