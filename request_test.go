package ringcast

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringcast/ringcast/ring"
)

// serve serves a name until the test ends.
func serve(t testing.TB, b *Bus, name string, h Handler, cfg *ServeConfig) *Instance {
	t.Helper()
	s, err := b.Serve(name, h, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// echo answers with what it was asked.
func echo(_ context.Context, r *Request) error { return r.Reply(r.Payload()) }

func wantReply(t testing.TB, r *Reply, err error, want string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Payload()) != want {
		t.Fatalf("reply %q, want %q", r.Payload(), want)
	}
}

func TestRequestAndReply(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	serve(t, server, "echo", echo, nil)
	for i := range 1000 {
		want := fmt.Sprint("hello ", i)
		r, err := caller.Request(ctx, "echo", []byte(want))
		wantReply(t, r, err, want)
		if r.Source() != server.Address() {
			t.Fatalf("source %v, want %v", r.Source(), server.Address())
		}
	}
	r, err := server.Request(ctx, "echo", []byte("to oneself"))
	wantReply(t, r, err, "to oneself")
	r, err = caller.Request(ctx, "echo", nil)
	wantReply(t, r, err, "")
	large := bytes.Repeat([]byte("x"), 2048)
	r, err = caller.Request(ctx, "echo", large)
	wantReply(t, r, err, string(large))
	var tooLarge *TooLargeError
	if _, err := caller.Request(ctx, "echo", append(large, 'x')); !errors.As(err, &tooLarge) || tooLarge.Size != 2049 || tooLarge.Limit != 2048 {
		t.Errorf("a request that is too large: %v", err)
	}
}

// TestOutcomesOfHandlers: each end of a handler has its own outcome.
func TestOutcomesOfHandlers(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	after := make(chan error, 1)
	serve(t, b, "s", func(ctx context.Context, r *Request) error {
		switch string(r.Payload()) {
		case "code":
			return &ReplyError{Code: 42, Text: "no such thing"}
		case "text":
			return errors.New("broken")
		case "silent":
			return nil
		case "large":
			return r.Reply(make([]byte, 3000))
		case "twice":
			after <- errors.Join(r.Reply([]byte("one")), r.Reply([]byte("two")))
			return nil
		case "many":
			return r.More(nil)
		}
		return r.Reply(nil)
	}, nil)
	for what, want := range map[string]error{"silent": ErrNoReply, "large": ErrReplyTooLarge} {
		if _, err := b.Request(ctx, "s", []byte(what)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	for what, want := range map[string]ReplyError{"code": {42, "no such thing", b.Address()}, "text": {0, "broken", b.Address()},
		"many": {0, ErrOneReply.Error(), b.Address()}} {
		var got *ReplyError
		if _, err := b.Request(ctx, "s", []byte(what)); !errors.As(err, &got) || *got != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	r, err := b.Request(ctx, "s", []byte("twice"))
	wantReply(t, r, err, "one")
	if err := <-after; !errors.Is(err, ErrAnswered) {
		t.Errorf("a second reply: %v", err)
	}
}

// A bus that is asked for any names, as by a gateway, does not keep them all; who holds a client of one
// goes on with it, and its ring is let go with the bus.
func TestNamesThatNobodyServesAreForgotten(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	early, err := caller.Client("s", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 * mostClients {
		if err := caller.SendTo(ctx, fmt.Sprint("name-", i), nil); !errors.Is(err, ErrNoService) {
			t.Fatal(err)
		}
	}
	p := caller.direct.Load()
	if n := len(*p.clients.Load()); n > mostClients {
		t.Errorf("%d names are kept, want at most %d", n, mostClients)
	}
	if _, err := server.Serve("s", echo, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := early.Request(ctx, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := caller.Request(ctx, "s", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.rings); n != 2 { // of the early client, which was forgotten, and of the later one
		t.Errorf("%d services have a ring open, want 2", n)
	}
	if err := caller.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(p.rings); n != 0 {
		t.Errorf("%d rings are open behind the end, want none", n)
	}
}

func TestNoService(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	ask := func() error { _, err := caller.Request(ctx, "s", nil); return err }
	if err := ask(); !errors.Is(err, ErrNoService) {
		t.Errorf("a service that never was: %v", err)
	}
	if _, err := caller.Request(ctx, "not a name", nil); !errors.Is(err, ErrBadName) {
		t.Errorf("bad name: %v", err)
	}
	for range 3 {
		s, err := server.Serve("s", echo, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if err := ask(); !errors.Is(err, ErrNoService) {
			t.Errorf("a service that has stopped: %v", err)
		}
		if err := caller.SendTo(ctx, "s", nil); !errors.Is(err, ErrNoService) {
			t.Errorf("one way to it: %v", err)
		}
	}
}

// TestDeadlineAndCancel: the caller knows at once, the handler's context ends, and what
// nobody has started never runs.
// Who was told that nobody serves a name finds an instance that has come since at once: with Serve's return. Where
// nothing changed, as where a ring takes another's place, it looks again after absenceSpan.
func TestServiceThatComes(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	for i := range 20 {
		name := fmt.Sprint("late.", i)
		for range 3 {
			if _, err := a.Request(ctx, name, nil); !errors.Is(err, ErrNoService) {
				t.Fatalf("nobody serves it: %v", err)
			}
		}
		s := serve(t, b, name, echo, nil)
		reply, err := a.Request(ctx, name, []byte("there"))
		wantReply(t, reply, err, "there")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	client, err := a.Client("another", nil)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, b, "another", echo, nil)
	client.service.mu.Lock()
	client.service.absent = absence{ErrNoService, a.domain.Changes(), ring.Now() + absenceSpan}
	client.service.mu.Unlock()
	for {
		var reply Reply
		err := client.RequestInto(ctx, []byte("there"), &reply)
		if errors.Is(err, ErrNoService) {
			continue
		}
		wantReply(t, &reply, err, "there")
		return
	}
}

func TestDeadlineAndCancel(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	ended, ran := make(chan error, 10), atomic.Int32{}
	serve(t, server, "slow", func(ctx context.Context, r *Request) error {
		ran.Add(1)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}, nil)
	// What is not begun before its deadline is not begun at all: on a busy machine that takes a longer one.
	for wait := 50 * time.Millisecond; ran.Load() == 0; wait *= 2 {
		brief, stop := context.WithTimeout(ctx, wait)
		defer stop()
		if _, err := caller.Request(brief, "slow", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("deadline: %v", err)
		}
		time.Sleep(wait)
	}
	if err := <-ended; err == nil {
		t.Error("the handler was not told")
	}
	begun := ran.Load()
	f, err := caller.Go(ctx, "slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := caller.Go(ctx, "slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	for ran.Load() == begun {
		time.Sleep(time.Millisecond)
	}
	waiting.Cancel() // before it has run
	f.Cancel()
	for _, x := range []*Future{f, waiting} {
		if _, err := x.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler's context ended with %v", err)
	}
	time.Sleep(20 * time.Millisecond)
	if n := ran.Load() - begun; n != 1 {
		t.Errorf("%d ran, want 1: one was taken back", n)
	}
}

// TestOverloaded: what a slow service can't take is refused at once.
func TestOverloaded(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openInFlight(t, dir, 300)
	free := make(chan struct{})
	serve(t, server, "slow", func(_ context.Context, r *Request) error {
		<-free
		return r.Reply(nil)
	}, &ServeConfig{Queue: 64})
	var futures []*Future
	for {
		f, err := caller.Go(ctx, "slow", nil)
		if err == nil {
			futures = append(futures, f)
			continue
		}
		var full *OverloadedError
		if !errors.Is(err, ErrOverloaded) || !errors.As(err, &full) || full.Limit != 64 {
			t.Fatalf("full: %v", err)
		}
		break
	}
	if n := len(futures); n < 64 || n > 65 {
		t.Errorf("%d requests found room in a queue of 64, with one at work", n)
	}
	close(free)
	for _, f := range futures {
		if _, err := f.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func openInFlight(t testing.TB, dir string, n int) *Bus {
	t.Helper()
	b, err := Open(context.Background(), &Config{Dir: dir, InFlight: n})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// TestThousandsInFlight: all are open at once, and every one has its own answer. With a
// small inbox as many go through, a share at a time.
func TestThousandsInFlight(t *testing.T) {
	ctx := within(t, 40*time.Second)
	for _, inFlight := range []int{5000, 0} {
		dir := t.TempDir()
		server, caller := openBus(t, dir), openInFlight(t, dir, inFlight)
		open := make(chan struct{})
		serve(t, server, "s", func(_ context.Context, r *Request) error {
			if inFlight > 0 {
				<-open
			}
			return r.Reply(r.Payload())
		}, &ServeConfig{Queue: 8192, Concurrency: 4})
		var futures []*Future
		for i := range 5000 {
			f, err := caller.Go(ctx, "s", fmt.Append(nil, i))
			if err != nil {
				t.Fatal(i, err)
			}
			futures = append(futures, f)
		}
		close(open)
		for i, f := range futures {
			r, err := f.Wait(ctx)
			wantReply(t, r, err, fmt.Sprint(i))
		}
	}
}

// TestManyGoroutines call at once, over one inbox.
func TestManyGoroutines(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	serve(t, server, "s", echo, &ServeConfig{Concurrency: 3})
	var all sync.WaitGroup
	for g := range 150 { // more than there are shares
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range 20 {
				want := fmt.Sprint(g, " ", i)
				r, err := caller.Request(ctx, "s", []byte(want))
				if err != nil || string(r.Payload()) != want {
					t.Errorf("%s: %v", want, err)
					return
				}
			}
		}()
	}
	all.Wait()
}

// TestFutureDone: a channel for select, and several who wait for one.
func TestFutureDone(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	free := make(chan struct{})
	serve(t, b, "s", func(_ context.Context, r *Request) error { <-free; return r.Reply([]byte("x")) }, nil)
	f, err := b.Go(ctx, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	done := f.Done()
	select {
	case <-done:
		t.Fatal("done before it was answered")
	case <-time.After(5 * time.Millisecond):
	}
	var all sync.WaitGroup
	for range 3 {
		all.Add(1)
		go func() {
			defer all.Done()
			if _, err := f.Wait(ctx); err != nil {
				t.Error(err)
			}
		}()
	}
	close(free)
	<-done
	<-f.Done()
	all.Wait()
	r, err := f.Wait(ctx)
	wantReply(t, r, err, "x")
}

// A bus that calls a name for each order keeps the rings of the last ones open, and those in use; a service that was called long
// ago is called again as any.
func TestServicesThatWereCalledAreForgotten(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	small := &ServeConfig{Queue: 64, SlotSize: 64}
	wait := make(chan struct{})
	serve(t, server, "slow", func(_ context.Context, r *Request) error {
		<-wait
		return r.Reply(r.Payload())
	}, small)
	serve(t, server, "first", echo, small)
	slow, err := caller.Client("slow", nil)
	if err != nil {
		t.Fatal(err)
	}
	future, err := slow.Go(ctx, []byte("late"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := caller.Request(ctx, "first", []byte("a"))
	wantReply(t, r, err, "a")
	for i := range mostClients + 50 {
		name := fmt.Sprint("order-", i)
		s, err := server.Serve(name, echo, small)
		if err != nil {
			t.Fatal(err)
		}
		r, err := caller.Request(ctx, name, []byte(name))
		wantReply(t, r, err, name)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p := caller.direct.Load()
	open := map[string]bool{}
	for s := range p.rings {
		open[s.name] = true
	}
	if n := len(open); n != mostClients+1 || !open["slow"] || open["first"] || open["order-0"] || !open[fmt.Sprint("order-", mostClients+49)] {
		t.Errorf("%d rings are open, want the last %d and that of slow (%v)", n, mostClients, open["slow"])
	}
	if n := len(*p.clients.Load()); n > mostClients+2 {
		t.Errorf("%d names are kept", n)
	}
	close(wait)
	r, err = future.Wait(ctx)
	wantReply(t, r, err, "late")
	r, err = caller.Request(ctx, "first", []byte("b"))
	wantReply(t, r, err, "b")
}
