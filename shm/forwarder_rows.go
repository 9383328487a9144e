package shm

import (
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
)

// Rows of the forwarder's segment: what one forwarder leaves to the next. All
// three sorts are written so that a forwarder may die between any two stores:
// a new row gets its key last, so a row with a key is whole; a row in use
// changes by one store of its value; a row is let go by one store of 0 to its
// key. pairs(cursor-row): the store of the key, and the load of it by the next
// forwarder.

// put stores a word of a row.
func put(word *atomic.Uint64, value uint64) {
	step("row word")
	word.Store(value)
}

// putHalf stores half a word of a row.
func putHalf(half *atomic.Uint32, value uint32) {
	step("row half")
	half.Store(value)
}

// streamKey names a remote producer's handle in a local ring.
type streamKey struct {
	ring     uint64
	producer Address
}

// peerKey names a lane of another node.
type peerKey struct{ node, lane uint32 }

// A rowTable finds rows by their key; the index of it is private to this process.
type rowTable[K comparable] struct {
	what  string
	data  []byte
	start int
	count int
	byKey map[K]int
	free  []int // rows without a key, the lowest last
}

// row returns row i; all rows are one line.
func (t *rowTable[K]) row(i int) []byte {
	at := t.start + i*layout.CacheLine
	return t.data[at : at+layout.CacheLine : at+layout.CacheLine]
}

// scan fills the index from what a predecessor left.
func (t *rowTable[K]) scan(key func(row []byte) (K, bool), release func(row []byte)) {
	t.byKey = make(map[K]int)
	t.free = nil
	for i := t.count - 1; i >= 0; i-- {
		k, used := key(t.row(i))
		_, twice := t.byKey[k]
		if used && !twice {
			t.byKey[k] = i
			continue
		}
		if used { // damage: nobody writes a key twice
			release(t.row(i))
		}
		t.free = append(t.free, i)
	}
}

// take gives a free row to the key, which has none.
func (t *rowTable[K]) take(k K) ([]byte, error) {
	if len(t.free) == 0 {
		return nil, fmt.Errorf("%d %s: %w", t.count, t.what, ErrRowsFull)
	}
	i := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	t.byKey[k] = i
	return t.row(i), nil
}

// sweep frees the rows whose key is not kept and returns how many.
func (t *rowTable[K]) sweep(keep func(K) bool, release func(row []byte)) int {
	n := 0
	for k := range t.byKey {
		if !keep(k) {
			t.letGo(k, release)
			n++
		}
	}
	return n
}

// letGo frees the row of a key, if it has one.
func (t *rowTable[K]) letGo(k K, release func(row []byte)) {
	if i, ok := t.byKey[k]; ok {
		release(t.row(i))
		delete(t.byKey, k)
		t.free = append(t.free, i)
	}
}

// RowUse is how many rows of a sort there are, and how many of them are in use.
type RowUse struct{ Used, Of int }

// Short says that more than half are in use.
func (u RowUse) Short() bool { return u.Used > u.Of/2 }

func (t *rowTable[K]) use() RowUse { return RowUse{Used: len(t.byKey), Of: t.count} }

// Use returns how full the rows of cursors, of streams and of peers are.
func (s *ForwarderSeat) Use() (cursors, streams, peers RowUse) {
	return s.cursors.use(), s.streams.use(), s.peers.use()
}

func (d *Domain) openForwarderSegment() (*Segment, error) {
	const (
		cursors = layout.SegmentHeaderSize + layout.ForwarderHeaderSize
		streams = cursors + layout.ForwarderCursorCount*layout.ForwarderCursorSize
		peers   = streams + layout.ForwarderStreamCount*layout.ForwarderStreamSize
		size    = peers + layout.ForwarderPeerCount*layout.ForwarderPeerSize
	)
	return d.openSegment(Spec{
		Path: d.path(forwarderFile), Kind: layout.SegmentKindForwarder, Size: size, FixedSize: cursors,
		Fill: func(b []byte) {
			h, le := b[layout.SegmentHeaderSize:], binary.LittleEndian
			le.PutUint32(h[layout.ForwarderHeaderCursorCountOffset:], layout.ForwarderCursorCount)
			le.PutUint32(h[layout.ForwarderHeaderStreamCountOffset:], layout.ForwarderStreamCount)
			le.PutUint32(h[layout.ForwarderHeaderPeerCountOffset:], layout.ForwarderPeerCount)
			le.PutUint32(h[layout.ForwarderHeaderCursorsStartOffset:], cursors)
			le.PutUint32(h[layout.ForwarderHeaderStreamsStartOffset:], streams)
			le.PutUint32(h[layout.ForwarderHeaderPeersStartOffset:], peers)
		},
	}, true)
}

