package ring

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// ringPath is a name for a ring in a folder of its own, in shared memory.
func ringPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "topic")
}

func openFor(t testing.TB, path string, node *testNode, i uint16, s Shape) *File {
	t.Helper()
	f, err := OpenFile(path, testHost{node, i}, FileOptions{Shape: s, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// filesOf lists what is in the folder of a ring.
func filesOf(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func closeFor(t testing.TB, files ...*File) {
	t.Helper()
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLastUserRemovesTheFiles(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	a := openFor(t, path, node, 0, small(Shared))
	b := openFor(t, path, node, 1, Shape{})
	if a.ID() != b.ID() {
		t.Fatalf("two rings of one name: %x, %x", a.ID(), b.ID())
	}
	closeFor(t, a)
	if n := len(filesOf(t, path)); n != 2 {
		t.Errorf("%d files while the ring is in use, want 2", n)
	}
	closeFor(t, b)
	if n := filesOf(t, path); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

func TestShapeErrorNamesWhatDiffers(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 0, small(Shared))
	defer f.Close()
	publishFor(t, produceFor(t, f.Ring), "x")
	_, err := OpenFile(path, testHost{node, 1}, FileOptions{Shape: Shape{Slots: 128, History: 5}})
	var shape *ShapeError
	if !errors.As(err, &shape) {
		t.Fatalf("open: %v, want a shape error", err)
	}
	for _, want := range []string{"64 slots of 64 bytes, reliable, shared", "slots 128", "history 5"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "payload 64") {
		t.Errorf("error %q names what does not differ", err)
	}
	same, err := OpenFile(path, testHost{node, 1}, FileOptions{Shape: Shape{Slots: 64}})
	if err != nil {
		t.Fatalf("open as it is: %v", err)
	}
	closeFor(t, same)
}

func TestRingOfALivingExclusiveProducerKeepsItsShape(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 0, small(Exclusive))
	defer f.Close()
	p := produceFor(t, f.Ring)
	start := time.Now()
	_, err := OpenFile(path, testHost{node, 1}, FileOptions{Shape: Shape{Slots: 128}})
	var shape *ShapeError
	if !errors.As(err, &shape) {
		t.Fatalf("open: %v, want a shape error", err)
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("the error took %v", d)
	}
	node.dead[0].Store(true)
	next, err := OpenFile(path, testHost{node, 1}, FileOptions{Shape: Shape{Slots: 128}})
	if err != nil {
		t.Fatalf("open when the owner has died without a word: %v", err)
	}
	if err := p.TryPublish(nil, &Meta{}); err == nil {
		t.Error("the old owner still publishes")
	}
	closeFor(t, next)
}

// TestReplacementLosesNothing: readers wait on a ring that nobody has written; a
// producer that asks for another shape replaces it; they miss nothing.
func TestReplacementLosesNothing(t *testing.T) {
	for _, kind := range []Kind{Shared, Exclusive} {
		node, path := &testNode{}, ringPath(t)
		old := openFor(t, path, node, 1, Shape{Kind: kind})
		readers := []*Reader{joinFor(t, old.Ring, JoinOptions{}), joinFor(t, old.Ring, JoinOptions{})}
		next := openFor(t, path, node, 0, Shape{Slots: 128, Payload: 64, StallBudget: time.Minute})
		if next.Shape().Slots != 128 || next.Shape().Kind != kind {
			t.Fatalf("replaced by %v", next.Shape())
		}
		p := produceFor(t, next.Ring)
		publishFor(t, p, "first")
		publishFor(t, p, "second")
		for _, rd := range readers {
			if err := rd.Next(&Message{}); err != ErrRetired {
				t.Fatalf("next on the old ring: %v, want %v", err, ErrRetired)
			}
			f := openFor(t, path, node, 1, Shape{})
			if err := rd.Follow(f.Ring); err != nil {
				t.Fatal(err)
			}
			wantNext(t, rd, "first")
			wantNext(t, rd, "second")
			rd.Close()
			closeFor(t, f)
		}
		closeFor(t, old, next)
		if n := filesOf(t, path); len(n) != 0 {
			t.Errorf("%v: left behind: %v", kind, n)
		}
	}
}

// TestRingWaitsForItsReaders: a producer that replaced the ring, published and
// left is followed by the reader that waited, however late it wakes.
func TestRingWaitsForItsReaders(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, Shape{})
	rd := joinFor(t, old.Ring, JoinOptions{})
	next := openFor(t, path, node, 0, small(Shared))
	publishFor(t, produceFor(t, next.Ring), "x")
	closeFor(t, next)
	f := openFor(t, path, node, 1, Shape{})
	if err := rd.Follow(f.Ring); err != nil {
		t.Fatal(err)
	}
	wantNext(t, rd, "x")
	rd.Close()
	closeFor(t, f, old)
	if n := filesOf(t, path); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

// TestPutOutBeforeItFollowed: a reader that was entered and came so late that it
// was put out before it had looked even once is told what it missed.
func TestPutOutBeforeItFollowed(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, Shape{})
	rd := joinFor(t, old.Ring, JoinOptions{})
	next := openFor(t, path, node, 0, small(Shared))
	p := produceFor(t, next.Ring)
	for range 64 {
		publishFor(t, p, "x")
	}
	next.evict(rd.index, rd.mine)
	publishFor(t, p, "y")
	if err := rd.Follow(next.Ring); err != nil {
		t.Fatal(err)
	}
	wantLag(t, rd, 0, 65)
	publishFor(t, p, "z")
	wantNext(t, rd, "z")
	rd.Close()
	closeFor(t, old, next)
}

// TestLastOfReaderAndWriterRemoves: they leave at once, many times; the one that
// leaves last removes the files, whoever it is.
func TestLastOfReaderAndWriterRemoves(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	for range 200 {
		a, b := openFor(t, path, node, 0, small(Shared)), openFor(t, path, node, 1, small(Shared))
		rd := joinFor(t, a.Ring, JoinOptions{})
		var wg sync.WaitGroup
		wg.Go(func() { rd.Close(); closeFor(t, a) })
		wg.Go(func() { closeFor(t, b) })
		wg.Wait()
		if n := filesOf(t, path); len(n) != 0 {
			t.Fatalf("left behind: %v", n)
		}
	}
}

func TestReplacedTwiceBeforeTheReaderFollows(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, Shape{})
	rd := joinFor(t, old.Ring, JoinOptions{})
	first := openFor(t, path, node, 0, Shape{Slots: 128})
	second := openFor(t, path, node, 0, Shape{Slots: 256})
	publishFor(t, produceFor(t, second.Ring), "x")
	f := openFor(t, path, node, 1, Shape{})
	if err := rd.Follow(f.Ring); err != nil {
		t.Fatal(err)
	}
	wantNext(t, rd, "x")
	closeFor(t, f, first, second, old)
}

// TestSealedByOneWhoDied: the replacer died right after the seal.
func TestSealedByOneWhoDied(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, small(Shared))
	rd := joinFor(t, old.Ring, JoinOptions{})
	if !old.seal() {
		t.Fatal("a ring that nobody has written was not sealed")
	}
	if err := produceFor(t, old.Ring).TryPublish(nil, &Meta{}); err != ErrRetired {
		t.Fatalf("publish into a sealed ring: %v, want %v", err, ErrRetired)
	}
	followed(t, path, node, rd, old)
}

// TestRetiredByOneWhoDied: the replacer died before its ring had the name.
func TestRetiredByOneWhoDied(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, small(Shared))
	rd := joinFor(t, old.Ring, JoinOptions{})
	if !old.seal() || !old.ctl.Retire(12345) {
		t.Fatal("could not seal and retire")
	}
	followed(t, path, node, rd, old)
}

