package ring

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// A fuzzHost lives on a node of which shared memory may say anything.
type fuzzHost struct{ index uint16 }

func (h fuzzHost) Index() uint16       { return h.index }
func (h fuzzHost) Alive(i uint16) bool { return i%3 != 0 }
func (h fuzzHost) Ring(uint16)         {}

// A scribble is a word that a hostile process writes somewhere.
const scribbleSize = 13 // 1: which file, and what to do next; 4: offset; 8: value

// FuzzScribble writes words anywhere in a ring between the calls of a producer,
// readers of every kind and a cleaner. Nothing may panic or hang; what is read lies
// within its slot.
func FuzzScribble(f *testing.F) {
	for _, seed := range scribbleSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		v := newVictim(t, data[0])
		for data = data[1:]; len(data) >= scribbleSize; data = data[scribbleSize:] {
			v.scribble(data[0], binary.LittleEndian.Uint32(data[1:]), binary.LittleEndian.Uint64(data[5:]))
			v.act(data[0] >> 1)
		}
	})
}

// A victim is a ring with everybody who may use it.
type victim struct {
	t        *testing.T
	ctl, dat []byte
	ring     *Ring
	now      time.Duration
	p        *Producer
	readers  []*Reader
}

func newVictim(t *testing.T, variant byte) *victim {
	s := Shape{Slots: 64, Payload: 64, Kind: bothKinds[variant&1], Mode: []Mode{Reliable, Latest}[variant>>1&1]}
	v := &victim{t: t}
	v.ctl, v.dat = testRing(t, s)
	r, err := Attach(v.ctl, v.dat, fuzzHost{1})
	if err != nil {
		t.Fatal(err)
	}
	r.now = func() time.Duration { return v.now }
	v.ring = r
	v.open()
	for i := range 3 {
		o := JoinOptions{Latest: i == 1 || s.Mode == Latest, History: uint64(i)}
		if rd, err := r.Join(o); err == nil {
			v.readers = append(v.readers, rd)
		}
	}
	for range 5 {
		v.publish(20)
	}
	return v
}

func (v *victim) open() {
	if p, err := v.ring.NewProducer(testHost{index: 1}.address()); err == nil {
		v.p = p
	}
}

func (v *victim) scribble(file byte, at uint32, value uint64) {
	span := v.ctl[layout.SegmentHeaderSize+layout.RingGeometrySize:]
	if file&1 != 0 {
		span = v.dat[slotsStart:]
	}
	words := wordsAt(span, 0, len(span)/8)
	words[int(at)%len(words)].Store(value)
}

func (v *victim) act(what byte) {
	v.ring.state.Store(layout.SegmentStateReady) // hostile: it lets nobody go
	for _, rd := range v.readers {
		rd.end = nil
	}
	v.now += time.Duration(what) * time.Millisecond
	switch what % 8 {
	case 0, 1:
		v.publish(int(what) * 2)
	case 2:
		v.publish(1000) // fragments
	case 3:
		v.claim(what)
	case 4:
		v.ring.Recover(uint16(what))
		v.open()
	default:
		v.read()
	}
}

func (v *victim) publish(n int) {
	if v.p != nil {
		_ = v.p.TryPublish(make([]byte, n), &Meta{})
		v.p.mayClaim(1)
	}
}

func (v *victim) claim(what byte) {
	if v.p == nil {
		return
	}
	if c, err := v.p.TryClaim(nil); err == nil && what > 50 {
		_ = c.Commit(0, int(what), &Meta{})
	}
}

// read takes what there is, at most a lap's worth.
func (v *victim) read() {
	var m Message
	for _, rd := range v.readers {
		for range 100 {
			if err := rd.Next(&m); err == ErrEmpty || err == ErrRetired {
				break
			} else if err == nil && len(m.Payload) > v.ring.shape.Limit() && len(m.Payload) > layout.MaxMessage {
				v.t.Errorf("payload of %d bytes", len(m.Payload))
			}
		}
		rd.Arm()
		rd.Patience()
	}
}