// readRows checks the geometry and reads the keys.
func (s *ForwarderSeat) readRows() error {
	var err error
	s.cursors, err = newRowTable[uint64](s.seg, "cursors", layout.ForwarderHeaderCursorsStartOffset, layout.ForwarderHeaderCursorCountOffset)
	if err != nil {
		return err
	}
	s.streams, err = newRowTable[streamKey](s.seg, "streams", layout.ForwarderHeaderStreamsStartOffset, layout.ForwarderHeaderStreamCountOffset)
	if err != nil {
		return err
	}
	s.peers, err = newRowTable[peerKey](s.seg, "peers", layout.ForwarderHeaderPeersStartOffset, layout.ForwarderHeaderPeerCountOffset)
	if err != nil {
		return err
	}
	s.scanRows()
	return nil
}

func (s *ForwarderSeat) scanRows() {
	s.cursors.scan(readCursorKey, freeCursor)
	s.streams.scan(readStreamKey, freeStream)
	s.peers.scan(readPeerKey, freePeer)
}

func newRowTable[K comparable](seg *Segment, what string, startOffset, countOffset int) (rowTable[K], error) {
	b, le := seg.Bytes(), binary.LittleEndian
	const end = layout.SegmentHeaderSize + layout.ForwarderHeaderSize
	if len(b) < end {
		return rowTable[K]{}, damagedGeometry(seg, fmt.Sprintf("%d bytes", len(b)))
	}
	h := b[layout.SegmentHeaderSize:]
	start, count := uint64(le.Uint32(h[startOffset:])), uint64(le.Uint32(h[countOffset:]))
	if start < end || start%layout.CacheLine != 0 || start+count*layout.CacheLine > uint64(len(b)) {
		return rowTable[K]{}, damagedGeometry(seg, fmt.Sprintf("%d %s from %d", count, what, start))
	}
	return rowTable[K]{what: what, data: b, start: int(start), count: int(count)}, nil
}

// Cursor rows.

func cursorRing(row []byte) *atomic.Uint64 { return word64(row, layout.ForwarderCursorRingIdOffset) }
func cursorPosition(row []byte) *atomic.Uint64 {
	return word64(row, layout.ForwarderCursorPositionOffset)
}

func freeCursor(row []byte) { put(cursorRing(row), 0) }

func readCursorKey(row []byte) (uint64, bool) {
	ring := cursorRing(row).Load() // pairs(cursor-row)
	return ring, ring != 0
}

// Cursor returns the first position of a ring that was not yet handed to the network.
func (s *ForwarderSeat) Cursor(ring uint64) (position uint64, ok bool) {
	i, ok := s.cursors.byKey[ring]
	if !ok {
		return 0, false
	}
	return cursorPosition(s.cursors.row(i)).Load(), true
}

// SetCursor notes how far a ring was handed to the network. [ErrRowsFull] where
// it is new and no row is left; see SweepCursors.
func (s *ForwarderSeat) SetCursor(ring, position uint64) error {
	if i, ok := s.cursors.byKey[ring]; ok {
		put(cursorPosition(s.cursors.row(i)), position)
		return nil
	}
	row, err := s.cursors.take(ring)
	if err != nil {
		return err
	}
	put(cursorPosition(row), position)
	put(cursorRing(row), ring) // pairs(cursor-row): the position came before.
	return nil
}

// SweepCursors frees the rows of the rings that are not kept, and returns how many.
func (s *ForwarderSeat) SweepCursors(keep func(ring uint64) bool) int {
	return s.cursors.sweep(keep, freeCursor)
}

// Cursors lists the rings that have a row.
func (s *ForwarderSeat) Cursors() []uint64 {
	return slices.AppendSeq(make([]uint64, 0, len(s.cursors.byKey)), maps.Keys(s.cursors.byKey))
}

// Stream rows.

func streamRing(row []byte) *atomic.Uint64 { return word64(row, layout.ForwarderStreamRingIdOffset) }
func streamSequence(row []byte) *atomic.Uint64 {
	return word64(row, layout.ForwarderStreamSequenceOffset)
}

func freeStream(row []byte) { put(streamRing(row), 0) }

func readStreamKey(row []byte) (streamKey, bool) {
	ring := streamRing(row).Load() // pairs(cursor-row)
	var b [layout.AddressSize]byte
	loadWords(b[:], row, layout.ForwarderStreamProducerOffset)
	return streamKey{ring: ring, producer: ReadAddress(b[:])}, ring != 0
}

// Stream returns the sequence of the last message of a remote producer's
// handle that was put into a local ring.
func (s *ForwarderSeat) Stream(ring uint64, producer Address) (sequence uint64, ok bool) {
	i, ok := s.streams.byKey[streamKey{ring, producer}]
	if !ok {
		return 0, false
	}
	return streamSequence(s.streams.row(i)).Load(), true
}

// SetStream notes the last message of a remote producer's handle that was put
// into a local ring. [ErrRowsFull] where it is new and no row is left; see FreeStream.
func (s *ForwarderSeat) SetStream(ring uint64, producer Address, sequence uint64) error {
	if i, ok := s.streams.byKey[streamKey{ring, producer}]; ok {
		put(streamSequence(s.streams.row(i)), sequence)
		return nil
	}
	_, err := s.newStream(streamKey{ring, producer}, sequence)
	return err
}

