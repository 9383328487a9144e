package ringcast

import (
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
)

// publishEvent puts an event record into the ring as a forwarder does.
func publishEvent(t *testing.T, p *Publisher, payload []byte) {
	t.Helper()
	if err := p.producer.TryPublish(payload, &ring.Meta{Kind: layout.MessageKindEvent}); err != nil {
		t.Fatal(err)
	}
}

func eventRecord(code, reason uint32, source Address, count, first, last uint64) []byte {
	b := make([]byte, layout.EventRecordSize)
	le := binary.LittleEndian
	source.Put(b[layout.EventRecordSourceOffset:])
	le.PutUint32(b[layout.EventRecordCodeOffset:], code)
	le.PutUint32(b[layout.EventRecordReasonOffset:], reason)
	le.PutUint64(b[layout.EventRecordCountOffset:], count)
	le.PutUint64(b[layout.EventRecordFirstOffset:], first)
	le.PutUint64(b[layout.EventRecordLastOffset:], last)
	return b
}

func TestEventsComeInTheStream(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "lossy", nil), subscribe(t, b, "lossy", nil)
	far := Address{Node: 9, Epoch: 0x1f03, Generation: 2, Index: 4, Handle: 1}
	for _, c := range []struct {
		record []byte
		want   error // nil: nothing is told
	}{
		{eventRecord(layout.EventCodeLoss, 3, far, 5, 11, 15), &LossError{Topic: "lossy", Source: far, First: 11, Last: 15, Count: 5, Reason: 3}},
		{eventRecord(layout.EventCodeLagged, 0, far, 7, 21, 0), &LaggedError{Topic: "lossy", Source: far, Missed: 7, First: 21}},
		{eventRecord(layout.EventCodeEpoch, 0, far, 0, 0, 0), &EpochError{Topic: "lossy", Source: far}},
		{eventRecord(layout.EventCodeDown, 0, far, 0, 0, 0), &DownError{Topic: "lossy", Source: far}},
		{eventRecord(4711, 0, far, 0, 0, 0), nil},
		{append(eventRecord(layout.EventCodeDown, 0, far, 0, 0, 0), 1, 2, 3), &DownError{Topic: "lossy", Source: far}},
	} {
		publishEvent(t, pub, c.record)
		if err := pub.Publish(ctx, []byte("after")); err != nil {
			t.Fatal(err)
		}
		if c.want != nil {
			m, err := sub.Next(ctx)
			if m != nil || !reflect.DeepEqual(err, c.want) || !IsEvent(err) {
				t.Errorf("got %v, %v, want the event %v", m, err, c.want)
			}
			if !strings.Contains(err.Error(), "lossy") {
				t.Errorf("%q does not name the topic", err)
			}
		}
		if m := next(t, ctx, sub); string(m.Payload()) != "after" {
			t.Errorf("after %v: %q", c.want, m.Payload())
		}
	}
	publishEvent(t, pub, make([]byte, layout.EventRecordSize-1))
	var damaged *DamagedError
	if _, err := sub.Next(ctx); !errors.As(err, &damaged) || !IsEvent(err) {
		t.Errorf("a record cut off: %v, want a DamagedError", err)
	}
	if err := pub.producer.TryPublish([]byte("inner"), &ring.Meta{Kind: layout.MessageKindSystem}); err != nil {
		t.Fatal(err)
	}
	if m, err := sub.TryNext(); err != ErrEmpty {
		t.Errorf("a message between parts of Ringcast was shown: %v, %v", m, err)
	}
}

// FuzzEvent: whatever lies in a record, decoding neither fails nor reads beyond it.
func FuzzEvent(f *testing.F) {
	for code := range uint32(6) {
		f.Add(eventRecord(code, 1, Address{Node: 1, Epoch: 2, Generation: 3, Index: 4}, 5, 6, 7))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		err := eventOf(&ring.Message{Payload: b}, "topic")
		if err != nil && (!IsEvent(err) || err.Error() == "") {
			t.Errorf("%v is no event", err)
		}
		if len(b) < layout.EventRecordSize && err == nil {
			t.Error("a record cut off was taken")
		}
	})
}

// TestLatestReaderIsTold exactly how many messages it has missed: each message
// has one position here.
func TestLatestReaderIsTold(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	for _, mode := range []Mode{Reliable, Latest} {
		topic := "fast." + mode.String()
		pub := publisher(t, b, topic, &PublisherConfig{Slots: 64, Mode: mode})
		sub := subscribe(t, b, topic, &SubscriberConfig{Latest: true})
		const count = 1000
		for range count {
			if err := pub.Publish(ctx, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		delivered, missed, last := 0, uint64(0), uint64(0)
		for {
			m, err := sub.TryNext()
			if err == ErrEmpty {
				break
			}
			var lagged *LaggedError
			switch {
			case errors.As(err, &lagged):
				missed += lagged.Missed
				if lagged.Topic != topic || !IsEvent(err) {
					t.Errorf("event %v", err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				if want := uint64(delivered) + missed + 1; m.Sequence() != want {
					t.Fatalf("sequence %d after %d delivered and %d missed", m.Sequence(), delivered, missed)
				}
				delivered, last = delivered+1, m.Sequence()
			}
		}
		if uint64(delivered)+missed != count || last != count || missed == 0 {
			t.Errorf("%v: %d delivered and %d missed of %d, the last is %d", mode, delivered, missed, count, last)
		}
	}
}

// TestStoppedReaderIsPutOut: it holds the publisher up for its stall budget, is
// told how much it has missed, and goes on.
func TestStoppedReaderIsPutOut(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "gated", &PublisherConfig{Slots: 64})
	sub := subscribe(t, b, "gated", nil)
	const count = 200
	for range count {
		if err := pub.Publish(ctx, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	delivered, missed := uint64(0), uint64(0)
	for delivered+missed < count {
		_, err := sub.Next(ctx)
		var lagged *LaggedError
		if errors.As(err, &lagged) {
			missed += lagged.Missed
		} else if err != nil {
			t.Fatal(err)
		} else {
			delivered++
		}
	}
	if delivered+missed != count || missed == 0 {
		t.Errorf("%d delivered and %d missed of %d", delivered, missed, count)
	}
	if err := pub.Publish(ctx, []byte("y")); err != nil {
		t.Fatal(err)
	}
	if m := next(t, ctx, sub); string(m.Payload()) != "y" {
		t.Errorf("got %q", m.Payload())
	}
}
