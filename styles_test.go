package ringcast

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// sendNumbers publishes 0 to n-1 as text.
func sendNumbers(t *testing.T, ctx context.Context, p *Publisher, n int) {
	t.Helper()
	for i := range n {
		if err := p.Publish(ctx, fmt.Append(nil, i)); err != nil {
			t.Error(err)
			return
		}
	}
}

// errEnough ends a reading that has seen all.
var errEnough = errors.New("enough")

// A style reads and shows what it gets, until see has an error, which it returns.
type style struct {
	name string
	read func(ctx context.Context, s *Subscription, see func(*Message, error) error) error
}

var styles = []style{
	{"Next", func(ctx context.Context, s *Subscription, see func(*Message, error) error) error {
		for {
			if err := see(s.Next(ctx)); err != nil {
				return err
			}
		}
	}},
	{"NextBatch", func(ctx context.Context, s *Subscription, see func(*Message, error) error) error {
		for most := 0; ; most++ {
			ms, err := s.NextBatch(ctx, most%5)
			if err != nil {
				if err := see(nil, err); err != nil {
					return err
				}
			}
			for i := range ms {
				if err := see(&ms[i], nil); err != nil {
					return err
				}
			}
		}
	}},
	{"Messages", func(ctx context.Context, s *Subscription, see func(*Message, error) error) error {
		for m, err := range s.Messages(ctx) {
			if err := see(m, err); err != nil {
				return err
			}
		}
		return nil
	}},
	{"Handle", func(ctx context.Context, s *Subscription, see func(*Message, error) error) error {
		return s.Handle(ctx, see)
	}},
	{"Poll", func(_ context.Context, s *Subscription, see func(*Message, error) error) (end error) {
		for end == nil {
			n, err := s.Poll(7, func(m *Message) {
				if end == nil {
					end = see(m, nil)
				}
			})
			if err != nil {
				end = see(nil, err)
			} else if n == 0 {
				time.Sleep(50 * time.Microsecond)
			}
		}
		return end
	}},
	{"Ready", func(ctx context.Context, s *Subscription, see func(*Message, error) error) error {
		for {
			select {
			case <-s.Ready():
			case <-ctx.Done():
				return ctx.Err()
			}
			if m, err := s.TryNext(); err != ErrEmpty { // one a token
				if err := see(m, err); err != nil {
					return err
				}
			}
		}
	}},
	{"Ready and drain", func(ctx context.Context, s *Subscription, see func(*Message, error) error) error {
		for {
			select {
			case <-s.Ready():
			case <-ctx.Done():
				return ctx.Err()
			}
			for m, err := s.TryNext(); err != ErrEmpty; m, err = s.TryNext() {
				if err := see(m, err); err != nil {
					return err
				}
			}
		}
	}},
}

// TestEveryStyleReadsAll reads the same stream in each way: all of it, in order,
// an event in its place, sleeping in between.
func TestEveryStyleReadsAll(t *testing.T) {
	for _, style := range styles {
		for _, pattern := range []string{"numbers", "*"} {
			t.Run(style.name+" "+pattern, func(t *testing.T) { readInStyle(t, style, pattern) })
		}
	}
}

func readInStyle(t *testing.T, style style, pattern string) {
	const count = 3000
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	sub := subscribe(t, b, pattern, nil)
	pub := publisher(t, b, "numbers", &PublisherConfig{Slots: 64})
	go func() {
		sendNumbers(t, ctx, pub, count/2)
		time.Sleep(5 * time.Millisecond) // they sleep meanwhile
		publishEvent(t, pub, eventRecord(layout.EventCodeLoss, 3, pub.producer.Address(), 1, 1, 1))
		sendNumbers(t, ctx, pub, count/2)
	}()
	seen, events := 0, 0
	err := style.read(ctx, sub, func(m *Message, err error) error {
		var loss *LossError
		switch {
		case errors.As(err, &loss) && m == nil && seen == count/2:
			events++
			return nil
		case err != nil:
			return err
		}
		if want := fmt.Sprint(seen % (count / 2)); string(m.Payload()) != want || m.Subscription() != sub {
			return fmt.Errorf("message %d is %q, want %s", seen, m.Payload(), want)
		}
		if seen++; seen == count {
			return errEnough
		}
		return nil
	})
	if err != errEnough || events != 1 {
		t.Errorf("ended by %v after %d messages and %d events", err, seen, events)
	}
}

// TestPollTakesNoMoreThanAsked, and tells an event behind what came before it.
func TestPollTakesNoMoreThanAsked(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "polled", nil), subscribe(t, b, "polled", nil)
	sendNumbers(t, ctx, pub, 5)
	publishEvent(t, pub, eventRecord(layout.EventCodeLoss, 3, pub.producer.Address(), 1, 1, 1))
	sendNumbers(t, ctx, pub, 2)
	for i, step := range []struct {
		most, want int
		event      bool
	}{{0, 0, false}, {-1, 0, false}, {3, 3, false}, {10, 2, true}, {1, 1, false}, {10, 1, false}, {10, 0, false}} {
		called := 0
		n, err := sub.Poll(step.most, func(*Message) { called++ })
		if n != step.want || called != n || IsEvent(err) != step.event || err != nil && !step.event {
			t.Errorf("step %d: Poll(%d) = %d, %v with %d calls, want %d", i, step.most, n, err, called, step.want)
		}
	}
	if _, err := sub.Poll(1, nil); err != nil {
		t.Errorf("an empty Poll: %v", err)
	}
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Poll(1, nil); err != ErrClosed {
		t.Errorf("Poll after Close: %v", err)
	}
}

// TestHandleEnds in each of its ways, and can be called again.
func TestHandleEnds(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub, sub := publisher(t, b, "handled", nil), subscribe(t, b, "handled", nil)
	sendNumbers(t, ctx, pub, 4)
	mine := errors.New("mine")
	if err := sub.Handle(ctx, func(*Message, error) error { return mine }); err != mine {
		t.Errorf("the handler's error came as %v", err)
	}
	func() {
		defer func() {
			if r := recover(); r != "oh" {
				t.Errorf("the panic came as %v", r)
			}
		}()
		_ = sub.Handle(ctx, func(*Message, error) error { panic("oh") })
	}()
	if m := next(t, ctx, sub); string(m.Payload()) != "2" {
		t.Errorf("after a panic: %q, want the message behind it", m.Payload())
	}
	if err := sub.Handle(ctx, func(*Message, error) error {
		if _, err := sub.TryNext(); err != ErrBusy {
			t.Errorf("TryNext within Handle: %v, want ErrBusy", err)
		}
		return sub.Close()
	}); err != nil {
		t.Errorf("closed within Handle: %v", err)
	}
	if err := sub.Handle(ctx, nil); err != ErrClosed {
		t.Errorf("Handle after Close: %v", err)
	}
	other := subscribe(t, b, "handled", nil)
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := other.Handle(short, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the context's end: %v", err)
	}
}
