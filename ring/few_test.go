package ring

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// few are rings with so few slots that parts of their number come to one, or to nothing.
var few = []int{4, 8}

func fewSlots(slots int, kind Kind) Shape {
	return Shape{Slots: slots, Payload: 128, Kind: kind, StallBudget: time.Minute}
}

// eachFew runs a test with each number of slots and each kind.
func eachFew(t *testing.T, test func(t *testing.T, s Shape)) {
	for _, slots := range few {
		for _, kind := range bothKinds {
			t.Run(fmt.Sprintf("%d slots/%v", slots, kind), func(t *testing.T) { test(t, fewSlots(slots, kind)) })
		}
	}
}

// TestLeastSlots: four slots are a ring, but not where nobody holds producers back.
func TestLeastSlots(t *testing.T) {
	for _, c := range []struct {
		shape Shape
		want  string // nothing: it is one
	}{
		{Shape{Slots: 4}, ""},
		{Shape{Slots: 8, Kind: Exclusive}, ""},
		{Shape{Slots: 4, Purpose: Service}, ""},
		{Shape{Slots: 2}, "power of two from 4 to"},
		{Shape{Slots: 6}, "power of two from 4 to"},
		{Shape{Slots: 32, Mode: Latest}, "power of two from 64 to"},
		{Shape{Slots: 64, Mode: Latest}, ""},
		{Shape{Slots: 4, History: 2}, ""},
		{Shape{Slots: 4, History: 3}, "history 3"},
	} {
		err := c.shape.Default().Validate()
		if c.want == "" && err != nil || c.want != "" && !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%+v: %v, want %q", c.shape, err, c.want)
		}
	}
	if got := (Shape{Slots: 4, Payload: 128}).Limit(); got != 256 {
		t.Errorf("four slots of 128 bytes take %d bytes, want 256", got)
	}
}

// TestFewSlotsEveryMessageOnceInOrder: more producers than slots, messages of one slot and of
// half of the ring, readers that each hold them back.
func TestFewSlotsEveryMessageOnceInOrder(t *testing.T) {
	eachFew(t, func(t *testing.T, s Shape) {
		producers, each := s.Slots+2, 1200
		if s.Kind == Exclusive {
			producers, each = 1, 4000
		}
		streamThrough(t, s, producers, 3, each)
	})
}

// TestFewSlotsMembers: more members than slots do every message once.
func TestFewSlotsMembers(t *testing.T) {
	eachFew(t, func(t *testing.T, s Shape) {
		producers, each := s.Slots+1, 800
		if s.Kind == Exclusive {
			producers, each = 1, 4000
		}
		membersAtOnce(t, s, producers, s.Slots+2, each)
	})
}

// TestFewSlotsBatches: what is begun at once is one position at least, and all of a batch comes.
func TestFewSlotsBatches(t *testing.T) {
	eachFew(t, func(t *testing.T, shape Shape) {
		s := newScene(t, shape, 2)
		p, rd := s.producer(0), s.reader(1)
		for from := 0; from < 300; {
			n, err := p.TryPublishBatch(texts(from, 7), &Meta{})
			if n == 0 || err != nil && err != ErrFull {
				t.Fatalf("a batch of 7: %d, %v", n, err)
			}
			wantTexts(t, rd, from, n)
			wantEmpty(t, rd)
			from += n
		}
	})
}

// TestFewSlotsLargeMessages: half of the slots make the largest message; what is larger is refused with
// the shape that would take it.
func TestFewSlotsLargeMessages(t *testing.T) {
	eachFew(t, func(t *testing.T, shape Shape) {
		s := newScene(t, shape, 2)
		p, rd := s.producer(0), s.reader(1)
		limit := s.rings[0].shape.Limit()
		for n := range uint64(50) {
			big := payloadOf(make([]byte, limit), limit-int(n%3), n)
			for range 2 { // the whole ring
				if err := p.TryPublish(big, &Meta{}); err != nil {
					t.Fatalf("message %d of %d bytes: %v", n, len(big), err)
				}
			}
			if err := p.TryPublish(big, &Meta{}); err != ErrFull {
				t.Fatalf("a third half of the ring: %v", err)
			}
			wantNext(t, rd, string(big))
			wantNext(t, rd, string(big))
			wantEmpty(t, rd)
		}
		var large *TooLargeError
		if err := p.TryPublish(make([]byte, limit+1), &Meta{}); !errors.As(err, &large) || large.Limit != limit {
			t.Errorf("%d bytes: %v, want TooLargeError with %d", limit+1, err, limit)
		}
	})
}

