package ringcast

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// TestStream: many replies in order, at the pace of who takes them.
func TestStream(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	var sent atomic.Int32
	serve(t, server, "count", func(ctx context.Context, r *Request) error {
		for i := range 500 {
			if err := r.More(fmt.Append(nil, i)); err != nil {
				return err
			}
			sent.Store(int32(i))
		}
		return r.Reply([]byte("end"))
	}, nil)
	n := 0
	for r, err := range caller.RequestStream(ctx, "count", nil) {
		want := fmt.Sprint(n)
		if n == 500 {
			want = "end"
		}
		wantReply(t, r, err, want)
		if ahead := int(sent.Load()) - n; ahead > streamShares+grantAt {
			t.Fatalf("the handler is %d ahead", ahead)
		}
		if n < 30 {
			time.Sleep(time.Millisecond)
		}
		n++
	}
	if n != 501 {
		t.Errorf("%d replies, want 501", n)
	}
}

// TestLeavingAStream ends the handler, who may wait for credit at the time.
func TestLeavingAStream(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	ended := make(chan error, 1)
	serve(t, server, "endless", func(ctx context.Context, r *Request) error {
		for {
			if err := r.More(nil); err != nil {
				ended <- err
				return err
			}
		}
	}, nil)
	for range 20 { // more than there are shares for
		n := 0
		for _, err := range caller.RequestStream(ctx, "endless", nil) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 20 {
				break
			}
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("the handler's stream ended with %v", err)
		}
	}
}

// TestStreamEndsWithAnError, or with none at all.
func TestStreamEndsWithAnError(t *testing.T) {
	ctx := within(t, 20*time.Second)
	b := openBus(t, t.TempDir())
	serve(t, b, "s", func(_ context.Context, r *Request) error {
		_ = r.More([]byte("one"))
		return errors.New("broken")
	}, nil)
	var list []string
	for r, err := range b.RequestStream(ctx, "s", nil) {
		if err != nil {
			list = append(list, err.Error())
			continue
		}
		list = append(list, string(r.Payload()))
	}
	if fmt.Sprint(list) != "[one broken]" {
		t.Errorf("%v", list)
	}
	for _, err := range b.RequestStream(ctx, "nobody", nil) {
		if !errors.Is(err, ErrNoService) {
			t.Error(err)
		}
	}
}

// TestSurvey asks all subscribers, and ends when all have answered or are gone.
func TestSurvey(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	asker := openBus(t, dir)
	for r, err := range asker.Survey(ctx, "who", nil, nil) {
		t.Fatal("nobody is there to answer: ", r, err)
	}
	silent := openBus(t, dir)
	for i := range 3 {
		b := openBus(t, dir)
		sub := subscribe(t, b, "who", nil)
		go func() {
			for m, err := range sub.Messages(ctx) {
				if err != nil {
					return
				}
				_ = m.Reply(fmt.Append(nil, "I am ", i))
			}
		}()
	}
	ask := func(cfg *SurveyConfig) (n int, last error) {
		seen := map[string]bool{}
		for r, err := range asker.Survey(ctx, "who", []byte("?"), cfg) {
			if err != nil {
				return n, err
			}
			if seen[string(r.Payload())] {
				t.Errorf("%q twice", r.Payload())
			}
			seen[string(r.Payload())] = true
			n++
		}
		return n, nil
	}
	for range 20 {
		if n, err := ask(nil); n != 3 || err != nil {
			t.Fatalf("%d answers, %v, want 3", n, err)
		}
	}
	subscribe(t, silent, "who", nil)
	if n, err := ask(&SurveyConfig{Quorum: 2}); n < 2 || n > 3 || err != nil {
		t.Errorf("%d answers, %v, want the quorum of 2", n, err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = silent.Close() })
	if n, err := ask(nil); n != 3 || err != nil {
		t.Errorf("%d answers, %v, want 3: the fourth has left", n, err)
	}
}

// TestRequestDoesNotAllocate, on both sides, where memory is used again.
func TestRequestDoesNotAllocate(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	server, caller := openBus(t, dir), openBus(t, dir)
	serve(t, server, "s", echo, nil)
	client, err := caller.Client("s", nil)
	if err != nil {
		t.Fatal(err)
	}
	var reply Reply
	payload := make([]byte, 256)
	n := testing.AllocsPerRun(500, func() {
		if err := client.RequestInto(ctx, payload, &reply); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("a request allocates %v times, want 0", n)
	}
}

// TestSlowServiceDisturbsNobody: a handler that takes its time while thousands of
// requests arrive: they are refused at once, and other names notice nothing.
func TestSlowServiceDisturbsNobody(t *testing.T) {
	ctx := within(t, 30*time.Second)
	dir := t.TempDir()
	server, caller, other := openBus(t, dir), openInFlight(t, dir, 400), openBus(t, dir)
	free := make(chan struct{})
	serve(t, server, "slow", func(ctx context.Context, r *Request) error { <-free; return nil }, nil)
	serve(t, server, "fast", echo, nil)
	pub, sub := publisher(t, server, "news", nil), subscribe(t, other, "news", nil)
	refused, longest := 0, time.Duration(0)
	for i := range 3000 {
		start := time.Now()
		if _, err := caller.Go(ctx, "slow", nil); errors.Is(err, ErrOverloaded) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, time.Since(start))
		if i%30 > 0 {
			continue
		}
		r, err := other.Request(ctx, "fast", []byte("x"))
		wantReply(t, r, err, "x")
		if err := pub.Publish(ctx, []byte("y")); err != nil {
			t.Fatal(err)
		}
		if _, err := sub.Next(ctx); err != nil {
			t.Fatal(err)
		}
	}
	close(free)
	t.Logf("%d of 3000 refused, the slowest after %v", refused, longest)
	if refused < 3000-defaultQueue-1 {
		t.Errorf("%d refused, want all but the queue", refused)
	}
	if longest > 5*time.Second {
		t.Errorf("one took %v", longest)
	}
}

// TestInstancesShareByCapacity: who is twice as fast does twice as much.
func TestInstancesShareByCapacity(t *testing.T) {
	ctx := within(t, 30*time.Second)
	dir := t.TempDir()
	caller := openBus(t, dir)
	var done [4]atomic.Int32
	for i := range done {
		serve(t, openBus(t, dir), "s", func(_ context.Context, r *Request) error {
			time.Sleep(time.Duration(1+i%2*9) * time.Millisecond)
			done[i].Add(1)
			return r.Reply(nil)
		}, nil)
	}
	var futures []*Future
	for range 90 {
		f, err := caller.Go(ctx, "s", nil)
		if err != nil {
			t.Fatal(err)
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		if _, err := f.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	fast, slow := done[0].Load()+done[2].Load(), done[1].Load()+done[3].Load()
	t.Logf("fast ones did %d, slow ones %d", fast, slow)
	if fast <= slow || slow == 0 {
		t.Errorf("fast ones did %d, slow ones %d", fast, slow)
	}
}