// scribbleSeeds are words that our own code writes, at the places where it does
// and at others, of laps and owners beside the right ones.
func scribbleSeeds(f *testing.F) [][]byte {
	words := []uint64{
		0, 1, 63, 64, 1 << 32, 1<<64 - 1, 1<<64 - 64, padBit | 1,
		uint64(sealWord), uint64(makeWord(1, 1, stateWriting)), uint64(makeWord(2, 3, stateReady)),
		uint64(makeWord(1, 3, stateQuarantined)), uint64(makeWord(1, 0, 7)),
		uint64(makeEntryWord(1, 1, entryActive)), uint64(makeEntryWord(2, 3, entryEvicted)),
		uint64(layout.SlotHeaderSize) | 10<<32, 1<<31 | 1<<63, layout.SegmentStateRetired,
	}
	control := uint32(layout.RingControlSize / 8)
	entries := uint32((Shape{Slots: 64}.entriesStart() - layout.SegmentHeaderSize - layout.RingGeometrySize) / 8)
	places := []uint32{0, 16, 17, 18, 32, 33, 48, control, control + 1, control + 5, entries, entries + 1, entries + 2, entries + 4, 2, 6, 7}
	var seeds [][]byte
	for variant := range byte(4) {
		for i, w := range words {
			seed := []byte{variant}
			for j, at := range places {
				seed = append(seed, byte(i*7+j*13))
				seed = binary.LittleEndian.AppendUint32(seed, at)
				seed = binary.LittleEndian.AppendUint64(seed, w)
			}
			seeds = append(seeds, seed)
		}
	}
	return seeds
}

// TestScribblingNeverStopsAnybody lets a hostile process write while others run:
// in the end all of them have ended by themselves.
func TestScribblingNeverStopsAnybody(t *testing.T) {
	seed := testSeed(t)
	for variant := range byte(4) {
		scribbleWhileOthersRun(t, variant, rand.New(rand.NewPCG(seed, uint64(variant))))
	}
}

func scribbleWhileOthersRun(t *testing.T, variant byte, rng *rand.Rand) {
	v := newVictim(t, variant)
	v.ring.now = monotonic
	stop := make(chan struct{})
	running := func() bool {
		select {
		case <-stop:
			return false
		default:
			return true
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for running() {
			if errors.Is(v.p.TryPublish(nil, &Meta{}), ErrRetired) {
				v.ring.state.Store(layout.SegmentStateReady) // hostile: it lets nobody go
			}
		}
	})
	for _, rd := range v.readers {
		wg.Go(func() {
			for running() {
				if rd.Next(&Message{}) == ErrRetired {
					rd.end = nil
				}
				rd.Arm()
			}
		})
	}
	for range 20000 {
		words := []uint64{rng.Uint64(), uint64(rng.IntN(200)), uint64(makeWord(uint64(rng.IntN(100)), uint16(rng.IntN(5)), uint64(rng.IntN(5)))),
			uint64(makeEntryWord(rng.Uint32N(4), uint16(rng.IntN(4)), uint64(rng.IntN(6)))), v.ring.Tail() + uint64(rng.IntN(3)) - 1}
		v.scribble(0, rng.Uint32N(200), words[rng.IntN(len(words))])
		v.scribble(1, rng.Uint32(), words[rng.IntN(len(words))])
	}
	close(stop)
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("somebody hangs")
	}
}

// TestPayloadOutsideItsSlot: the bounds of a committed message are scribbled.
// The reader gets an error with the position, counts it, and goes on.
func TestPayloadOutsideItsSlot(t *testing.T) {
	for _, kind := range bothKinds {
		for _, latest := range []bool{false, true} {
			for _, bounds := range [][2]uint32{{0, 4}, {63, 4}, {129, 0}, {64, 65}, {128, 1}, {1<<32 - 1, 1}, {64, 1<<32 - 1}, {100, 1<<32 - 90}} {
				s := newScene(t, small(kind), 2)
				p, rd := s.producer(0), joinFor(t, s.rings[1], JoinOptions{Latest: latest})
				publishFor(t, p, "bad")
				publishFor(t, p, "good")
				bodyAt(s.rings[0].slot(0)).start, bodyAt(s.rings[0].slot(0)).length = bounds[0], bounds[1]
				var damaged *DamagedError
				if err := rd.Next(&Message{}); !errors.As(err, &damaged) || damaged.Position != 0 {
					t.Errorf("%v: %v, want damage at position 0", bounds, err)
				}
				wantNext(t, rd, "good")
				if n := s.rings[0].Counts().Damaged; n != 1 {
					t.Errorf("%v: %d damages counted, want 1", bounds, n)
				}
			}
		}
	}
}
