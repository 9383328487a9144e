package ringcast

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
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

// A lateContext is one whose deadline comes so long after somebody waits for it.
type lateContext struct {
	untilContext
	time time.Duration
	once *sync.Once
}

func lateBy(t *testing.T, d time.Duration) lateContext {
	return lateContext{until(t), d, new(sync.Once)}
}

func (c lateContext) Done() <-chan struct{} {
	c.once.Do(func() { time.AfterFunc(c.time, func() { close(c.done) }) })
	return c.done
}

// wantLate checks what an error says of the time that was over. What it waited for began at since, of ring.Now, or later, and
// want.Waited is the least of it.
func wantLate(t *testing.T, err error, since time.Duration, want TimedOutError, says ...string) {
	t.Helper()
	most := ring.Now() - since
	var late *TimedOutError
	var ofNet net.Error
	if !errors.As(err, &late) || !errors.Is(err, context.DeadlineExceeded) || !os.IsTimeout(err) || !errors.As(err, &ofNet) || !ofNet.Timeout() {
		t.Fatalf("%v: want a TimedOutError", err)
	}
	if late.Name != want.Name || late.Peer != want.Peer || late.DidNotRun != want.DidNotRun {
		t.Errorf("%+v, want %+v", late, want)
	}
	if late.Waited < want.Waited || late.Waited > most {
		t.Errorf("%v: waited %v, want %v to %v", err, late.Waited, want.Waited, most)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v: does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "%!") {
		t.Error(err)
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
	since := ring.Now()
	_, err := caller.Request(t.Context(), "slow", []byte("own"))
	wantLate(t, err, since, TimedOutError{Name: "slow", Peer: server.Address()}, `service "slow": `+server.Address().String()+" says that its time was over after ", "it may have run")

	inHand := until(t)
	since = ring.Now()
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
	wantLate(t, err, since, TimedOutError{Name: "slow", DidNotRun: true, Waited: 2 * time.Millisecond}, `service "slow": nobody took it within `, "start more")
	close(inHand.done)
	_, err = first.Wait(t.Context())
	wantLate(t, err, since, TimedOutError{Name: "slow", Waited: 2 * time.Millisecond}, "no reply within", "nobody knows whether it ran", "give it more time")

	since = ring.Now()
	_, err = caller.Request(inHand, "slow", nil)
	wantLate(t, err, since, TimedOutError{Name: "slow", DidNotRun: true}, "not sent", "its time was over before it was made")

	if _, err := server.Mail(); err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	since = ring.Now()
	_, err = caller.RequestTo(brief, server.Address(), nil)
	wantLate(t, err, since, TimedOutError{Peer: server.Address()}, server.Address().String()+": no reply within")
}

// TestTimedOutStreams: whoever waits for the next of many replies, or for the answers of a survey, is told the same.
func TestTimedOutStreams(t *testing.T) {
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	more, since := until(t), ring.Now()
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
		wantLate(t, err, since, TimedOutError{Name: "ticks"}, "nobody knows")
	}
	if replies != 1 {
		t.Errorf("%d replies, want 1", replies)
	}
	subscribe(t, server, "stock", nil)
	since = ring.Now()
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, err := range caller.Survey(brief, "stock", nil, nil) {
		wantLate(t, err, since, TimedOutError{Name: "stock"}, `survey of topic "stock"`, "1 of those who were asked have not answered")
	}
}

// TestTimedOutTries: a request that was sent again says for how long it was waited in all, and that it may have run.
func TestTimedOutTries(t *testing.T) {
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	begun, over := make(chan struct{}, 2), make(chan struct{})
	serve(t, server, "slow", func(context.Context, *Request) error {
		begun <- struct{}{}
		<-over
		return nil
	}, &ServeConfig{Concurrency: 1})
	defer close(over)
	client, err := caller.Client("slow", &ClientConfig{Idempotent: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, since, result := until(t), ring.Now(), make(chan error, 1)
	go func() {
		_, err := client.Request(ctx, nil)
		result <- err
	}()
	<-begun
	first := ring.Now()
	time.Sleep(20 * time.Millisecond)
	d, err := client.post.desk()
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	c := d.calls[0]
	old := c.correlation
	d.settle(c, ErrInstanceDied) // as if it had
	d.mu.Unlock()
	for again := false; !again; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		again = c.correlation != 0 && c.correlation != old && c.sent
		d.mu.Unlock()
	}
	least := ring.Now() - first
	close(ctx.done)
	wantLate(t, <-result, since, TimedOutError{Name: "slow", Waited: least}, "no reply within", "nobody knows whether it ran")
}

// TestTimedOutPublishes: a topic without room, and one without subscriptions, are named with how long that was waited for.
func TestTimedOutPublishes(t *testing.T) {
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "orders", &PublisherConfig{Slots: 64, StallBudget: time.Hour})
	subscribe(t, b, "orders", nil)
	for pub.TryPublish(nil) == nil {
	}
	const given = 20 * time.Millisecond
	for _, publish := range publishes(pub) {
		since := ring.Now()
		wantLate(t, publish(lateBy(t, given)), since, TimedOutError{Name: "orders", DidNotRun: true, Waited: given}, `topic "orders": no room for `, "nothing was sent", "ringcast ls", "more slots")
	}
	since := ring.Now()
	err := b.WaitForSubscribers(lateBy(t, given), "quiet", 2)
	wantLate(t, err, since, TimedOutError{Name: "quiet", Waited: given}, `topic "quiet": 0 of 2 subscriptions after `)
}

