package ringcast

import (
	"testing"
	"time"
)

// drowse lets the next sleep of a watch be a slumber.
func (p *place) drowse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rested = maxRest
}

// slumbering waits until the watch slumbers.
func slumbering(t *testing.T, p *place) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		slumbers := p.slumbers
		p.mu.Unlock()
		if slumbers {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the watch does not slumber")
		}
	}
}

// TestLookoutFindsWhatNobodyRangFor: the watch and two who are parked sleep on a bell that never
// wakes by itself, and messages come to each without a ring, as from a writer that was
// killed before it rang: nobody but the lookout finds them.
func TestLookoutFindsWhatNobodyRangFor(t *testing.T) {
	p := &place{bell: newPatientBell()}
	defer p.end()
	const readers, messages = 3, 4
	boxes, taken := make([]box, readers), make(chan int, readers)
	for i := range boxes {
		bed := p.newBerth()
		bed.sleepers = []sleeper{&boxes[i]}
		go func() {
			for range messages {
				p.drowse()
				boxes[i].take(bed)
				taken <- i
			}
		}()
	}
	for range messages {
		slumbering(t, p)
		for i := range boxes {
			boxes[i].full.Add(1)
		}
		for range boxes {
			select {
			case <-taken:
			case <-time.After(20 * time.Second):
				t.Fatal("a message that nobody rang for was not found")
			}
		}
	}
}

// A lostBell is a bell whose wake-up is lost: the word has changed, and who sleeps sleeps on.
type lostBell struct{ *patientBell }

func (b lostBell) add() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.word++
}

// TestLookoutSeesThatTheBellWasRung: a ringer that was killed between the word and the wake-up
// costs no more than a look, also where no ring of ours has anything.
func TestLookoutSeesThatTheBellWasRung(t *testing.T) {
	bell := lostBell{newPatientBell()}
	p := &place{bell: bell}
	defer p.end()
	bed, woken := p.newBerth(), make(chan struct{})
	p.drowse()
	go func() {
		bed.Wait(bell.Load(), maxRest)
		close(woken)
	}()
	slumbering(t, p)
	bell.add()
	select {
	case <-woken:
	case <-time.After(20 * time.Second):
		t.Fatal("the watch sleeps on")
	}
}

// A restless sleeper has nothing, and may sleep long only until it is looked at.
type restless struct{ looked bool }

func (r *restless) Arm() bool { r.looked = true; return false }

func (r *restless) Patience() time.Duration {
	if r.looked {
		return time.Millisecond
	}
	return maxRest
}

// TestLookoutWakesWhoMustLookSooner: a look may find a writer that is stuck, for which its reader looks
// each millisecond: the watch sleeps no longer than that.
func TestLookoutWakesWhoMustLookSooner(t *testing.T) {
	bell := newPatientBell()
	p := &place{bell: bell}
	defer p.end()
	bed, woken := p.newBerth(), make(chan struct{})
	bed.sleepers = []sleeper{new(restless)}
	p.drowse()
	go func() {
		bed.Wait(bell.Load(), maxRest)
		close(woken)
	}()
	select {
	case <-woken:
	case <-time.After(20 * time.Second):
		t.Fatal("the watch sleeps on")
	}
}

// TestAnIdleBusHasOneLookout: a subscription that waits has one after its first long sleep, its bell
// wakes it at once all the same, and Close ends it.
func TestAnIdleBusHasOneLookout(t *testing.T) {
	ctx := within(t, time.Minute)
	dir := t.TempDir()
	b, other := openBus(t, dir), openBus(t, dir)
	sub, pub := subscribe(t, b, "t", nil), publisher(t, other, "t", nil)
	got := make(chan error)
	go func() {
		for range 3 {
			_, err := sub.Next(ctx)
			got <- err
		}
	}()
	var first *lookout
	for range 3 {
		slumbering(t, b.place)
		b.place.mu.Lock()
		if first == nil {
			first = b.place.lookout
		}
		if b.place.lookout != first {
			t.Error("another lookout")
		}
		b.place.mu.Unlock()
		if err := pub.Publish(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if first.alarm.Wait() {
		t.Error("the alarm of a closed bus goes off")
	}
}
