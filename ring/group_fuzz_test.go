package ring

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// A groupVictim is a ring with a group whose words a hostile process writes.
type groupVictim struct {
	t       *testing.T
	ring    *Ring
	span    []byte
	ctl     []byte
	group   *group
	now     time.Duration
	p       *Producer
	members []*Member
	inHand  []Hand
}

func newGroupVictim(t *testing.T, variant byte) *groupVictim {
	s := Shape{Slots: 64, Payload: 64, Kind: bothKinds[variant&1]}.Default()
	v := &groupVictim{t: t}
	ctl, dat := testRing(t, s)
	r, err := Attach(ctl, dat, fuzzHost{1})
	if err != nil {
		t.Fatal(err)
	}
	r.now = func() time.Duration { return v.now }
	span, _ := testSpan(t, shm.Spec{
		Kind: layout.SegmentKindRingGroup, Size: s.groupSize(), FixedSize: groupFixedSize,
		Fill: func(b []byte) { putGroup(b, s, 7) },
	})
	v.ring, v.ctl, v.span = r, ctl, span
	if v.group, err = attachGroup(r, v.span, 7); err == nil {
		err = v.group.settle(nameHash("g"), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.groupOf = func(int) *group { return v.group }
	v.p = produceAs(t, r)
	for range 2 {
		v.join()
	}
	return v
}

func produceAs(t *testing.T, r *Ring) *Producer {
	p, err := r.NewProducer(testHost{index: 1}.address())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (v *groupVictim) join() {
	mb, err := v.group.join("g", GroupOptions{Self: testHost{index: 1}.address(), Hands: 2})
	if err == nil {
		v.members = append(v.members, mb)
	}
}

// scribble writes a word into the group's words that change, or the ring's.
func (v *groupVictim) scribble(file byte, at uint32, value uint64) {
	span := v.span[groupFixedSize:]
	if file&3 == 3 {
		span = v.ctl[layout.SegmentHeaderSize+layout.RingGeometrySize:]
	}
	words := wordsAt(span, 0, len(span)/8)
	words[int(at)%len(words)].Store(value)
}

func (v *groupVictim) act(what byte) {
	v.ring.state.Store(layout.SegmentStateReady) // hostile: it lets nobody go
	for _, mb := range v.members {
		if mb.end == ErrRetired {
			mb.end = nil
		}
	}
	v.now += time.Duration(what) * time.Millisecond
	switch what % 8 {
	case 0, 1:
		for range 5 {
			_ = v.p.TryPublish(make([]byte, what%64), &Meta{})
		}
	case 2:
		v.group.recoverRows(uint16(what))
		v.group.recoverRows(1)
	case 3:
		v.end()
	case 4:
		if len(v.members) > 0 {
			v.members[0].Close()
			v.members = v.members[1:]
		}
		v.join()
	default:
		v.take()
	}
}

// take takes what there is, at most a lap's worth.
func (v *groupVictim) take() {
	var m Message
	for _, mb := range v.members {
		for range 100 {
			h, err := mb.Take(&m)
			if err == ErrEmpty || err == ErrHandsFull || err == ErrRetired || err == ErrClosed {
				break
			}
			if err == nil {
				v.inHand = append(v.inHand, h)
				if len(m.Payload) > v.ring.shape.Payload {
					v.t.Errorf("payload of %d bytes", len(m.Payload))
				}
			}
		}
		mb.Arm()
		mb.Patience()
		mb.ready()
	}
}

func (v *groupVictim) end() {
	for i := range v.inHand {
		_ = v.inHand[i].Done()
	}
	v.inHand = v.inHand[:0]
}

// FuzzScribbleGroup writes words anywhere in a group, or in its ring, between the
// calls of a producer, members and a cleaner. Nothing may panic or hang.
func FuzzScribbleGroup(f *testing.F) {
	words := []uint64{
		0, 1, 64, 1<<64 - 1, 1 << 63, uint64(makeTakeWord(1, 0, takeTaken)), uint64(makeTakeWord(1, 0xffff, takeStarted)),
		uint64(makeTakeWord(2, 1, takeStarted)), uint64(makeTakeWord(3, 3, 9)), uint64(makeTakeWord(sealLap, 0, takeDone)),
		uint64(makeEntryWord(1, 3, rowHeld)), uint64(makeEntryWord(1, 1, rowAbandoned)), uint64(makeEntryWord(9, 0, rowReported)),
		uint64(makeHandWord(0, handConfirmed)), uint64(makeHandWord(1<<61, handUnconfirmed)), uint64(makeEntryWord(1, nobody, entryEvicted)),
	}
	rows := uint32((Shape{Slots: 64}.rowsStart() - groupFixedSize) / 8)
	places := []uint32{0, 1, 8, 9, 10, 71, rows, rows + 1, rows + 2, rows + 4, rows + 8, rows + 9}
	for variant := range byte(2) {
		for i, w := range words {
			seed := []byte{variant}
			for j, at := range places {
				seed = append(seed, byte(i*5+j*11))
				seed = binary.LittleEndian.AppendUint32(seed, at)
				seed = binary.LittleEndian.AppendUint64(seed, w)
			}
			f.Add(seed)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		v := newGroupVictim(t, data[0])
		for data = data[1:]; len(data) >= scribbleSize; data = data[scribbleSize:] {
			v.scribble(data[0], binary.LittleEndian.Uint32(data[1:]), binary.LittleEndian.Uint64(data[5:]))
			v.act(data[0] >> 1)
		}
	})
}

// TestScribblingNeverStopsAGroup lets a hostile process write while members, a
// producer and a cleaner run: in the end all of them have ended by themselves.
func TestScribblingNeverStopsAGroup(t *testing.T) {
	seed := testSeed(t)
	for variant := range byte(2) {
		rng := rand.New(rand.NewPCG(seed, uint64(variant)))
		v := newGroupVictim(t, variant)
		v.ring.now = monotonic
		stop := make(chan struct{})
		var all sync.WaitGroup
		run := func(step func()) {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						step()
					}
				}
			})
		}
		run(func() { _ = v.p.TryPublish(nil, &Meta{}); v.ring.state.Store(layout.SegmentStateReady) })
		run(func() { v.group.recoverRows(0); v.group.recoverRows(3) })
		for _, mb := range v.members {
			run(func() {
				if mb.Next(&Message{}) == ErrRetired {
					mb.end = nil
				}
				mb.Arm()
			})
		}
		for range 5000 {
			w := []uint64{rng.Uint64(), uint64(makeTakeWord(uint64(rng.IntN(50)), uint16(rng.IntN(5)), uint64(rng.IntN(5)))),
				uint64(makeEntryWord(rng.Uint32N(4), uint16(rng.IntN(4)), uint64(rng.IntN(4)))),
				uint64(makeHandWord(rng.Uint64N(300), rng.Uint64N(3))), v.ring.Tail()}
			v.scribble(byte(rng.IntN(4)), rng.Uint32N(200), w[rng.IntN(len(w))])
		}
		close(stop)
		ended := make(chan struct{})
		go func() { all.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatal("somebody hangs")
		}
	}
}
