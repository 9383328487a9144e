package ring

import "testing"

// TestStampsWakeSleepers: every slot must be stepped over, so the next lap is all
// holes and nobody commits anything. A reader that sleeps before it must be rung:
// the producer waits for it.
func TestStampsWakeSleepers(t *testing.T) {
	s := newScene(t, small(Shared), 3)
	rd, slow, p := s.reader(2), s.producer(0), s.producer(1)
	for i := range 64 {
		s.claim(slow)
		s.rings[2].quarantine(claimSeen{uint64(i), word(s.rings[2].claims[i].Load())})
	}
	wantSleeperRung(t, rd, p)
}

// TestPadsWakeSleepers is the same where every slot is lent to a reader that was
// put out.
func TestPadsWakeSleepers(t *testing.T) {
	s := newScene(t, small(Exclusive), 3)
	rd, p := s.reader(2), s.producer(0)
	var late [2]*Reader
	for i := range late {
		late[i] = s.reader(1)
	}
	s.fill(p)
	for i, l := range late {
		e := &s.rings[0].entries[l.index]
		e.cursor.Store(uint64(i) * 32)
		e.leaseEnd.Store(uint64(i)*32 + 32)
		s.rings[0].evict(l.index, l.mine)
	}
	wantSleeperRung(t, rd, p)
}

// wantSleeperRung reads all there is, goes to sleep, and wants to be rung by a
// producer that can only step over slots.
func wantSleeperRung(t *testing.T, rd *Reader, p *Producer) {
	t.Helper()
	var m Message
	for rd.Next(&m) != ErrEmpty {
	}
	bell := rd.ring.host.(testHost).bell()
	seen := bell.Load()
	if rd.Arm() {
		t.Fatal("the reader does not go to sleep")
	}
	if err := p.TryPublish([]byte("x"), &Meta{}); err != ErrFull {
		t.Fatalf("publish: %v, want %v", err, ErrFull)
	}
	if bell.Load() == seen {
		t.Error("the reader sleeps before a lap of holes, and nobody rang")
	}
}
