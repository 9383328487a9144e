package forward

import (
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// A pump is hot when so many turns with messages followed each other closely, until none has come for a while.
func TestPaceOfThePump(t *testing.T) {
	var p pace
	now := mcast.Time(mcast.Second)
	for i := range hotTurns + 1 {
		if p.isHot(now) {
			t.Fatalf("hot after %d turns", i)
		}
		now += hotApart - 1
		p.note(now)
	}
	now += hotApart - 1
	p.note(now)
	if !p.isHot(now) || !p.isHot(now+hotApart-1) || p.isHot(now+hotApart) {
		t.Errorf("%+v at %v", p, now)
	}
	now += hotApart
	if p.note(now); p.isHot(now) {
		t.Error("hot behind a pause")
	}
}

// It gives way no more often than every yieldEvery.
func TestPumpGivesWaySeldom(t *testing.T) {
	var p pace
	now := mcast.Time(mcast.Second)
	p.giveWay(now)
	if p.yielded != now {
		t.Error("did not give way")
	}
	if p.giveWay(now + yieldEvery - 1); p.yielded != now {
		t.Error("gave way again at once")
	}
	if p.giveWay(now + yieldEvery); p.yielded != now+yieldEvery {
		t.Error("did not give way again")
	}
}
