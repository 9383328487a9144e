package shm

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// directoryOf makes a table of a length that depends on n, all of whose bytes say n.
func directoryOf(n uint64) []byte {
	return bytes.Repeat([]byte{byte(n)}, int(n%97)*40+1)
}

func checkDirectory(t *testing.T, b []byte) {
	t.Helper()
	for _, c := range b {
		if c != b[0] {
			t.Fatalf("a mixture of %d and %d in %d bytes", b[0], c, len(b))
		}
	}
}

func claimTest(t *testing.T, d *Domain) *ForwarderSeat {
	t.Helper()
	s, err := d.ClaimForwarder(joinTest(t, d, "forwarder"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestForwarderSeat(t *testing.T) {
	base := testBase(t)
	d, other := openTestDomain(t, base), openTestDomain(t, base)
	if d.Session() != 0 || d.ForwarderAlive() {
		t.Error("a forwarder before the first")
	}
	if _, ok := d.ForwarderBell(); ok {
		t.Error("the doorbell of nobody")
	}
	now := uint64(time.Now().UnixMilli())
	s := claimTest(t, d)
	if s.Session() < now || other.Session() != s.Session() || !other.ForwarderAlive() || !d.ForwarderAlive() {
		t.Errorf("session %d, now %d", s.Session(), now)
	}
	_, err := other.ClaimForwarder(joinTest(t, other, "second"))
	var running *ForwarderRunningError
	if !errors.As(err, &running) || !errors.Is(err, ErrForwarderRunning) || running.PID == 0 || running.Index != 0 {
		t.Errorf("second claim: %v", err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if d.ForwarderAlive() {
		t.Error("the seat stays taken")
	}
	if _, ok := d.ForwarderBell(); ok {
		t.Error("the doorbell of one who left")
	}
	mustError(t, s.WriteDirectory(nil), ErrClosed)
}

// A session is higher than all before, also where the clock was set back.
func TestSessionsGrow(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	ahead := uint64(time.Now().Add(time.Hour).UnixMilli())
	d.session().Store(ahead)
	if s := claimTest(t, d); s.Session() != ahead+1 {
		t.Errorf("session %d after %d", s.Session(), ahead)
	}
}

// Changes ring the forwarder's doorbell.
func TestChangesRingTheForwarder(t *testing.T) {
	base := testBase(t)
	d, other := openTestDomain(t, base), openTestDomain(t, base)
	claimTest(t, d)
	bell, ok := other.ForwarderBell()
	if !ok {
		t.Fatal("no doorbell")
	}
	last := bell.Load()
	rung := func(what string) {
		t.Helper()
		if now := bell.Load(); now == last {
			t.Errorf("%s did not ring", what)
		} else {
			last = now
		}
	}
	p := joinTest(t, other, "p")
	rung("joining")
	if err := p.SetInfo(Info{Name: "q"}); err != nil {
		t.Fatal(err)
	}
	rung("a new info")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	rung("leaving")
	for _, w := range []uint64{1<<32 | 60000, 7<<32 | 1, 0} { // nobody, an earlier generation, none
		d.forwarder().Store(w)
		if _, ok := other.ForwarderBell(); ok {
			t.Errorf("a doorbell for %#x", w)
		}
	}
}

// The next forwarder finds what the last one left.
func TestRowsOutliveTheForwarder(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	s := claimTest(t, d)
	a := Address{Node: 7, Epoch: 9, Generation: 2, Index: 3, Handle: 1}
	b := a.Participant()
	if err := errors.Join(s.SetCursor(100, 5), s.SetCursor(100, 6), s.SetCursor(200, 7),
		s.SetStream(100, a, 1), s.SetStream(100, b, 2), s.SetStream(200, a, 3), s.SetStream(200, a, 4),
		s.SetPeer(7, 0, 50, 1000), s.SetPeer(7, 1, 50, 2000), s.SetPeer(7, 0, 51, 1), s.SetPeer(7, 0, 51, 2)); err != nil {
		t.Fatal(err)
	}
	first := s.Session()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = claimTest(t, d)
	if s.Session() <= first {
		t.Errorf("session %d after %d", s.Session(), first)
	}
	cell, err := s.StreamCell(200, a)
	if err != nil || cell.Load() != 4 {
		t.Errorf("cell: %v", err)
	}
	cell.Store(5)
	got := fmt.Sprintln(s.Cursor(100)) + fmt.Sprintln(s.Cursor(200)) + fmt.Sprintln(s.Cursor(300)) +
		fmt.Sprintln(s.Stream(100, a)) + fmt.Sprintln(s.Stream(100, b)) + fmt.Sprintln(s.Stream(200, a)) + fmt.Sprintln(s.Stream(200, b)) +
		fmt.Sprintln(s.Peer(7, 0)) + fmt.Sprintln(s.Peer(7, 1)) + fmt.Sprintln(s.Peer(8, 0))
	want := "6 true\n7 true\n0 false\n1 true\n2 true\n5 true\n0 false\n51 2 true\n50 2000 true\n0 0 false\n"
	if got != want {
		t.Errorf("rows:\n%swant\n%s", got, want)
	}
	n := 0
	for node, lane := range s.Peers() {
		n += int(node*10 + lane)
	}
	if n != 141 {
		t.Errorf("peers add up to %d", n)
	}
}

// A full table says so; a sweep makes room; what is kept stays.
func TestRowsFull(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	s := claimTest(t, d)
	for i := range uint64(layout.ForwarderCursorCount) {
		if err := s.SetCursor(i+1, i); err != nil {
			t.Fatal(err)
		}
	}
	mustError(t, s.SetCursor(1<<40, 1), ErrRowsFull, "cursors")
	for i := range uint32(layout.ForwarderPeerCount) {
		if err := s.SetPeer(i, 0, 1, 1); err != nil {
			t.Fatal(err)
		}
	}
	mustError(t, s.SetPeer(1<<30, 0, 1, 1), ErrRowsFull, "peers")
	for i := range layout.ForwarderStreamCount {
		if err := s.SetStream(1, Address{Node: uint32(i)}, 1); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.StreamCell(2, Address{})
	mustError(t, err, ErrRowsFull, "streams")
	if n := s.SweepCursors(func(ring uint64) bool { return ring%2 == 0 }); n != layout.ForwarderCursorCount/2 {
		t.Errorf("swept %d", n)
	}
	if n := s.SweepStreams(func(_ uint64, a Address) bool { return a.Node >= 10 }); n != 10 {
		t.Errorf("swept %d", n)
	}
	if n := s.SweepPeers(func(node, _ uint32) bool { return node != 5 }); n != 1 {
		t.Errorf("swept %d", n)
	}
	if err := errors.Join(s.SetCursor(1<<40, 1), s.SetStream(2, Address{}, 1), s.SetPeer(1<<30, 0, 1, 1)); err != nil {
		t.Error(err)
	}
	if p, ok := s.Cursor(2); !ok || p != 1 {
		t.Error("a row that is kept is gone")
	}
	if _, ok := s.Cursor(3); ok {
		t.Error("a row that was swept is there")
	}
	_ = s.Close()
	s = claimTest(t, d)
	if _, ok := s.Cursor(1 << 40); !ok || len(s.cursors.byKey) != layout.ForwarderCursorCount/2+1 {
		t.Errorf("%d cursors for the successor", len(s.cursors.byKey))
	}
}

func TestDirectory(t *testing.T) {
	base := testBase(t)
	d, other := openTestDomain(t, base), openTestDomain(t, base)
	if b, err := other.ReadDirectory(); err != nil || b != nil {
		t.Errorf("directory before the first = %d bytes, %v", len(b), err)
	}
	s := claimTest(t, d)
	for _, n := range []int{1, 8, 4097, layout.DirectoryAreaSize, 3, 0} {
		want := bytes.Repeat([]byte{byte(n + 1)}, n)
		version := other.DirectoryVersion()
		if err := s.WriteDirectory(want); err != nil {
			t.Fatal(err)
		}
		if got, err := other.ReadDirectory(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
		if other.DirectoryVersion() == version {
			t.Error("the version stays")
		}
	}
	mustError(t, s.WriteDirectory(make([]byte, layout.DirectoryAreaSize+1)), ErrTooLarge)
	d.area.tableSize.Store(1 << 31)
	_, err := other.ReadDirectory()
	mustError(t, err, ErrTooLarge)
}

func TestDirectoryIsWholeWhileWritten(t *testing.T) {
	base := testBase(t)
	d, other := openTestDomain(t, base), openTestDomain(t, base)
	s := claimTest(t, d)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for n := uint64(0); ; n++ {
			select {
			case <-stop:
				return
			default:
				_ = s.WriteDirectory(directoryOf(n))
			}
		}
	})
	read := 0
	for range 3000 {
		b, err := other.ReadDirectory()
		if errors.Is(err, ErrUnfinished) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		checkDirectory(t, b)
		read++
	}
	close(stop)
	wg.Wait()
	if read == 0 {
		t.Error("the writer never let the reader read")
	}
}

// Forwarders killed anywhere: the successor gets the seat, a higher session,
// and rows that are whole.
func TestForwarderKilled(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	var last uint64
	for round := range 15 {
		c := startChild(t, "forward", base)
		index, generation := c.joined()
		var session uint64
		if _, err := fmt.Sscanf(c.line(), "session %d", &session); err != nil || session <= last {
			t.Fatalf("round %d: session %d after %d, %v", round, session, last, err)
		}
		time.Sleep(time.Duration(round) * time.Millisecond)
		c.kill()
		if c.cmd.ProcessState.Exited() {
			t.Fatalf("a forwarder ended by itself: %s", c.line())
		}
		if err := d.Free(index, generation); err != nil {
			t.Fatal(err)
		}
		last = checkWhatIsLeft(t, d)
	}
}

func checkWhatIsLeft(t *testing.T, d *Domain) (session uint64) {
	t.Helper()
	p, err := d.Join(Info{Name: "successor"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s, err := d.ClaimForwarder(p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for ring := range s.cursors.byKey {
		if v, _ := s.Cursor(ring); v%1000 != ring%1000 {
			t.Errorf("cursor of %d = %d", ring, v)
		}
	}
	for k := range s.streams.byKey {
		if v, _ := s.Stream(k.ring, k.producer); v%1000 != k.ring%1000 || uint64(k.producer.Index) != k.ring {
			t.Errorf("stream of %d, %v = %d", k.ring, k.producer, v)
		}
	}
	for k := range s.peers.byKey {
		if session, next, _ := s.Peer(k.node, k.lane); next/1000 != session || next%1000 != uint64(k.node) {
			t.Errorf("peer %d: session %d, next %d", k.node, session, next)
		}
	}
	b, err := d.ReadDirectory()
	if err != nil {
		t.Fatal(err)
	}
	checkDirectory(t, b)
	return s.Session()
}