// StreamCell returns the word that SetStream sets, made with 0 where it is new,
// for who sets it at every message: it saves looking it up. It is good until
// its row is let go or the seat closed.
func (s *ForwarderSeat) StreamCell(ring uint64, producer Address) (*atomic.Uint64, error) {
	if i, ok := s.streams.byKey[streamKey{ring, producer}]; ok {
		return streamSequence(s.streams.row(i)), nil
	}
	return s.newStream(streamKey{ring, producer}, 0)
}

func (s *ForwarderSeat) newStream(k streamKey, sequence uint64) (*atomic.Uint64, error) {
	row, err := s.streams.take(k)
	if err != nil {
		return nil, err
	}
	for at, b := layout.ForwarderStreamProducerOffset, k.producer.AppendTo(nil); len(b) != 0; at, b = at+8, b[8:] {
		put(word64(row, at), binary.NativeEndian.Uint64(b))
	}
	put(streamSequence(row), sequence)
	put(streamRing(row), k.ring) // pairs(cursor-row): the rest of the row came before.
	return streamSequence(row), nil
}

// SweepStreams frees the rows that are not kept, and returns how many.
func (s *ForwarderSeat) SweepStreams(keep func(ring uint64, producer Address) bool) int {
	return s.streams.sweep(func(k streamKey) bool { return keep(k.ring, k.producer) }, freeStream)
}

// A StreamRow is where a remote producer's handle stands in a local ring.
type StreamRow struct {
	Ring     uint64
	Producer Address
	Sequence uint64 // of the last message that was put there; 0: of none
}

// Streams lists the rows of streams.
func (s *ForwarderSeat) Streams() []StreamRow {
	list := make([]StreamRow, 0, len(s.streams.byKey))
	for k, i := range s.streams.byKey {
		list = append(list, StreamRow{k.ring, k.producer, streamSequence(s.streams.row(i)).Load()})
	}
	return list
}

// FreeStream lets the row of a stream go, if it still says so. Nobody may use
// its word (StreamCell) any more: another stream gets it.
func (s *ForwarderSeat) FreeStream(row StreamRow) bool {
	sequence, ok := s.Stream(row.Ring, row.Producer)
	if !ok || sequence != row.Sequence {
		return false
	}
	s.streams.letGo(streamKey{row.Ring, row.Producer}, freeStream)
	return true
}

// Peer rows.

func peerSession(row []byte) *atomic.Uint64 { return word64(row, layout.ForwarderPeerSessionOffset) }
func peerNext(row []byte) *atomic.Uint64    { return word64(row, layout.ForwarderPeerNextOffset) }

func freePeer(row []byte) { put(peerSession(row), 0) }

func readPeerKey(row []byte) (peerKey, bool) {
	session := peerSession(row).Load() // pairs(cursor-row)
	return peerKey{
		node: word32(row, layout.ForwarderPeerNodeOffset).Load(),
		lane: word32(row, layout.ForwarderPeerLaneOffset).Load(),
	}, session != 0
}

// Peer returns where a lane of another node stood: the session, and the first
// sequence of it that was not yet delivered.
func (s *ForwarderSeat) Peer(node, lane uint32) (session, next uint64, ok bool) {
	i, ok := s.peers.byKey[peerKey{node, lane}]
	if !ok {
		return 0, 0, false
	}
	row := s.peers.row(i)
	return peerSession(row).Load(), peerNext(row).Load(), true
}

// SetPeer notes where a lane of another node stands; a session is not 0.
// [ErrRowsFull] where it is new and no row is left; see SweepPeers.
func (s *ForwarderSeat) SetPeer(node, lane uint32, session, next uint64) error {
	var row []byte
	if i, ok := s.peers.byKey[peerKey{node, lane}]; ok {
		row = s.peers.row(i)
		if peerSession(row).Load() == session {
			put(peerNext(row), next)
			return nil
		}
		freePeer(row) // nobody may pair the new number with the old session
	} else {
		var err error
		if row, err = s.peers.take(peerKey{node, lane}); err != nil {
			return err
		}
	}
	putHalf(word32(row, layout.ForwarderPeerNodeOffset), node)
	putHalf(word32(row, layout.ForwarderPeerLaneOffset), lane)
	put(peerNext(row), next)
	put(peerSession(row), session) // pairs(cursor-row): the rest of the row came before.
	return nil
}

// Peers lists the lanes that have a row.
func (s *ForwarderSeat) Peers() iter.Seq2[uint32, uint32] {
	return func(yield func(node, lane uint32) bool) {
		for k := range s.peers.byKey {
			if !yield(k.node, k.lane) {
				return
			}
		}
	}
}

// SweepPeers frees the rows of the lanes that are not kept, and returns how many.
func (s *ForwarderSeat) SweepPeers(keep func(node, lane uint32) bool) int {
	return s.peers.sweep(func(k peerKey) bool { return keep(k.node, k.lane) }, freePeer)
}