// publishes are all ways to publish that wait.
func publishes(p *Publisher) []func(context.Context) error {
	return []func(context.Context) error{
		func(ctx context.Context) error { return p.Publish(ctx, nil) },
		func(ctx context.Context) error { _, err := p.Claim(ctx, 8); return err },
		func(ctx context.Context) error { _, err := p.PublishBatch(ctx, [][]byte{nil, nil}); return err },
		func(ctx context.Context) error { _, err := p.ClaimBatch(ctx, 2, 8); return err },
	}
}

// TestTimedOutStalls: where every slot is claimed by who does not move, and where a claim was taken or the ring was made anew just
// as the time was over, the error says as much as where there is no room.
func TestTimedOutStalls(t *testing.T) {
	b := openBus(t, t.TempDir())
	cfg := &PublisherConfig{Slots: 64, Mode: Latest}
	for held := 0; held < 64; {
		claims, err := publisher(t, b, "held", cfg).ClaimBatch(t.Context(), 8, 8)
		if err != nil {
			t.Fatal(err)
		}
		held += claims.Len()
	}
	pub, over := publisher(t, b, "held", cfg), until(t)
	close(over.done)
	for _, publish := range publishes(pub) {
		since := ring.Now()
		// Where it stalls it rests for 1 ms.
		wantLate(t, publish(over), since, TimedOutError{Name: "held", DidNotRun: true, Waited: time.Millisecond}, `topic "held": no slot for `, "nothing was sent", "stopped")
	}
	for _, err := range []error{ring.ErrFenced, ring.ErrRetired} {
		since := ring.Now()
		wantLate(t, pub.again(over, err, 0, since-time.Second), since-time.Second, TimedOutError{Name: "held", DidNotRun: true, Waited: time.Second}, "no slot for ")
	}
}

// TestTimedOutOnTheWay: a batch of which some were sent says so, and how long it waited in all, not only since the last of them.
func TestTimedOutOnTheWay(t *testing.T) {
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "orders", &PublisherConfig{Slots: 64, StallBudget: time.Hour})
	sub := subscribe(t, b, "orders", nil)
	for pub.TryPublish(nil) == nil {
	}
	full := pub.file.Tail()
	waits := make(chan struct{})
	ctx := toldContext{until(t), waits, new(sync.Once)}
	type outcome struct {
		sent int
		err  error
	}
	since, result := ring.Now(), make(chan outcome, 1)
	go func() {
		n, err := pub.PublishBatch(ctx, make([][]byte, 200))
		result <- outcome{n, err}
	}()
	<-waits
	first := ring.Now()
	time.Sleep(20 * time.Millisecond)
	for pub.file.Tail() == full { // at most 64 are read
		if _, err := sub.TryNext(); err != nil && err != ErrEmpty {
			t.Fatal(err)
		}
	}
	least := ring.Now() - first
	close(ctx.done)
	got := <-result
	if got.sent == 0 || got.sent == 200 {
		t.Fatalf("%d were sent: %v", got.sent, got.err)
	}
	wantLate(t, got.err, since, TimedOutError{Name: "orders", Waited: least}, "no room for ", fmt.Sprintf("%d of 200 were sent", got.sent))
}

// A toldContext closes a channel when somebody waits for its end.
type toldContext struct {
	untilContext
	told chan struct{}
	once *sync.Once
}

func (c toldContext) Done() <-chan struct{} {
	c.once.Do(func() { close(c.told) })
	return c.done
}

// TestTimedOutElsewhere: an error that another package has made reads as one, too.
func TestTimedOutElsewhere(t *testing.T) {
	for want, late := range map[string]*TimedOutError{
		`"x": the time was over after 2s`:             {Name: "x", Waited: 2 * time.Second},
		`"x" at n7-1.2.3: the time was over after 0s`: {Name: "x", Peer: Address{Node: 7, Epoch: 1, Index: 2, Generation: 3}},
	} {
		if late.Error() != want {
			t.Errorf("%q, want %q", late, want)
		}
	}
}
