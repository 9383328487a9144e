package ring

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestSecondExclusiveProducerIsRefused(t *testing.T) {
	s := newScene(t, small(Exclusive), 3)
	first := s.producer(0)
	for _, i := range []int{0, 1} {
		if _, err := s.rings[i].NewProducer(s.rings[i].host.(testHost).address()); !errors.Is(err, ErrNotExclusive) {
			t.Errorf("participant %d: %v, want %v", i, err, ErrNotExclusive)
		}
	}
	publishFor(t, first, "x")
	first.Close()
	if err := first.TryPublish(nil, &Meta{}); err != ErrNotExclusive {
		t.Errorf("publish after close: %v, want %v", err, ErrNotExclusive)
	}
	second := s.producer(1)
	publishFor(t, second, "y")
	first.Close() // again: it must not take the second's ownership
	publishFor(t, second, "z")
}

// TestRegistersBeforeItOwns: while the kernel registers a process, which can take it seconds and cannot be
// killed away, nobody waits for it. Who was refused has it behind him.
func TestRegistersBeforeItOwns(t *testing.T) {
	s := newScene(t, small(Exclusive), 2)
	var owners []uint64 // at each question
	real := registered
	registered = func() bool {
		owners = append(owners, s.rings[0].ctl.owner.Load())
		return real()
	}
	defer func() { registered = real }()
	s.producer(0)
	first := s.rings[0].ctl.owner.Load()
	if _, err := s.rings[1].NewProducer(s.rings[1].host.(testHost).address()); !errors.Is(err, ErrNotExclusive) {
		t.Fatalf("%v, want %v", err, ErrNotExclusive)
	}
	s.node.dead[0].Store(true)
	s.producer(1)
	if want := []uint64{0, first, first}; !slices.Equal(owners, want) {
		t.Errorf("registered with the owners %#x, want %#x", owners, want)
	}
}

// TestTakeoverAtEveryStep: the producer dies before, within and after its
// publish; the next one goes on, and the reader gets what was published.
func TestTakeoverAtEveryStep(t *testing.T) {
	steps := []struct {
		name string
		die  func(s *scene, p *Producer)
		got  []string
	}{
		{"before", func(*scene, *Producer) {}, []string{"after"}},
		{"begun", func(s *scene, p *Producer) { s.claim(p) }, []string{"after"}},
		{"written", func(s *scene, p *Producer) { copy(s.claim(p).Bytes(), "half") }, []string{"after"}},
		{"published", func(s *scene, p *Producer) { publishFor(s.t, p, "last") }, []string{"last", "after"}},
		{"aborted", func(s *scene, p *Producer) { _ = s.claim(p).Abort() }, []string{"after"}},
		{"two open", func(s *scene, p *Producer) { s.claim(p); s.claim(p) }, []string{"after"}},
	}
	for _, step := range steps {
		for _, laps := range []int{0, 1, 63, 64, 200} { // in the first slot, the last, and in between
			for _, cleaned := range []bool{false, true} {
				s := newScene(t, small(Exclusive), 4)
				rd, p := s.reader(3), s.producer(0)
				s.pass(p, rd, laps)
				step.die(s, p)
				s.node.dead[0].Store(true)
				if cleaned && !s.rings[2].Recover(0) {
					t.Fatal("recovery found the dead alive")
				}
				publishFor(t, s.producer(1), "after")
				for _, want := range step.got {
					wantNext(t, rd, want)
				}
				wantEmpty(t, rd)
				if t.Failed() {
					t.Fatalf("died %s after %d messages, recovered: %v", step.name, laps, cleaned)
				}
			}
		}
	}
}

// TestTakeoverMeetsPins: the next producer steps over slots that are still lent.
func TestTakeoverMeetsPins(t *testing.T) {
	s := newScene(t, small(Exclusive), 3)
	rd, p := s.reader(2), s.producer(0)
	s.fill(p)
	var held Message
	if err := rd.Next(&held); err != nil {
		t.Fatal(err)
	}
	s.rings[0].evict(rd.index, rd.mine)
	s.node.dead[0].Store(true)
	next := s.producer(1)
	for range 500 {
		publishFor(t, next, "#")
	}
	if string(held.Payload) != "x" {
		t.Errorf("the message in hand is %q now", held.Payload)
	}
}

func TestRecoveredOwnerCannotPublish(t *testing.T) {
	s := newScene(t, small(Exclusive), 2)
	p := s.producer(0)
	s.node.dead[0].Store(true)
	s.rings[1].Recover(0)
	s.node.dead[0].Store(false)
	if err := p.TryPublish(nil, &Meta{}); err != ErrNotExclusive {
		t.Errorf("publish: %v, want %v", err, ErrNotExclusive)
	}
}

// TestReaderSleepsAndWakes, on both kinds: no wake-up is lost.
func TestReaderSleepsAndWakes(t *testing.T) {
	for _, kind := range bothKinds {
		node := &testNode{}
		ctl, dat := testRing(t, small(kind))
		r := attachReader(t, node, 1, ctl, dat)
		rd := joinFor(t, r, JoinOptions{})
		p := produceFor(t, attach(t, node, 0, ctl, dat))
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		w := NewWaiter(r.host.(testHost).bell(), Block)
		for i := range 50 {
			var wg sync.WaitGroup
			wg.Go(func() {
				time.Sleep(time.Duration(i%5) * 100 * time.Microsecond)
				_ = p.TryPublish([]byte("x"), &Meta{})
			})
			if err := w.Await(ctx, []*Reader{rd}); err != nil {
				t.Fatal(err)
			}
			wantNext(t, rd, "x")
			wg.Wait()
		}
		cancel()
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	for _, policy := range []Policy{Block, Spin, Yield} {
		s := newScene(t, small(Shared), 2)
		rd, p := s.reader(1), s.producer(0)
		w := NewWaiter(s.rings[1].host.(testHost).bell(), policy)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if err := w.Await(ctx, []*Reader{rd}); err != context.DeadlineExceeded {
			t.Errorf("policy %d: await: %v", policy, err)
		}
		s.fill(p)
		if err := NewWaiter(s.rings[0].host.(testHost).bell(), policy).AwaitRoom(ctx, p, 1); err != context.DeadlineExceeded {
			t.Errorf("policy %d: await room: %v", policy, err)
		}
		cancel()
	}
}

// TestRoomWakesItsProducer: a producer that sleeps for room is woken by the
// reader's progress, by its leaving, and by a recovery.
func TestRoomWakesItsProducer(t *testing.T) {
	wakers := map[string]func(*scene, *Reader){
		"reads": func(s *scene, rd *Reader) {
			for range 64 {
				wantNext(s.t, rd, "x")
			}
			wantEmpty(s.t, rd)
		},
		"leaves":     func(_ *scene, rd *Reader) { rd.Close() },
		"is put out": func(s *scene, rd *Reader) { s.rings[1].evict(rd.index, rd.mine) },
		"is recovered": func(s *scene, _ *Reader) {
			s.node.dead[1].Store(true)
			s.rings[0].Recover(1)
		},
		"retires the ring": func(s *scene, _ *Reader) { _ = s.rings[1].spoiled(0, "by the test") },
	}
	for name, wake := range wakers {
		s := newScene(t, small(Shared), 2)
		rd, p := s.reader(1), s.producer(0)
		s.fill(p)
		s.rings[0].armProducer()
		bell := s.rings[0].host.(testHost).bell()
		before := bell.Load()
		wake(s, rd)
		if bell.Load() == before {
			t.Errorf("a reader that %s rings nobody", name)
		}
	}
}