// TestSpoiltRingIsReplaced: all its users meet in another ring of the same name,
// though nobody has let go of the old one.
func TestSpoiltRingIsReplaced(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, small(Shared))
	rd := joinFor(t, old.Ring, JoinOptions{})
	publishFor(t, produceFor(t, old.Ring), "x")
	_ = old.spoiled(0, "by the test")
	wantNext(t, rd, "x") // what was there is read
	followed(t, path, node, rd, old)
}

// followed checks that a producer and the reader of an old ring meet in a new one.
func followed(t *testing.T, path string, node *testNode, rd *Reader, old *File) {
	t.Helper()
	if err := nextFor(rd, &Message{}); err != ErrRetired {
		t.Fatalf("next: %v, want %v", err, ErrRetired)
	}
	next := openFor(t, path, node, 0, Shape{})
	if next.ID() == old.ID() {
		t.Fatal("the old ring was opened")
	}
	if err := rd.Follow(next.Ring); err != nil {
		t.Fatal(err)
	}
	publishFor(t, produceFor(t, next.Ring), "after")
	wantNext(t, rd, "after")
	rd.Close()
	closeFor(t, old, next)
	if n := filesOf(t, path); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

// TestStoppedReplacerTakesNoName: a replacer that was stopped before it took the
// name finds, when it goes on, that another has replaced the ring meanwhile.
func TestStoppedReplacerTakesNoName(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	old := openFor(t, path, node, 1, small(Shared))
	slow, err := old.buildSuccessor(small(Shared).Default(), FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !old.seal() || !old.ctl.Retire(slow.ctl.ID()) {
		t.Fatal("could not seal and retire")
	}
	fast := openFor(t, path, node, 0, Shape{})
	publishFor(t, produceFor(t, fast.Ring), "x")
	if err := slow.takeName(path); err != errAgain {
		t.Errorf("the slow one takes the name: %v, want %v", err, errAgain)
	}
	again := openFor(t, path, node, 2, Shape{})
	if again.ID() != fast.ID() {
		t.Error("the name leads to another ring than the written one")
	}
	closeFor(t, old, fast, again)
	if n := filesOf(t, path); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

func TestDataOfAnotherRingIsDamage(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 0, small(Shared))
	defer f.Close()
	other := openFor(t, path+"2", node, 0, small(Shared))
	defer other.Close()
	if err := os.Rename(other.dat.Path(), f.dat.Path()); err != nil {
		t.Fatal(err)
	}
	_, err := OpenFile(path, testHost{node, 1}, FileOptions{})
	var damaged *shm.DamagedError
	if !errors.As(err, &damaged) {
		t.Errorf("open: %v, want damage", err)
	}
}

// TestTwoReplacersAtOnce: many open a fresh name at once with two shapes. Each
// gets a ring of its shape or learns that it was written in the other; all that
// were told OK are read by the reader that came first.
func TestTwoReplacersAtOnce(t *testing.T) {
	for range 20 {
		replaceAtOnce(t)
	}
}

func replaceAtOnce(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	first := openFor(t, path, node, 9, Shape{})
	rd := joinFor(t, first.Ring, JoinOptions{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	sent := 0
	for i := range 4 {
		wg.Go(func() {
			n, err := publishOnce(path, testHost{node, uint16(i)}, Shape{Slots: 64 << (i % 2)})
			if err != nil {
				t.Errorf("replacer %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			sent += n
		})
	}
	got, files := 0, []*File{first}
	wg.Wait()
	for got < sent {
		switch err := nextFor(rd, &Message{}); err {
		case nil:
			got++
		case ErrRetired:
			f := openFor(t, path, node, 9, Shape{})
			files = append(files, f)
			if err := rd.Follow(f.Ring); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("after %d of %d: %v", got, sent, err)
		}
	}
	if sent == 0 {
		t.Error("nobody could publish")
	}
	rd.Close()
	closeFor(t, files...)
}

// publishOnce opens the ring in a shape and publishes one message, which may
// fail only because the other shape was written first.
func publishOnce(path string, h testHost, s Shape) (int, error) {
	for {
		f, err := OpenFile(path, h, FileOptions{Shape: s, Write: true})
		var shape *ShapeError
		if errors.As(err, &shape) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		p, err := f.NewProducer(h.address())
		if err == nil {
			err = publishSoon(p)
		}
		if err = errors.Join(err, f.Close()); err == nil {
			return 1, nil
		}
		if !errors.Is(err, ErrRetired) {
			return 0, err
		}
	}
}

// publishSoon publishes, and waits for a writer that is a whole lap behind.
func publishSoon(p *Producer) error {
	for {
		err := p.TryPublish([]byte("x"), &Meta{})
		if err != ErrFull {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// TestOpenCloseRemoveRaces: many open, use and close one name; nobody gets an
// error, nobody meets a ring that was taken away, and nothing is left.
func TestOpenCloseRemoveRaces(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 100 {
				if _, err := publishOnce(path, testHost{node, uint16(i)}, Shape{Slots: 64, Payload: 64}); err != nil {
					t.Errorf("opener %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := filesOf(t, path); len(n) != 0 {
		t.Errorf("left behind: %v", n)
	}
}

func TestReadersMapTheSlotsReadOnly(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	f := openFor(t, path, node, 0, small(Shared))
	rf, err := OpenFile(path, testHost{node, 1}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if rf.dat.Writable() || !f.dat.Writable() {
		t.Errorf("slots writable: reader %v, writer %v", rf.dat.Writable(), f.dat.Writable())
	}
	rd := joinFor(t, rf.Ring, JoinOptions{})
	publishFor(t, produceFor(t, f.Ring), "x")
	wantNext(t, rd, "x")
	closeFor(t, f, rf)
}

func TestGeometryIsCheckedAtOpen(t *testing.T) {
	ctl, dat := testRing(t, small(Shared))
	for at := layout.SegmentHeaderSize; at < layout.SegmentHeaderSize+64; at++ {
		old := ctl[at]
		ctl[at] ^= 0x55
		if at < layout.SegmentHeaderSize+layout.RingGeometryDataIdOffset && at != layout.SegmentHeaderSize+layout.RingGeometryReserved0Offset {
			if _, err := Attach(ctl, dat, testHost{&testNode{}, 0}); err == nil {
				t.Errorf("byte %d of the geometry is wrong and nobody says so", at-layout.SegmentHeaderSize)
			}
		}
		ctl[at] = old
	}
	if _, err := Attach(ctl[:len(ctl)-128], dat, testHost{&testNode{}, 0}); err == nil {
		t.Error("a truncated control span was attached")
	}
	if _, err := Attach(ctl, dat[:len(dat)-128], testHost{&testNode{}, 0}); err == nil {
		t.Error("a truncated data span was attached")
	}
	if _, err := Attach(ctl[:100], dat, testHost{&testNode{}, 0}); err == nil {
		t.Error("a control span of 100 bytes was attached")
	}
}

// TestReaderMapsSlotsReadOnly checks the mapping of a ring that its reader made, as
// of one that was there.
func TestReaderMapsSlotsReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "orders")
	host := testHost{node: &testNode{}}
	for _, which := range []string{"made", "found"} {
		f, err := OpenFile(path, host, FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.dat.Writable() {
			t.Errorf("a reader may write the slots of a ring that it %s", which)
		}
	}
}
