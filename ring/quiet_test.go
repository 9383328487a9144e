package ring

import "testing"

// TestQuietMessagesAreTold: who publishes quietly rings no bell before Tell, and Tell
// rings it once for all; the messages are there at once.
func TestQuietMessagesAreTold(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 2)
	p, rd := s.producer(0), s.reader(1)
	publishFor(t, p, "first") // what follows goes the short way
	wantNext(t, rd, "first")
	wantEmpty(t, rd)
	if rd.Arm() {
		t.Fatal("there is something to read before anything was published")
	}
	bell := &s.node.bells[1]
	seen := bell.Load()
	for _, text := range []string{"second", "third"} {
		if err := p.TryPublishQuietly([]byte(text), &Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	if bell.Load() != seen {
		t.Error("the bell rang before Tell")
	}
	p.Tell()
	if bell.Load() != seen+1 {
		t.Errorf("the bell rang %d times, want once", bell.Load()-seen)
	}
	wantNext(t, rd, "second")
	wantNext(t, rd, "third")
}
