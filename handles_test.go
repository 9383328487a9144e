package ringcast

import (
	"errors"
	"testing"
	"time"
)

// TestReopenedPublisherGoesOn closes and opens a publisher while nobody holds its
// ring, which is removed in between: the source goes on, it does not begin anew.
func TestReopenedPublisherGoesOn(t *testing.T) {
	b := openBus(t, t.TempDir())
	ctx := within(t, 10*time.Second)
	var last uint64
	var source Address
	for round := range 5 {
		p := publisher(t, b, "orders", nil)
		s := subscribe(t, b, "orders", nil)
		for range 3 {
			if err := p.Publish(ctx, nil); err != nil {
				t.Fatal(err)
			}
			m, err := s.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if m.Sequence() != last+1 || last > 0 && m.Source() != source {
				t.Fatalf("round %d: message %d of %v after %d of %v", round, m.Sequence(), m.Source(), last, source)
			}
			last, source = m.Sequence(), m.Source()
		}
		if err := errors.Join(p.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if names, err := b.topicNames(); err != nil || len(names) != 0 {
			t.Fatalf("round %d: topics %v, %v: want the ring removed", round, names, err)
		}
	}
}

// TestOpenPublishersDiffer checks that two publishers open at once are two sources.
func TestOpenPublishersDiffer(t *testing.T) {
	b := openBus(t, t.TempDir())
	first, second := publisher(t, b, "orders", nil), publisher(t, b, "orders", nil)
	other := publisher(t, b, "others", nil)
	if first.producer.Address() == second.producer.Address() {
		t.Errorf("two publishers of one topic are both %v", first.producer.Address())
	}
	if first.producer.Address() != other.producer.Address() {
		t.Errorf("handles of another topic begin at %v, want %v", other.producer.Address(), first.producer.Address())
	}
}

// TestHandlesEnd checks the error of the 65,536th publisher at once.
func TestHandlesEnd(t *testing.T) {
	b := openBus(t, t.TempDir())
	for range maxHandle {
		if _, err := b.takeHandle("orders"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.takeHandle("orders"); !errors.Is(err, errHandles) {
		t.Errorf("handle %d: %v, want errHandles", maxHandle+1, err)
	}
	b.returnHandle("orders", handle{number: 7, last: 12})
	if h, err := b.takeHandle("orders"); err != nil || h != (handle{number: 7, last: 12}) {
		t.Errorf("after a return: %+v, %v", h, err)
	}
}
