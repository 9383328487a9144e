package ring

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestFlushedSlotsAreRead: what a reader flushes is a hint and no more: several laps of messages
// of all sizes, of fragments and of holes come as without it.
func TestFlushedSlotsAreRead(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 64, Payload: 256, Kind: kind}, 2)
		p, rd := s.producer(0), s.reader(1)
		rd.flush.on, rd.flush.end = flushable, neverFlushed
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		buffer, ms := make([]byte, 4*256), make([]Message, 8)
		sent, read := uint64(0), uint64(0)
		for read < 2000 {
			for range random.IntN(12) {
				if random.IntN(8) == 0 {
					if c, err := p.TryClaim(nil); err == nil && c.Abort() != nil {
						t.Fatal("abort")
					}
					continue
				}
				sent++
				if err := p.TryPublish(payloadOf(buffer, random.IntN(len(buffer)), sent), &Meta{}); err == ErrFull {
					sent--
				} else if err != nil {
					t.Fatal(err)
				}
			}
			for {
				n, err := rd.NextBatch(ms[:1+random.IntN(8)])
				if err == ErrEmpty {
					break
				}
				for i := range n {
					read++
					if err := checkPayload(ms[i].Payload, read); err != nil {
						t.Fatalf("%v, seed %d: %v", kind, seed, err)
					}
				}
				if err != nil {
					t.Fatalf("%v, seed %d: %v", kind, seed, err)
				}
			}
			if read != sent {
				t.Fatalf("%v, seed %d: %d of %d messages", kind, seed, read, sent)
			}
		}
	}
}

// A pace is what a message takes in ns, kept in the caches and flushed.
type pace struct{ kept, flushed float64 }

// flushedLaps runs so many laps, and reports how many of them were flushed and how it ended. The
// first lap behind a turn costs what the lap before did.
func flushedLaps(f *flushing, p pace, laps int) (flushed int, on bool) {
	before := f.on
	for range laps {
		cost := p.kept
		if before {
			cost = p.flushed
		}
		before = f.on
		if f.on {
			flushed++
		}
		f.judge(cost)
	}
	return flushed, f.on
}

// TestFlushGoesByTheFasterWay: far away a reader comes to flush and stays with it, near it does not and
// tries seldom, and it changes when the distance does.
func TestFlushGoesByTheFasterWay(t *testing.T) {
	near, far, same := pace{80, 130}, pace{1100, 225}, pace{1000, 1000}
	steps := []struct {
		name        string
		pace        pace
		laps        int
		least, most int // laps flushed
	}{
		{"near", near, 2000, 2, 100},
		{"far away", far, 2000, 1600, 2000},
		{"near again", near, 2000, 0, 400},
		{"near for long", near, 2000, 0, 80},
		{"no difference", same, 2000, 0, 100},
	}
	f := flushing{left: flushFirst}
	for _, s := range steps {
		if n, _ := flushedLaps(&f, s.pace, s.laps); n < s.least || n > s.most {
			t.Errorf("%s: %d of %d laps flushed, want %d to %d", s.name, n, s.laps, s.least, s.most)
		}
	}
}

// TestFlushNeverInTheWay: nothing is flushed, nor tried, while many others read the ring, or where no stream
// hurries; and what is flushed stops with it. Where each message waits for an answer nothing is tried.
func TestFlushNeverInTheWay(t *testing.T) {
	f := flushing{slowest: 1000, lap: 1000, end: 1000, left: 1}
	at, now := uint64(0), time.Duration(0)
	lap := func(ns float64, others int, begun bool) {
		now += time.Duration(ns * float64(f.end-at))
		at = f.end
		f.turn(at, now, others, begun)
	}
	for _, quiet := range []struct {
		name   string
		ns     float64
		others int
		begun  bool
	}{{"slow", 1001, 0, true}, {"a crowd", 100, flushMostOthers + 1, true}, {"question and answer", 100, 0, false}} {
		f.on, f.phase = quiet.others > 0 || quiet.ns > f.slowest, flushSettled
		for range 2 * flushSeldom {
			if lap(quiet.ns, quiet.others, quiet.begun); f.on {
				t.Fatalf("%s: flushes", quiet.name)
			}
		}
	}
}

// TestFlushTurns: where others read, too, a try is of many laps: how long a turn takes on a shared core says little.
func TestFlushTurns(t *testing.T) {
	for others, want := range []uint64{1000, flushTurns * 1000, flushTurns * 1000} {
		f := flushing{slowest: 1000, lap: 1000, end: 1000}
		f.turn(f.end, time.Millisecond, others, true)
		if got := f.end - f.from; got != want {
			t.Errorf("%d others: a lap of %d, want %d", others, got, want)
		}
	}
}

// TestFlushByTheLast: a reader flushes what all others have passed, and nothing that one of them has yet to read.
func TestFlushByTheLast(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 4)
	p, first, second := s.producer(0), s.reader(1), s.reader(2)
	check := func(why string, others int, passed uint64) {
		t.Helper()
		if n, end := first.ring.others(first.index), first.ring.passed(first.index, first.cursor); n != others || end != passed {
			t.Errorf("%s: %d others have passed %d, want %d and %d", why, n, end, others, passed)
		}
	}
	for range 10 {
		publishFor(t, p, "x")
	}
	readTo := func(rd *Reader, n int) {
		t.Helper()
		for range n {
			if err := rd.Next(new(Message)); err != nil {
				t.Fatal(err)
			}
		}
		rd.store()
	}
	readTo(first, 10)
	check("the other has read nothing", 1, 0)
	readTo(second, 4)
	check("the other has read a part", 1, 4)
	third := s.reader(3)
	check("a third begins at the tail", 2, 4)
	readTo(second, 6)
	check("all have read all", 2, 10)
	second.Close()
	third.Close()
	check("the others have left", 0, 10)
}
