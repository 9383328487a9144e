package ring

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestSlowGroupIsNotPutOut: a group that is slower than its producers, but goes on,
// holds them back for as long as it takes.
func TestSlowGroupIsNotPutOut(t *testing.T) {
	for _, kind := range bothKinds {
		s := newGroupScene(t, Shape{Slots: 64, Payload: 64, Kind: kind}, 2)
		p, mb := s.producer(0), s.member(1, 1)
		sent := s.fill(p)
		for done := range 200 { // 200 ms each: 40 s in all
			for range 20 {
				s.clock.now += maxStep
				sent += s.fill(p)
			}
			wantTaken(t, mb, "x")
			if sent > done+1+64 {
				t.Fatalf("%d messages found room when %d were taken", sent, done+1)
			}
		}
		if w := s.groups[0].state(); w.state() != entryActive {
			t.Errorf("%v: the group is in state %d", kind, w.state())
		}
	}
}

// TestMembersAtOnce runs producers and members together: every message is done once.
func TestMembersAtOnce(t *testing.T) {
	for _, kind := range bothKinds {
		producers := 2
		if kind == Exclusive {
			producers = 1
		}
		membersAtOnce(t, Shape{Slots: 64, Payload: 128, Kind: kind, StallBudget: time.Minute}, producers, 3, 4000)
	}
}

func membersAtOnce(t *testing.T, s Shape, producers, count, each int) {
	node := &testNode{}
	ctl, dat := testRing(t, s)
	var rings []*Ring
	for i := range producers {
		rings = append(rings, attach(t, node, uint16(i), ctl, dat))
	}
	for i := producers; i < producers+count; i++ {
		rings = append(rings, attachReader(t, node, uint16(i), ctl, dat))
	}
	groups := testGroup(t, rings)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	tally := &tally{seen: map[string]int{}, want: producers * each, cancel: cancel}
	var members, writers sync.WaitGroup
	for i := producers; i < producers+count; i++ {
		mb, err := groups[i].join("g", GroupOptions{Self: rings[i].host.(testHost).address()})
		if err != nil {
			t.Fatal(err)
		}
		members.Go(func() { tally.takeAll(t, ctx, mb) })
	}
	for i := range producers {
		writers.Go(func() { writeSmall(t, ctx, rings[i], each) })
	}
	writers.Wait()
	members.Wait()
	cancel()
	tally.check(t)
}

// A tally counts what several members have done.
type tally struct {
	mu     sync.Mutex
	seen   map[string]int
	done   int
	want   int
	cancel func()
}

func (ta *tally) takeAll(t *testing.T, ctx context.Context, mb *Member) {
	w := NewWaiter(mb.ring.host.(testHost).bell(), Block)
	var m Message
	for ctx.Err() == nil {
		switch err := mb.Next(&m); err {
		case nil:
			if err := checkPayload(m.Payload, m.Sequence); err != nil {
				t.Error(err)
			}
			ta.count(&m)
		case ErrEmpty:
			_ = w.AwaitAny(ctx, []Source{mb})
		default:
			t.Errorf("next: %v", err)
			return
		}
	}
	mb.Done() // it was counted; what is left in hand at Close is reported to the others
	mb.Close()
}

func (ta *tally) count(m *Message) {
	ta.mu.Lock()
	defer ta.mu.Unlock()
	ta.seen[fmt.Sprint(m.Producer, m.Sequence)]++
	if ta.done++; ta.done == ta.want {
		ta.cancel()
	}
}

func (ta *tally) check(t *testing.T) {
	t.Helper()
	for who, n := range ta.seen {
		if n != 1 {
			t.Errorf("message %s was done %d times", who, n)
		}
	}
	if len(ta.seen) != ta.want {
		t.Errorf("%d of %d messages were done", len(ta.seen), ta.want)
	}
}

func writeSmall(t *testing.T, ctx context.Context, r *Ring, each int) {
	h := r.host.(testHost)
	p := produceFor(t, r)
	w := NewWaiter(h.bell(), Block)
	buf := make([]byte, 128)
	for n := 0; n < each; {
		switch err := p.TryPublish(payloadOf(buf, 8+n%100, p.Sequence()+1), &Meta{}); err {
		case nil:
			n++
		case ErrFenced: // no core for the deadline: nothing was sent
		case ErrFull:
			if err := w.AwaitRoom(ctx, p, 1); err != nil {
				t.Errorf("after %d messages: %v", n, err)
				return
			}
		default:
			t.Errorf("after %d messages: %v", n, err)
			return
		}
	}
}
