package ringcast

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// An untilContext ends as one whose deadline has come, when the channel is closed: at a moment that a test knows.
type untilContext struct {
	context.Context
	done chan struct{}
}

func until(t *testing.T) untilContext { return untilContext{t.Context(), make(chan struct{})} }

func (c untilContext) Done() <-chan struct{} { return c.done }

func (c untilContext) Err() error {
	select {
	case <-c.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// wantLate checks what an error says of the time that was over.
func wantLate(t *testing.T, err error, want TimedOutError, says ...string) {
	t.Helper()
	var late *TimedOutError
	if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || !os.IsTimeout(err) {
		t.Fatalf("%v: want a TimedOutError", err)
	}
	if late.Name != want.Name || late.Peer != want.Peer || late.DidNotRun != want.DidNotRun || late.Waited < want.Waited {
		t.Errorf("%+v, want %+v", late, want)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v: does not say %q", err, text)
		}
	}
}

// TestTimedOutRequests: the error says which service or address, for how long, what is known of the request, and what to do.
func TestTimedOutRequests(t *testing.T) {
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	begun := make(chan struct{}, 10)
	serve(t, server, "slow", func(ctx context.Context, r *Request) error {
		if string(r.Payload()) == "own" {
			return context.DeadlineExceeded
		}
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}, &ServeConfig{Concurrency: 1})
	_, err := caller.Request(t.Context(), "slow", []byte("own"))
	wantLate(t, err, TimedOutError{Name: "slow", Peer: server.Address()}, `service "slow" at `+server.Address().String(), "how far it came")

	inHand := until(t)
	first, err := caller.Go(inHand, "slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	waiting := until(t)
	second, err := caller.Go(waiting, "slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond)
	close(waiting.done)
	_, err = second.Wait(t.Context())
	wantLate(t, err, TimedOutError{Name: "slow", DidNotRun: true, Waited: 2 * time.Millisecond}, `service "slow": nobody took it within `, "start more")
	close(inHand.done)
	_, err = first.Wait(t.Context())
	wantLate(t, err, TimedOutError{Name: "slow", Waited: 2 * time.Millisecond}, "no reply within", "nobody knows whether it ran", "give it more time")

	_, err = caller.Request(inHand, "slow", nil)
	wantLate(t, err, TimedOutError{Name: "slow", DidNotRun: true}, "not sent", "its time was over")

	if _, err := server.Mail(); err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = caller.RequestTo(brief, server.Address(), nil)
	wantLate(t, err, TimedOutError{Peer: server.Address()}, server.Address().String()+": no reply within")
}

// TestTimedOutStreams: whoever waits for the next of many replies, or for the answers of a survey, is told the same.
func TestTimedOutStreams(t *testing.T) {
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	more := until(t)
	serve(t, server, "ticks", func(ctx context.Context, r *Request) error {
		if err := r.More([]byte("tick")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}, nil)
	replies := 0
	for r, err := range caller.RequestStream(more, "ticks", nil) {
		if r != nil {
			replies++
			close(more.done)
			continue
		}
		wantLate(t, err, TimedOutError{Name: "ticks"}, "nobody knows")
	}
	if replies != 1 {
		t.Errorf("%d replies, want 1", replies)
	}
	subscribe(t, server, "stock", nil)
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, err := range caller.Survey(brief, "stock", nil, nil) {
		wantLate(t, err, TimedOutError{Name: "stock"}, `survey of topic "stock"`, "1 of those who were asked have not answered")
	}
}

// TestTimedOutPublishes: a topic without room, and one without subscriptions, are named with how long that was waited for.
func TestTimedOutPublishes(t *testing.T) {
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "orders", &PublisherConfig{Slots: 64, StallBudget: time.Hour})
	subscribe(t, b, "orders", nil)
	for pub.TryPublish(nil) == nil {
	}
	within := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	_, claiming := pub.Claim(within(), 8)
	_, batch := pub.PublishBatch(within(), [][]byte{nil, nil})
	for _, err := range []error{pub.Publish(within(), nil), claiming, batch} {
		wantLate(t, err, TimedOutError{Name: "orders", DidNotRun: true}, `topic "orders": no room for `, "nothing was sent", "ringcast ls", "more slots")
	}
	err := b.WaitForSubscribers(within(), "quiet", 2)
	wantLate(t, err, TimedOutError{Name: "quiet", DidNotRun: true}, `topic "quiet": 0 of 2 subscriptions after `)
}
