package ringcast

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// TestGoexitInAHandler: a handler that ends its goroutine answers as one that failed, and costs no worker.
func TestGoexitInAHandler(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	for _, concurrency := range []int{1, 3} {
		b := openBus(t, t.TempDir())
		s := serve(t, b, "s", func(_ context.Context, r *Request) error {
			if string(r.Payload()) == "exit" {
				runtime.Goexit()
			}
			return r.Reply(r.Payload())
		}, &ServeConfig{Concurrency: concurrency})
		for range 3 * concurrency {
			if _, err := b.Request(ctx, "s", []byte("exit")); !errors.Is(err, ErrNoReply) {
				t.Fatalf("concurrency %d: %v, want %v", concurrency, err, ErrNoReply)
			}
		}
		var open []*Future
		for range 3 * concurrency {
			f, err := b.Go(ctx, "s", []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, f)
		}
		for _, f := range open {
			r, err := f.Wait(ctx)
			wantReply(t, r, err, "x")
		}
		if n := int(s.workers.Load()); n > concurrency {
			t.Errorf("%d workers, want at most %d", n, concurrency)
		}
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestHurriedStopRunsNothingMore: also one-way messages that wait are not run any more, and counted.
func TestHurriedStopRunsNothingMore(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	b := openBus(t, t.TempDir())
	began, end := make(chan struct{}, 100), make(chan struct{})
	s := serve(t, b, "s", func(context.Context, *Request) error {
		began <- struct{}{}
		<-end
		return nil
	}, nil)
	for range 11 {
		if err := b.SendTo(ctx, "s", []byte("one way")); err != nil {
			t.Fatal(err)
		}
	}
	<-began
	hurry, cancel := context.WithCancel(ctx)
	cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(hurry) }()
	eventually(t, "it does not hurry", s.hurry.Load)
	close(end)
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if more, dropped := len(began), s.dropped.Load(); more != 0 || dropped != 10 {
		t.Errorf("%d more were run and %d dropped, want none and 10", more, dropped)
	}
}

// TestServeThatCannotBeTold: a service that others can't be told of is not told of later.
func TestServeThatCannotBeTold(t *testing.T) {
	b := openBus(t, t.TempDir())
	large := shm.Interest{Name: strings.Repeat("x", 1<<20)} // more than a record has room for
	b.mu.Lock()
	b.interests[large] = 1
	b.mu.Unlock()
	s, err := b.Serve("s", echo, nil)
	if err == nil {
		_ = s.Close()
		t.Fatal("it could be told")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.interests, large)
	if len(b.services) != 0 {
		t.Errorf("after %v it is told of: %v", err, b.services)
	}
}

// TestDyingOnce: a call is noted once, however often others look before somebody reads the answers.
func TestDyingOnce(t *testing.T) {
	ctx := within(t, time.Minute)
	dir := t.TempDir()
	b, other := openBus(t, dir), openBus(t, dir)
	mail(t, other)
	f, err := b.GoTo(ctx, other.Address(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	p := b.direct.Load()
	d := p.asking.Load()
	for range 5 {
		p.review()
	}
	d.mu.Lock()
	n := len(d.dying)
	d.mu.Unlock()
	if n != 1 {
		t.Errorf("noted %d times", n)
	}
	if _, err := f.Wait(ctx); !errors.Is(err, ErrInstanceDied) {
		t.Error(err)
	}
}

// TestSurveyOfTwoWhoGo: who went after the answers were last looked at is still waited for until
// his may have been read.
func TestSurveyOfTwoWhoGo(t *testing.T) {
	ctx := within(t, time.Minute)
	dir := t.TempDir()
	b, first, second := openBus(t, dir), openBus(t, dir), openBus(t, dir)
	p, err := b.enterPost()
	if err != nil {
		t.Fatal(err)
	}
	defer p.leave()
	d, err := p.desk()
	if err != nil {
		t.Fatal(err)
	}
	asked := map[Address]bool{first.Address(): true, second.Address(): true}
	c, err := d.begin(ctx, 2, errand{survey: &surveying{asked: asked, answer: map[Address]bool{}}, many: true})
	if err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	c.sent = true
	d.mu.Unlock()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	p.review()
	d.mu.Lock()
	if err := second.Close(); err != nil { // and nobody has reviewed that
		t.Fatal(err)
	}
	d.bury()
	if _, waited := asked[first.Address()]; waited || !asked[second.Address()] || c.settled {
		t.Errorf("asked %v, settled %v: want the second one to be waited for", asked, c.settled)
	}
	d.mu.Unlock()
	d.finish(c)
}

// TestWithdrawFromASuccessor: a position of a ring that was replaced is none of its successor's.
func TestWithdrawFromASuccessor(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	server, b := openBus(t, dir), openBus(t, dir)
	end := make(chan struct{})
	defer close(end)
	s := serve(t, server, "s", func(_ context.Context, r *Request) error {
		if string(r.Payload()) == "hang" {
			<-end
		}
		return r.Reply(r.Payload())
	}, nil)
	client, err := b.Client("s", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Request(ctx, nil); err != nil {
		t.Fatal(err)
	}
	old := s.file.ID()
	scribble(t, filepath.Join(dir, "default", "services", "s.ctl"), claimsStart+8*5, 77<<20|layout.ClaimStateReady)
	service := client.service
	id := func() uint64 {
		service.mu.Lock()
		defer service.mu.Unlock()
		return service.file.ID()
	}
	eventually(t, "nobody serves in a successor", func() bool {
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := client.Request(soon, []byte("x"))
		return err == nil && id() != old
	})
	if _, err := client.Go(ctx, []byte("hang")); err != nil {
		t.Fatal(err)
	}
	waiting, err := client.Go(ctx, []byte("waits"))
	if err != nil {
		t.Fatal(err)
	}
	if at := waiting.call.at; service.withdraw(spot{old, at.position}) || !service.withdraw(at) {
		t.Error("a position of the ring before was withdrawn, or that of this one was not")
	}
}

// TestManyFirstSends: whoever sends first to an address at the same time finds its owner.
func TestManyFirstSends(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	sender := openBus(t, dir)
	for range 8 {
		owner := openBus(t, dir)
		mail(t, owner)
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 48 {
			all.Go(func() {
				<-begin
				if err := sender.Send(ctx, owner.Address(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
	}
}

// TestDeskReopens: with its ring the desk loses the answers in it, and those who wait for these
// only; where it can't be made anew now it is tried again.
func TestDeskReopens(t *testing.T) {
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	b, other := openBus(t, dir), openBus(t, dir)
	serve(t, other, "s", echo, nil)
	box := mail(t, other)
	if _, err := b.Request(ctx, "s", nil); err != nil {
		t.Fatal(err)
	}
	f, err := b.GoTo(ctx, other.Address(), []byte("who went"))
	if err != nil {
		t.Fatal(err)
	}
	next(t, ctx, box)
	d := b.direct.Load().asking.Load()
	d.mu.Lock()
	d.dying = append(d.dying, dying{f.correlation, 1 << 40, other.Address()})
	d.mu.Unlock()
	inbox := filepath.Join(dir, "default", "inbox")
	if err := os.Rename(inbox, inbox+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(inbox, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.reopen(); err == nil {
		t.Error("reopened where there is no folder")
	}
	d.review() // looks at the ring
	if err := errors.Join(os.Remove(inbox), os.Rename(inbox+"-away", inbox)); err != nil {
		t.Fatal(err)
	}
	if err := d.reopen(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Wait(ctx); !errors.Is(err, ErrInstanceDied) {
		t.Errorf("who waited for an answer that was in the ring: %v", err)
	}
	r, err := b.Request(ctx, "s", []byte("after"))
	wantReply(t, r, err, "after")
}

// TestInstanceNotesItsErrors: workers and the end of an instance may go wrong at a time.
func TestInstanceNotesItsErrors(t *testing.T) {
	b := openBus(t, t.TempDir())
	s := serve(t, b, "s", echo, nil)
	wrong := errors.New("wrong")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { s.note(wrong) })
	}
	err := s.Stop(t.Context())
	all.Wait()
	s.note(nil)
	if err != nil && !errors.Is(err, wrong) || !errors.Is(s.failure(), wrong) {
		t.Errorf("%v, then %v", err, s.failure())
	}
}