// TestFewSlotsLent: readers that were put out keep half of the ring each. With one the producer goes on in
// the other half, lap after lap; with two nothing is left, until one of them lets go.
func TestFewSlotsLent(t *testing.T) {
	eachFew(t, func(t *testing.T, shape Shape) {
		s := newScene(t, shape, 4)
		first, p := s.reader(1), s.producer(0)
		held := s.putOut(p, first, "first")
		for range 3 * shape.Slots {
			publishFor(t, p, "more")
		}
		wantBytes(t, held, "first")
		second := s.reader(2)
		if first.lease-held.Position != uint64(shape.Slots/2) {
			t.Errorf("%d positions are lent, want half of the ring", first.lease-held.Position)
		}
		other := s.putOut(p, second, "second")
		wantBytes(t, held, "first")
		wantBytes(t, other, "second")
		first.Close()
		for range 3 * shape.Slots {
			publishFor(t, p, "more")
		}
		wantBytes(t, other, "second")
		second.Close()
		s.pass(p, s.reader(3), 5*shape.Slots)
		if c := s.rings[0].Counts(); c.Evicted != 2 || c.Damaged != 0 {
			t.Errorf("%d put out, %d damaged, want 2 and 0", c.Evicted, c.Damaged)
		}
	})
}

// putOut publishes text, gives it to the reader, fills the ring, and waits until the reader has used up its budget.
func (s *scene) putOut(p *Producer, rd *Reader, text string) *Message {
	s.t.Helper()
	var m Message
	publishFor(s.t, p, text)
	if err := rd.Next(&m); err != nil {
		s.t.Fatal(err)
	}
	s.fill(p)
	s.blockedFor(p, s.rings[0].shape.StallBudget)
	s.clock.now += maxStep
	if err := p.TryPublish(nil, &Meta{}); err != ErrFull || !rd.out() {
		s.t.Fatalf("publish: %v, reader out: %v", err, rd.out())
	}
	return &m
}

func wantBytes(t *testing.T, m *Message, text string) {
	t.Helper()
	if string(m.Payload) != text {
		t.Errorf("lent bytes became %q, were %q", m.Payload, text)
	}
}

// TestFewSlotsHistory: a history that was overrun goes on with what a position of room still leaves.
func TestFewSlotsHistory(t *testing.T) {
	eachFew(t, func(t *testing.T, shape Shape) {
		s := newScene(t, shape, 2)
		p, n := s.producer(0), uint64(shape.Slots)
		for range 2 * n {
			publishFor(t, p, "x")
		}
		rd := joinFor(t, s.rings[1], JoinOptions{History: n - 1})
		publishFor(t, p, "x")
		publishFor(t, p, "x") // position n+1 is gone
		wantLag(t, rd, n+1, 2)
		for range n - 1 {
			wantNext(t, rd, "x")
		}
		wantEmpty(t, rd)
	})
}

// TestFewSlotsLatestReaders: they hold nobody back, and what they get is whole. Of a flood through few slots they get next to
// nothing, since each copy is overrun before it ends; so producers rest now and then.
func TestFewSlotsLatestReaders(t *testing.T) {
	eachFew(t, func(t *testing.T, s Shape) { neverTorn(t, s, s.Slots+1, 60, time.Millisecond) })
}

// TestFewSlotsOpenClaims: a producer that goes on while others write has its turn when they end.
func TestFewSlotsOpenClaims(t *testing.T) {
	for _, slots := range few {
		s := newScene(t, fewSlots(slots, Shared), slots+2)
		rd := s.reader(slots + 1)
		var open []*Claim
		for i := range slots {
			open = append(open, s.claim(s.producer(i)))
		}
		late := s.producer(slots)
		for range 5 {
			if err := late.TryPublish([]byte("late"), &Meta{}); err != ErrFull {
				t.Fatalf("%d slots are written: %v", slots, err)
			}
		}
		var ends sync.WaitGroup
		for _, c := range open {
			ends.Go(func() {
				if err := c.Commit(0, copy(c.Bytes(), "x"), &Meta{}); err != nil {
					t.Error(err)
				}
			})
		}
		ends.Wait()
		for range slots {
			wantNext(t, rd, "x")
		}
		wantEmpty(t, rd)
		publishFor(t, late, "late")
		wantNext(t, rd, "late")
	}
}

