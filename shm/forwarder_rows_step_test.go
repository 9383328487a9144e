//go:build invariants

package shm

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

// heapRows is how many rows of each sort a seat in the heap has: so few that each is used again at once.
const heapRows = 4

// heapSeat is a seat whose rows lie in an image of them.
func heapSeat(image []byte) *ForwarderSeat {
	s := &ForwarderSeat{}
	const part = heapRows * layout.CacheLine
	s.cursors = rowTable[uint64]{what: "cursors", data: image, start: 0, count: heapRows}
	s.streams = rowTable[streamKey]{what: "streams", data: image, start: part, count: heapRows}
	s.peers = rowTable[peerKey]{what: "peers", data: image, start: 2 * part, count: heapRows}
	s.scanRows()
	return s
}

// left is what a seat's rows say.
type left struct {
	cursors map[uint64]uint64
	streams map[streamKey]uint64
	peers   map[peerKey][2]uint64
}

func leftBy(s *ForwarderSeat) left {
	l := left{map[uint64]uint64{}, map[streamKey]uint64{}, map[peerKey][2]uint64{}}
	for _, ring := range s.Cursors() {
		l.cursors[ring], _ = s.Cursor(ring)
	}
	for _, row := range s.Streams() {
		l.streams[streamKey{row.Ring, row.Producer}] = row.Sequence
	}
	for node, lane := range s.Peers() {
		session, next, _ := s.Peer(node, lane)
		l.peers[peerKey{node, lane}] = [2]uint64{session, next}
	}
	return l
}

// between says what of a table cannot be between two others: each key has the value of the one or of the
// other, and what both have is there, but where it may go for an instant.
func between[K comparable, V comparable](t *testing.T, what string, now, before, after map[K]V, mayGo func(before, after V) bool) {
	t.Helper()
	for k, v := range now {
		b, old := before[k]
		a, next := after[k]
		if !(old && v == b || next && v == a) {
			t.Fatalf("%s of %v: %v, neither %v (%v) nor %v (%v)", what, k, v, b, old, a, next)
		}
	}
	for k, b := range before {
		if a, stays := after[k]; stays && !mayGo(b, a) {
			if _, there := now[k]; !there {
				t.Fatalf("%s of %v: gone between %v and %v", what, k, b, a)
			}
		}
	}
}

// changeRows does one thing to the rows, at random.
func changeRows(s *ForwarderSeat, rnd *rand.Rand) error {
	ring, value := rnd.Uint64N(6)+1, rnd.Uint64N(1000)
	producer := Address{Node: 7, Epoch: 9, Generation: rnd.Uint32N(3), Index: uint16(rnd.Uint32N(2)), Handle: 1}
	node, lane := rnd.Uint32N(3)+1, rnd.Uint32N(2)
	switch rnd.IntN(8) {
	case 0, 1:
		return s.SetCursor(ring, value)
	case 2, 3:
		_, err := s.StreamCell(ring%2+1, producer)
		return err
	case 4:
		return s.SetStream(ring%2+1, producer, value)
	case 5:
		return s.SetPeer(node, lane, rnd.Uint64N(2)+1, value)
	case 6:
		sequence, _ := s.Stream(ring%2+1, producer)
		s.FreeStream(StreamRow{ring%2 + 1, producer, sequence})
	default:
		s.SweepCursors(func(kept uint64) bool { return kept != ring })
		s.SweepPeers(func(kept, _ uint32) bool { return kept != node })
	}
	return nil
}

// A forwarder that dies at any store to its rows leaves those of before or those of after, nothing else; and its
// successor goes on with what it finds.
func TestRowsAtEachStore(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d: put it in place of rand.Uint64() to repeat", seed)
	rnd := rand.New(rand.NewPCG(seed, 3))
	t.Cleanup(func() { OnStep(nil) })
	image := make([]byte, 3*heapRows*layout.CacheLine)
	s := heapSeat(image)
	stores, reused := 0, 0
	for range 20_000 {
		before := leftBy(s)
		var images [][]byte
		OnStep(func(string) { images = append(images, bytes.Clone(image)) })
		err := changeRows(s, rnd)
		OnStep(nil)
		if err != nil && !errors.Is(err, ErrRowsFull) {
			t.Fatal(err)
		}
		stores += len(images)
		images = append(images, bytes.Clone(image))
		after := leftBy(s)
		for _, b := range images {
			now := leftBy(heapSeat(bytes.Clone(b)))
			between(t, "cursor", now.cursors, before.cursors, after.cursors, func(_, _ uint64) bool { return false })
			between(t, "stream", now.streams, before.streams, after.streams, func(_, _ uint64) bool { return false })
			between(t, "lane", now.peers, before.peers, after.peers, func(b, a [2]uint64) bool { return b[0] != a[0] })
		}
		if now := leftBy(heapSeat(bytes.Clone(image))); !maps.Equal(now.streams, after.streams) || !maps.Equal(now.cursors, after.cursors) || !maps.Equal(now.peers, after.peers) {
			t.Fatalf("a successor finds %v, want %v", now, after)
		}
		if rnd.IntN(4) == 0 {
			image = images[rnd.IntN(len(images))]
			s = heapSeat(image)
			reused++
		}
	}
	t.Logf("%d stores, %d deaths", stores, reused)
	if stores == 0 || reused == 0 {
		t.Error("nothing was shown")
	}
}

// A key that stands twice, which nobody writes, is one row for whoever comes, and its other row is free.
func TestRowsThatStandTwice(t *testing.T) {
	image := make([]byte, 3*heapRows*layout.CacheLine)
	s := heapSeat(image)
	producer := Address{Node: 7, Index: 1}
	if err := errors.Join(s.SetStream(1, producer, 5), s.SetStream(2, producer, 6)); err != nil {
		t.Fatal(err)
	}
	freeStream(s.streams.row(1))
	copy(s.streams.row(1), s.streams.row(0))
	s = heapSeat(image)
	if rows := s.Streams(); len(rows) != 1 || rows[0] != (StreamRow{1, producer, 5}) {
		t.Errorf("the rows are %v", rows)
	}
	if again := heapSeat(image); len(again.streams.free) != heapRows-1 || len(again.Streams()) != 1 {
		t.Errorf("%d rows are free", len(again.streams.free))
	}
}
