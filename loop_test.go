package ringcast

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// A closingFeed is closed by another goroutine just when something was found.
type closingFeed struct {
	feed
	close func() error
}

func (c closingFeed) await(ctx context.Context, want int) (*batch, error) {
	b, err := c.feed.await(ctx, want)
	return b, c.closed(err)
}

func (c closingFeed) look(want int) (*batch, error) {
	b, err := c.feed.look(want)
	return b, c.closed(err)
}

func (c closingFeed) closed(err error) error {
	if err == nil {
		_ = c.close()
	}
	return err
}

// TestCloseLosesNoMessageOfAGroup: what a member has taken is handed to its handler,
// though somebody closes at that instant: nobody else gets it.
func TestCloseLosesNoMessageOfAGroup(t *testing.T) {
	ctx := within(t, 30*time.Second)
	ways := map[string]func(f feed, see func(*Message)) error{
		"Handle": func(f feed, see func(*Message)) error {
			return handleOf(f, ctx, func(m *Message, err error) error { see(m); return err })
		},
		"Messages": func(f feed, see func(*Message)) error {
			for m, err := range messagesOf(f, ctx) {
				if err != nil {
					return err
				}
				see(m)
			}
			return nil
		},
		"Poll": func(f feed, see func(*Message)) error {
			if _, err := pollOf(f, 10, see); err != ErrClosed {
				return err
			}
			return nil
		},
	}
	for name, read := range ways {
		for _, merged := range []bool{false, true} {
			b := openBus(t, t.TempDir())
			first, second := joinGroup(t, b, "jobs"), joinGroup(t, b, "jobs")
			sendNumbers(t, ctx, publisher(t, b, "jobs", nil), 2)
			f := closingFeed{first, first.Close}
			if merged {
				m := merge(t, b, first)
				f = closingFeed{m, m.Close}
			}
			var got []string
			if err := read(f, func(m *Message) { got = append(got, string(m.Payload())) }); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for len(got) < 2 {
				m, err := second.TryNext()
				if err != nil {
					t.Fatalf("%s, merged %v: %v behind %q of 2 messages", name, merged, err, got)
				}
				got = append(got, string(m.Payload()))
			}
		}
	}
}

// TestLoopsEndWithTheirContext, also where there is always something to read.
func TestLoopsEndWithTheirContext(t *testing.T) {
	b := openBus(t, t.TempDir())
	for name, open := range mixed {
		pub, f := publisher(t, b, "mix."+name, nil), open(t, b, "mix."+name)
		for _, way := range []string{"Handle", "Messages"} {
			ctx, cancel := context.WithCancel(t.Context())
			sendNumbers(t, t.Context(), pub, 40)
			n := 0
			see := func(_ *Message, err error) error {
				if err != nil {
					return err
				}
				if n++; n == 10 {
					cancel()
				}
				if n == 1000 {
					return errEnough
				}
				return pub.Publish(t.Context(), []byte("more"))
			}
			var err error
			if way == "Handle" {
				err = f.Handle(ctx, see)
			} else {
				for m, event := range f.Messages(ctx) {
					if err = see(m, event); err != nil {
						break
					}
				}
			}
			if err != context.Canceled || n > 10+maxBatch {
				t.Errorf("%s of %s: %v after %d messages, want the context's end within a batch of the 10th", way, name, err, n)
			}
			cancel()
		}
	}
}

// TestMergedTakesNoMoreThanItsTurn: a subscription of several topics, too, gives way to
// the others after 64 messages, however they are read.
func TestMergedTakesNoMoreThanItsTurn(t *testing.T) {
	ctx := within(t, 30*time.Second)
	for _, most := range []int{0, 1, 7} {
		b := openBus(t, t.TempDir())
		m := merge(t, b, subscribe(t, b, "few.*", nil), subscribe(t, b, "other", nil))
		few := 0
		for i, count := range []int{40, 64, 33, 64, 50} {
			few += count
			sendNumbers(t, ctx, publisher(t, b, fmt.Sprint("few.", i), nil), count)
		}
		other := publisher(t, b, "other", nil)
		sendNumbers(t, ctx, other, 200)
		turn, last := 0, ""
		for few > 0 { // then the other may go on
			ms, err := m.NextBatch(ctx, most)
			if err != nil {
				t.Fatal(err)
			}
			of := ms[0].Subscription().Pattern()
			if of != last {
				turn, last = 0, of
			}
			if turn += len(ms); turn > maxTurn {
				t.Fatalf("by %d: %d messages of %s in a row, want %d", most, turn, of, maxTurn)
			}
			if of == "other" {
				sendNumbers(t, ctx, other, len(ms))
			} else {
				few -= len(ms)
			}
		}
	}
}
