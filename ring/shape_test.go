package ring

import "testing"

// TestStandardSlots: where nobody asks for a number, the slots of a topic carry 16 MiB together, but they
// are 64 at least, 1024 at most, and twice the history.
func TestStandardSlots(t *testing.T) {
	for _, c := range []struct {
		asked Shape
		slots int
	}{
		{Shape{}, 1024},
		{Shape{Payload: 64}, 1024},
		{Shape{Payload: 16 << 10}, 1024},
		{Shape{Payload: 16<<10 + 1}, 512},
		{Shape{Payload: 64 << 10}, 256},
		{Shape{Payload: 256 << 10}, 64},
		{Shape{Payload: 4 << 20}, 64},
		{Shape{Payload: 16 << 20}, 64},
		{Shape{Payload: 4 << 20, Slots: 256}, 256},
		{Shape{Payload: 4 << 20, History: 32}, 64},
		{Shape{Payload: 4 << 20, History: 33}, 128},
		{Shape{Payload: 4 << 20, History: 512}, 1024},
		{Shape{Payload: 4 << 20, Purpose: Service}, 1024},
	} {
		s := c.asked.Default()
		if err := s.Validate(); s.Slots != c.slots || err != nil {
			t.Errorf("%+v: %d slots, want %d; %v", c.asked, s.Slots, c.slots, err)
		}
	}
}

// TestStandardSlotsOfAReshapedRing: who asks for another slot size gets the standard number for it where the ring
// has the standard number, and leaves every other number as it is.
func TestStandardSlotsOfAReshapedRing(t *testing.T) {
	for _, c := range []struct {
		have, asked Shape
		slots       int
	}{
		{Shape{}, Shape{Payload: 4 << 20}, 64},
		{Shape{}, Shape{Payload: 4 << 20, Slots: 512}, 512},
		{Shape{}, Shape{Mode: Latest}, 1024},
		{Shape{Slots: 256}, Shape{Payload: 4 << 20}, 256},
		{Shape{Payload: 4 << 20}, Shape{}, 64},
		{Shape{Payload: 4 << 20}, Shape{Payload: 2048}, 1024},
		{Shape{Payload: 4 << 20}, Shape{History: 100}, 256},
		{Shape{Payload: 64 << 10, Slots: 1024}, Shape{Payload: 64 << 10}, 1024},
		{Shape{Purpose: Service, Slots: 1024}, Shape{Payload: 4 << 20}, 1024},
	} {
		s := c.have.Default().overlay(c.asked)
		if err := s.Validate(); s.Slots != c.slots || err != nil {
			t.Errorf("%+v with %+v: %d slots, want %d; %v", c.have, c.asked, s.Slots, c.slots, err)
		}
	}
}