// TestFewSlotsOfTheDead: all slots are claims of dead producers, and nobody recovers them. Who comes to them takes
// them back.
func TestFewSlotsOfTheDead(t *testing.T) {
	for _, slots := range few {
		s := newScene(t, fewSlots(slots, Shared), slots+2)
		rd := s.reader(slots + 1)
		for i := range slots {
			s.claim(s.producer(i))
			s.node.dead[i].Store(true)
		}
		late := s.producer(slots)
		sent := 0
		for range 50 * slots {
			s.clock.now += maxStep
			if err := late.TryPublish([]byte("late"), &Meta{}); err == nil {
				sent++
			}
			var m Message
			for rd.Next(&m) == nil {
			}
		}
		if c := s.rings[0].Counts(); sent < 40*slots || c.Recovered != uint64(slots) || c.Evicted != 0 {
			t.Errorf("%d slots: %d messages sent, %d claims of the dead taken back, %d readers put out", slots, sent, c.Recovered, c.Evicted)
		}
	}
}

// TestFewSlotsOfTheDeadBehindTheLiving: one who lives, and is fenced, holds the first slot of every lap, and dead ones
// the two behind it. Whoever comes round, however seldom, takes theirs back.
func TestFewSlotsOfTheDeadBehindTheLiving(t *testing.T) {
	for _, pace := range []time.Duration{time.Millisecond, nextInquiry, 20 * time.Millisecond} {
		s := newScene(t, fewSlots(4, Shared), 5)
		rd, asked := s.reader(4), 0
		for i := range 3 {
			s.claim(s.producer(i))
		}
		s.node.dead[1].Store(true)
		s.node.dead[2].Store(true)
		late, before := s.producer(3), s.clock.now
		s.rings[3].host = askedHost{testHost{s.node, 3}, &asked}
		for range 100 {
			s.clock.now += pace
			if err := late.TryPublish([]byte("late"), &Meta{}); err != nil && err != ErrFull {
				t.Fatal(err)
			}
			var m Message
			for rd.Next(&m) == nil {
			}
		}
		if c := s.rings[0].Counts(); c.Recovered != 2 {
			t.Errorf("a message each %v: %d claims of the dead taken back, want 2", pace, c.Recovered)
		}
		if most := 4 + int((s.clock.now-before)/nextInquiry); asked > most {
			t.Errorf("a message each %v: the kernel was asked %d times, want %d at most", pace, asked, most)
		}
	}
}

// TestManyOfTheDeadBehindTheLiving: a large message of one who lives, and is fenced, holds more slots than one look goes
// over, and one of a dead behind it as many. Whoever comes round, however seldom, takes all of the dead's back.
func TestManyOfTheDeadBehindTheLiving(t *testing.T) {
	const slots, large = 256, 100
	s := newScene(t, fewSlots(slots, Shared), 4)
	rd, asked := s.reader(3), 0
	for i := range 2 {
		if err := s.producer(i).claimMany(large); err != nil {
			t.Fatal(err)
		}
	}
	s.node.dead[1].Store(true)
	late := s.producer(2)
	s.rings[2].host = askedHost{testHost{s.node, 2}, &asked}
	for range 400 {
		s.clock.now += maxStep
		if err := late.TryPublish([]byte("late"), &Meta{}); err != nil && err != ErrFull {
			t.Fatal(err)
		}
		var m Message
		for rd.Next(&m) == nil {
		}
	}
	if c := s.rings[0].Counts(); c.Recovered != large {
		t.Errorf("%d claims of the dead taken back, want %d", c.Recovered, large)
	}
	if most := 2 * large; asked > most {
		t.Errorf("the kernel was asked %d times, want %d at most", asked, most)
	}
	for i := range large {
		if w := word(s.rings[0].claims[i].Load()); w.state() != stateQuarantined || w.owner() != 0 {
			t.Errorf("slot %d: %v, want quarantined and of the living", i, w)
		}
	}
}

// TestFewSlotsLargeBesideTheHeld: a message of two slots finds two that are not held, however they lie. Where all but one are
// held by those who do not move it is no reader that has to make room: who waited for them would try at once, without end.
func TestFewSlotsLargeBesideTheHeld(t *testing.T) {
	s := newScene(t, fewSlots(4, Shared), 3)
	p, rd := s.producer(0), s.reader(1)
	s.pass(p, rd, 4)
	wantEmpty(t, rd)
	large, claims := make([]byte, 200), s.rings[0].claims
	for i := 1; i < 4; i++ {
		claims[i].Store(uint64(makeWord(1, 2, stateQuarantined)))
	}
	for range 3 {
		if err := p.TryPublish(large, &Meta{}); err != ErrStalled {
			t.Fatalf("three of four slots are held: %v, want %v", err, ErrStalled)
		}
		wantEmpty(t, rd)
	}
	claims[2].Store(uint64(word(claims[2].Load()).with(stateHole)))
	for range 3 {
		if err := p.TryPublish(large, &Meta{}); err != nil {
			t.Fatalf("two of four slots are held: %v", err)
		}
		wantNext(t, rd, string(large))
		wantEmpty(t, rd)
	}
}
