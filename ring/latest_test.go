package ring

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestLatestReaderIsOverrun: positions are exact: it goes on in the middle of
// what the ring has.
func TestLatestReaderIsOverrun(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 64, Payload: 64, Mode: Latest, Kind: kind}, 2)
		p := s.producer(0)
		rd := joinFor(t, s.rings[1], JoinOptions{Latest: true})
		for i := range 100 {
			publishFor(t, p, fmt.Sprint(i))
		}
		wantLag(t, rd, 0, 68) // 100 - 64/2
		for i := 68; i < 100; i++ {
			wantNext(t, rd, fmt.Sprint(i))
		}
		wantEmpty(t, rd)
		if got := rd.missed; got != 68 {
			t.Errorf("%v: %d missed in all, want 68", kind, got)
		}
		if got := s.rings[0].entries[rd.index].missed.Load(); got != 68 {
			t.Errorf("%v: %d missed for show, want 68", kind, got)
		}
	}
}

func TestReliableReaderOfALatestRingIsRefused(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64, Mode: Latest}, 1)
	if _, err := s.rings[0].Join(JoinOptions{}); err != ErrMode {
		t.Errorf("join: %v, want %v", err, ErrMode)
	}
}

func TestHistory(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p := s.producer(0)
		for i := range 100 {
			publishFor(t, p, fmt.Sprint(i))
		}
		for _, k := range []uint64{0, 1, 10, 63} {
			rd := joinFor(t, s.rings[1], JoinOptions{History: k})
			for i := 100 - k; i < 100; i++ {
				wantNext(t, rd, fmt.Sprint(i))
			}
			wantEmpty(t, rd)
			rd.Close()
		}
		rd := joinFor(t, s.rings[1], JoinOptions{History: 1000}) // as much as there is
		wantNext(t, rd, "37")
	}
}

func TestHistoryOfAYoungRing(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	p := s.producer(0)
	publishFor(t, p, "only")
	rd := joinFor(t, s.rings[1], JoinOptions{History: 10})
	wantNext(t, rd, "only")
	publishFor(t, p, "next")
	wantNext(t, rd, "next")
}

func TestFrom(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	p := s.producer(0)
	for i := range 100 {
		publishFor(t, p, fmt.Sprint(i))
	}
	rd := joinFor(t, s.rings[1], JoinOptions{FromSet: true, From: 90})
	wantNext(t, rd, "90")
	rd = joinFor(t, s.rings[1], JoinOptions{FromSet: true, From: 1 << 40}) // beyond the tail: the tail
	wantEmpty(t, rd)
	rd = joinFor(t, s.rings[1], JoinOptions{FromSet: true, From: 0})
	wantLag(t, rd, 0, 100-(64-8)) // all but an eighth of the ring, for room
	wantNext(t, rd, "44")
}

// TestHistoryThenEverything: it reads its history while the
// producer fills the ring, then everything after its join.
func TestHistoryThenEverything(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	p := s.producer(0)
	for i := range 64 {
		publishFor(t, p, fmt.Sprint(i))
	}
	rd := joinFor(t, s.rings[1], JoinOptions{History: 20})
	n := s.fill(p)
	if n != 64 {
		t.Errorf("%d fit behind the join, want 64", n)
	}
	wantLag(t, rd, 44, 20) // the history is gone: nobody waits for that
	for range 64 {
		wantNext(t, rd, "x")
	}
	wantEmpty(t, rd)
}

// TestLatestReadersNeverSeeTornMessages runs producers at full speed over a
// small ring against readers that hold nobody back.
func TestLatestReadersNeverSeeTornMessages(t *testing.T) {
	for _, kind := range bothKinds {
		for _, mode := range []Mode{Reliable, Latest} {
			t.Run(fmt.Sprintf("%v/%v", kind, mode), func(t *testing.T) {
				neverTorn(t, Shape{Slots: 64, Payload: 256, Kind: kind, Mode: mode}, 2, 3000, 0)
			})
		}
	}
}

// neverTorn reads so many messages of producers that rest behind every third.
func neverTorn(t *testing.T, s Shape, producers, messages int, rest time.Duration) {
	node := &testNode{}
	ctl, dat := testRing(t, s)
	if s.Kind == Exclusive {
		producers = 1
	}
	var wg, readers sync.WaitGroup
	stop := make(chan struct{})
	for i := range producers {
		p := produceFor(t, attach(t, node, uint16(i), ctl, dat))
		wg.Go(func() { publishUntil(t, p, stop, rest) })
	}
	for i := range 2 {
		rd := joinFor(t, attachReader(t, node, uint16(100+i), ctl, dat), JoinOptions{Latest: true})
		readers.Go(func() { readLatest(t, rd, messages) })
	}
	readers.Wait()
	close(stop)
	wg.Wait()
}

func publishUntil(t *testing.T, p *Producer, stop chan struct{}, rest time.Duration) {
	buf := make([]byte, min(600, p.ring.shape.Limit()))
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		if rest > 0 && n%3 == 0 {
			time.Sleep(rest)
		}
		err := p.TryPublish(payloadOf(buf, 8+n%(len(buf)-20), p.Sequence()+1), &Meta{})
		if err != nil && err != ErrFull && err != ErrStalled && err != ErrFenced {
			t.Errorf("publish: %v", err)
			return
		}
	}
}

func readLatest(t *testing.T, rd *Reader, want int) {
	var m Message
	last := map[uint16]uint64{}
	next := rd.Cursor()
	for got := 0; got < want; {
		err := rd.Next(&m)
		var lag *LaggedError
		switch {
		case err == ErrEmpty:
		case errors.As(err, &lag):
			if lag.First < next-min(next, 1) {
				t.Errorf("lag from %d after position %d", lag.First, next)
				return
			}
			next = lag.First + lag.Missed
		case err != nil:
			t.Error(err)
			return
		default:
			got++
			if err := checkPayload(m.Payload, m.Sequence); err != nil {
				t.Errorf("torn: %v", err)
				return
			}
			if m.Sequence <= last[m.Producer.Handle] {
				t.Errorf("producer %v: sequence %d after %d", m.Producer, m.Sequence, last[m.Producer.Handle])
				return
			}
			last[m.Producer.Handle] = m.Sequence
		}
	}
}

// TestLatestCopyEndsWithTheClaim: a copy counts until the slot is claimed again, and
// not until that is published.
func TestLatestCopyEndsWithTheClaim(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 64, Payload: 64, Mode: Latest, Kind: kind}, 2)
		p, rd := s.producer(0), joinFor(t, s.rings[1], JoinOptions{Latest: true})
		for range 64 {
			publishFor(t, p, "x")
		}
		v, mark := rd.pollCopy(0)
		if v != use || !rd.unchanged(0, mark) {
			t.Fatalf("%v: verdict %v of a message that is there", kind, v)
		}
		c := s.claim(p)
		if rd.unchanged(0, mark) {
			t.Errorf("%v: a copy counts while position %d writes over it", kind, c.position)
		}
	}
}
