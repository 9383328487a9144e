package ring

import "testing"

// TestHeelsInAStreamOnly: a reader is taken to be at its producer's heels where a batch of
// a long stream ended before its room did, and not behind single messages, short bursts, full
// batches, a look that found nothing, or a new beginning.
func TestHeelsInAStreamOnly(t *testing.T) {
	for _, kind := range bothKinds {
		s := newScene(t, Shape{Slots: 1024, Payload: 64, Kind: kind}, 2)
		p, rd := s.producer(0), s.reader(1)
		ms := make([]Message, 8)
		check := func(why string, want bool) {
			t.Helper()
			if rd.heels != want {
				t.Errorf("%v, %s: at the heels: %v, want %v", kind, why, rd.heels, want)
			}
		}
		read := func(publish, want int) {
			t.Helper()
			for range publish {
				publishFor(t, p, "x")
			}
			if n, err := rd.NextBatch(ms); n != want || err != nil && want > 0 {
				t.Fatalf("%v: %d messages, %v, want %d", kind, n, err, want)
			}
		}
		read(1, 1) // takes a lease
		read(0, 0)
		read(3, 3)
		check("a burst", false)
		for range longStream {
			read(1, 1)
		}
		check("one by one", false)
		read(8, 8)
		check("a full batch", false)
		read(2, 2)
		check("a short batch of a stream", true)
		read(8, 8)
		check("a full batch behind it", false)
		read(2, 2)
		read(0, 0)
		read(2, 2)
		check("behind a look that found nothing", false)
		for range longStream / 2 {
			read(2, 2)
		}
		check("a stream of short batches", true)
		rd.begin(rd.mine, rd.cursor)
		check("a new beginning", false)
	}
}
