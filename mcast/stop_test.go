package mcast

import "testing"

// fill sends until the lane stands still; nobody takes anything meanwhile.
func fill(t *testing.T, now Time, a *station, topic TopicID, seq *uint64) {
	t.Helper()
	payload := make([]byte, 1000)
	for range 10_000 {
		a.engine.Flush(now)
		if r := a.engine.Send(now, topic, message(*seq, payload)); r == Busy {
			return
		}
		*seq++
	}
	t.Fatal("the lane does not stand still")
}

func stoppable(directed bool) func(c *Config) {
	return func(c *Config) {
		c.Window, c.Rate, c.Timers.PeerTimeout = 64*1408, 1e6, 10*Second
		c.NoDirected, c.Timers.Alone = !directed, Millisecond
	}
}

// The owner of a lane is stopped while the lane stands still, and runs its timers before it reads what came
// meanwhile: who has taken everything long ago is not put out, on no lane.
func TestOwnStopPutsNobodyOut(t *testing.T) {
	for _, directed := range []bool{false, true} {
		for _, stop := range []Duration{100 * Millisecond, 140 * Millisecond, 400 * Millisecond, 500 * Millisecond, Second, 2 * Second} {
			now, a, b, topic := joined(t, stoppable(directed))
			seq := uint64(1)
			for range 3 {
				fill(t, now, a, topic, &seq)
				run(&now, 5*Millisecond, a) // it looks whether there is room
				run(&now, stop, b)
				a.engine.Tick(now)
				fill(t, now, a, topic, &seq)
				a.engine.Tick(now)
				if n := a.engine.Counters().Untethered; n != 0 {
					t.Fatalf("directed %v, a stop of %d ms put out %d members", directed, stop/Millisecond, n)
				}
				run(&now, 100*Millisecond, a, b)
			}
			if want := int(seq - 1); b.delivered != want || b.lost != 0 {
				t.Errorf("directed %v, a stop of %d ms: %d delivered, %d lost of %d", directed, stop/Millisecond, b.delivered, b.lost, want)
			}
		}
	}
}

// A member that stands still is put out all the same, not later than its budget and the owner's stop after it began.
func TestOwnStopSavesNobody(t *testing.T) {
	for _, directed := range []bool{false, true} {
		for _, stop := range []Duration{400 * Millisecond, 500 * Millisecond, 2 * Second} {
			now, a, _, topic := joined(t, stoppable(directed))
			seq := uint64(1)
			fill(t, now, a, topic, &seq)
			from := now
			run(&now, 50*Millisecond, a)
			now += stop
			for a.engine.Counters().Untethered == 0 && now < from+10*Second {
				run(&now, Millisecond, a)
			}
			if took := now - from; took > stop+500*Millisecond || took < stop+100*Millisecond {
				t.Errorf("directed %v: put out after %d ms, of which the owner was stopped for %d", directed, took/Millisecond, stop/Millisecond)
			}
		}
	}
}

// A topic that is full at a member waits as long as before, less the owner's stop.
func TestOwnStopFreesNoTopic(t *testing.T) {
	now, a, b, topic := joined(t, func(c *Config) { c.Timers.PeerTimeout = 10 * Second })
	pass(t, &now, a, b, topic, message(1, []byte("x")))
	b.engine.SetTopicFull(b.lastPeer, b.lastTopic, true)
	run(&now, 100*Millisecond, a, b)
	run(&now, Second, b)
	a.engine.Tick(now)
	if r := a.engine.Send(now, topic, message(2, nil)); r != Busy {
		t.Errorf("after a stop of 1 s: %d, want %d", r, Busy)
	}
	run(&now, 700*Millisecond, a, b)
	if r := a.engine.Send(now, topic, message(2, nil)); r != Sent {
		t.Errorf("after the budget: %d, want %d", r, Sent)
	}
}

// What comes first after a stop ends the standing still: the stop is not added to what a member may have of a second.
func TestOwnStopIsNotCharged(t *testing.T) {
	now, a, b, topic := joined(t, stoppable(false))
	seq := uint64(1)
	fill(t, now, a, topic, &seq)
	run(&now, 5*Millisecond, a)
	run(&now, 2*Second, b)
	run(&now, Millisecond, a, b)
	if s := a.engine.lanes[LaneGated].stall; s.since != 0 || s.used > 20*Millisecond {
		t.Errorf("the lane stands still since %d, and %d us count", s.since, s.used/Microsecond)
	}
}
