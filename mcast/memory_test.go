package mcast

import "testing"

// follow puts a new session of a's node in its place and lets b join it.
func follow(t *testing.T, now *Time, a, b *station, session uint64) (*station, TopicID) {
	t.Helper()
	c := newStation(t, 1, session, nil)
	c.address = a.address
	c.others, b.others = []*station{b}, []*station{c}
	topic, err := c.engine.Topic("orders.eu", TopicShape{SlotCount: 64})
	if err != nil {
		t.Fatal(err)
	}
	c.engine.Start(*now)
	run(now, 300*Millisecond, c, b)
	return c, topic
}

// A topic that was dropped and taken up again while its node was away begins anew:
// what it published meanwhile was not promised.
func TestDroppedWhileAway(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	pass(t, &now, a, b, topic, message(1, nil))
	run(&now, 3*Second, b)
	for _, list := range [][]string{{"other"}, {"orders.*"}} {
		if err := b.engine.SetWants(now, list); err != nil {
			t.Fatal(err)
		}
	}
	c, topic := follow(t, &now, a, b, 12)
	pass(t, &now, c, b, topic, message(9, nil))
	if b.lost != 0 || b.delivered != 2 {
		t.Errorf("lost %d, delivered %d, want 0, 2", b.lost, b.delivered)
	}
}

// A topic that was dropped and taken up again is not delivered a second time by
// its node's next session.
func TestDroppedIsNotRepeated(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	for seq := range uint64(9) {
		pass(t, &now, a, b, topic, message(seq+1, nil))
	}
	for _, list := range [][]string{{"other"}, {"orders.*"}} {
		if err := b.engine.SetWants(now, list); err != nil {
			t.Fatal(err)
		}
	}
	run(&now, 3*Second, b)
	c, topic := follow(t, &now, a, b, 12)
	for seq := uint64(5); seq <= 11; seq++ { // from where its predecessor was known to be
		pass(t, &now, c, b, topic, message(seq, nil))
	}
	if b.lost != 0 || b.delivered != 11 {
		t.Errorf("lost %d, delivered %d, want 0, 11", b.lost, b.delivered)
	}
}

// When there are too many places, those that no session used for longest go.
func TestPlacesAreBounded(t *testing.T) {
	s := newStation(t, 1, 1, func(c *Config) { c.Limits.Streams = 10 })
	for i := range uint16(25) {
		p := s.engine.placeOf(2, "t", Address{Node: 2, Index: i})
		p.session = uint64(1 + i/5)
	}
	m := s.engine.memory[2]
	if len(m.places) > 10 {
		t.Errorf("%d places, at most 10 are allowed", len(m.places))
	}
	for i := uint16(20); i < 25; i++ {
		if m.places[placeKey{"t", Address{Node: 2, Index: i}}] == nil {
			t.Errorf("place %d of the newest session is gone", i)
		}
	}
}

func TestWiden(t *testing.T) {
	for _, c := range []struct {
		near uint64
		low  uint32
		want uint64
		ok   bool
	}{
		{10, 11, 11, true}, {10, 9, 9, true}, {1<<32 - 1, 0, 1 << 32, true}, {1 << 32, 1<<32 - 1, 1<<32 - 1, true},
		{5<<32 + 7, 7, 5<<32 + 7, true}, {1, 1<<32 - 1, 0, false}, {1<<64 - 1, 3, 0, false},
	} {
		if seq, ok := widen(c.near, c.low); ok != c.ok || ok && seq != c.want {
			t.Errorf("widen(%d, %d) = %d, %v; want %d, %v", c.near, c.low, seq, ok, c.want, c.ok)
		}
	}
}
