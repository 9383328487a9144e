package scenario

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// overloadVariable says for how long the long form runs, which takes 2 s for each request
// and prints a table: `make scenario-overload`.
const overloadVariable = "RINGCAST_OVERLOAD"

// An overload is a domain in which one service gets far more than it can take, beside
// a service and a topic that have nothing to do with it.
type overload struct {
	t      *testing.T
	ctx    context.Context
	slow   *ringcast.Client
	quick  *ringcast.Client
	pub    *ringcast.Publisher
	free   chan struct{} // closed: the slow service ends what it has
	takes  time.Duration // what it takes for each; 0: until free
	begun  atomic.Int64  // requests that the slow service has begun
	read   atomic.Uint64 // messages of the topic
	missed atomic.Uint64
}

func join(t *testing.T, cfg ringcast.Config) *ringcast.Bus {
	t.Helper()
	b, err := ringcast.Open(t.Context(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func newOverload(t *testing.T, takes time.Duration) *overload {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	o := &overload{t: t, ctx: ctx, takes: takes, free: make(chan struct{})}
	server := join(t, ringcast.Config{Dir: dir})
	_, err := server.Serve("slow", o.answer, &ringcast.ServeConfig{Queue: 64})
	if err == nil {
		_, err = join(t, ringcast.Config{Dir: dir}).Serve("quick", func(_ context.Context, r *ringcast.Request) error { return r.Reply(r.Payload()) }, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	sub, err := join(t, ringcast.Config{Dir: dir}).Subscribe("topic", nil)
	if err != nil {
		t.Fatal(err)
	}
	go o.readAll(sub)
	flood, others := join(t, ringcast.Config{Dir: dir, InFlight: 200}), join(t, ringcast.Config{Dir: dir})
	if o.slow, err = flood.Client("slow", nil); err == nil {
		if o.quick, err = others.Client("quick", nil); err == nil {
			o.pub, err = others.Publisher("topic", nil)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// answer is the slow service.
func (o *overload) answer(ctx context.Context, r *ringcast.Request) error {
	o.begun.Add(1)
	if o.takes > 0 {
		select {
		case <-time.After(o.takes):
		case <-o.free:
		}
	} else {
		<-o.free
	}
	return r.Reply(nil)
}

func (o *overload) readAll(sub *ringcast.Subscription) {
	for _, err := range sub.Messages(o.ctx) {
		switch {
		case err == nil:
			o.read.Add(1)
		case ringcast.IsEvent(err):
			o.missed.Add(1)
		default:
			return
		}
	}
}

// refused sends one request, which is to find no room. Its reply, if there is one after all, is in the future.
func (o *overload) refused() (*ringcast.Future, error) {
	f, err := o.slow.Go(o.ctx, nil)
	if err != nil && !errors.Is(err, ringcast.ErrOverloaded) {
		o.t.Errorf("a request too many: %v, want %v", err, ringcast.ErrOverloaded)
	}
	return f, err
}

// others ask the quick service and publish, once each, and say how long both took.
func (o *overload) others() (asked, published time.Duration) {
	begin := time.Now()
	if _, err := o.quick.Request(o.ctx, []byte("x")); err != nil {
		o.t.Errorf("another service: %v", err)
	}
	middle := time.Now()
	if err := o.pub.Publish(o.ctx, []byte("x")); err != nil {
		o.t.Errorf("a publisher: %v", err)
	}
	return middle.Sub(begin), time.Since(middle)
}

// TestOverload: a service that ends nothing gets thousands of requests. Each that finds no room
// is refused while nothing was ended, so without waiting for it; a publisher and another service
// go on meanwhile, and miss nothing.
func TestOverload(t *testing.T) {
	if text := os.Getenv(overloadVariable); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		overloadTable(t, d)
		return
	}
	o := newOverload(t, 0)
	var taken []*ringcast.Future
	sent, refused := uint64(0), 0
	for refused < 5000 && len(taken) < 100 {
		f, err := o.refused()
		if err != nil {
			refused++
		} else {
			taken = append(taken, f)
		}
		if refused%50 == 0 {
			o.others()
			sent++
		}
	}
	if o.begun.Load() > 1 || len(taken) > 66 {
		t.Errorf("%d requests were begun and %d taken, where one runs and 64 wait", o.begun.Load(), len(taken))
	}
	close(o.free)
	for _, f := range taken {
		if _, err := f.Wait(o.ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request that was taken: %v", err)
		}
	}
	o.allRead(sent)
}

// allRead waits until the topic was read.
func (o *overload) allRead(sent uint64) {
	o.t.Helper()
	for end := time.Now().Add(time.Minute); o.read.Load() < sent && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if o.read.Load() != sent || o.missed.Load() != 0 {
		o.t.Errorf("%d of %d messages read, %d events", o.read.Load(), sent, o.missed.Load())
	}
}

// overloadTable is the long form: 10,000 requests a second to a service that takes 2 s for each.
func overloadTable(t *testing.T, d time.Duration) {
	o := newOverload(t, 2*time.Second)
	t.Logf("%-28s %10s %10s %10s %10s", "", "count", "p50", "p99", "max")
	row := func(what string, list []time.Duration) {
		slices.Sort(list)
		if n := len(list); n > 0 {
			t.Logf("%-28s %10d %10v %10v %10v", what, n, list[n/2], list[n*99/100], list[n-1])
		}
	}
	alone, published := o.pace(d/4, 0, nil)
	row("another service, alone", alone)
	row("a publisher, alone", published)
	sent := uint64(len(published))
	var refusals []time.Duration
	asked, published := o.pace(d, 10_000, &refusals)
	row("refused: overloaded", refusals)
	row("another service, meanwhile", asked)
	row("a publisher, meanwhile", published)
	sent += uint64(len(published))
	t.Logf("%d requests begun by the service, every 2 s one", o.begun.Load())
	close(o.free)
	o.allRead(sent)
	t.Logf("%d messages published, %d read, %d events", sent, o.read.Load(), o.missed.Load())
	if len(refusals) == 0 {
		t.Error("nothing was refused")
	}
}

// pace runs for some time, 500 turns a second of the others', and so many requests a second that
// are too many, in an open loop: what is late is sent at once.
func (o *overload) pace(d time.Duration, rate int, refusals *[]time.Duration) (asked, published []time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		begin := time.Now()
		for n := 0; rate > 0; n++ {
			due := begin.Add(time.Duration(n) * time.Second / time.Duration(rate))
			if due.Sub(begin) >= d {
				return
			}
			time.Sleep(time.Until(due))
			at := time.Now()
			if _, err := o.refused(); err != nil {
				*refusals = append(*refusals, time.Since(at))
			}
		}
	}()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		a, p := o.others()
		asked, published = append(asked, a), append(published, p)
	}
	<-done
	return asked, published
}
