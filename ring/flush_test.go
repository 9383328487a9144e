package ring

import (
	"fmt"
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

// TestFlushNeverInTheWay: nothing is flushed, nor tried, while others read the ring, or where no stream
// hurries; and what is flushed stops with it. Where each message waits for an answer nothing is tried.
func TestFlushNeverInTheWay(t *testing.T) {
	f := flushing{slowest: 1000, lap: 1000, end: 1000, left: 1}
	at, now := uint64(0), time.Duration(0)
	lap := func(ns float64, alone, begun bool) {
		at += f.lap
		now += time.Duration(ns * float64(f.lap))
		f.turn(at, now, alone, begun)
	}
	for _, quiet := range []struct {
		name         string
		ns           float64
		alone, begun bool
	}{{"slow", 1001, true, true}, {"not alone", 100, false, true}, {"question and answer", 100, true, false}} {
		f.on, f.phase = !quiet.alone || quiet.ns > f.slowest, flushSettled
		for range 2 * flushSeldom {
			if lap(quiet.ns, quiet.alone, quiet.begun); f.on {
				t.Fatalf("%s: flushes", quiet.name)
			}
		}
	}
}

// TestFlushAloneOnly: a reader is alone until somebody else has an entry.
func TestFlushAloneOnly(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 3)
	first := s.reader(1)
	alone := func() string { return fmt.Sprint(first.ring.readBy(first.index)) }
	if alone() != "true" {
		t.Error("a single reader is not alone")
	}
	second := s.reader(2)
	if alone() != "false" {
		t.Error("two readers are alone")
	}
	second.Close()
	if alone() != "true" {
		t.Error("a reader that is left is not alone")
	}
}
