package ringcast

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

var batchShapes = []PublisherConfig{
	{Slots: 64, SlotSize: 64}, {Slots: 64, SlotSize: 64, Exclusive: true}, {Slots: 64, SlotSize: 64, Exclusive: true, Solo: true},
}

// numbered are n payloads from first on.
func numbered(first, n int) (list [][]byte) {
	for i := range n {
		list = append(list, fmt.Append(nil, first+i))
	}
	return list
}

// TestPublishBatchSendsAll, waiting for room as often as it has to: the batch is many
// times larger than the ring, and one message of it than a slot.
func TestPublishBatchSendsAll(t *testing.T) {
	ctx := within(t, 20*time.Second)
	for _, cfg := range batchShapes {
		b := openBus(t, t.TempDir())
		pub, sub := publisher(t, b, "batch", &cfg), subscribe(t, b, "batch", nil)
		list := numbered(0, 1000)
		list[500] = make([]byte, 300)
		ended := make(chan error, 1)
		go func() {
			n, err := pub.PublishBatch(ctx, list)
			if err == nil && n != len(list) {
				err = fmt.Errorf("%d sent", n)
			}
			ended <- err
		}()
		for i, want := range list {
			m, err := sub.Next(ctx)
			if err != nil || string(m.Payload()) != string(want) || m.Sequence() != uint64(i)+1 {
				t.Fatalf("message %d: %v, %v", i, m, err)
			}
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if n, err := pub.PublishBatch(ctx, nil); n != 0 || err != nil {
			t.Errorf("nothing sent: %d, %v", n, err)
		}
	}
}

// TestPublishBatchSaysHowMany it has sent before the context ended, before what cannot
// be sent, and before it was closed.
func TestPublishBatchSaysHowMany(t *testing.T) {
	for _, cfg := range batchShapes {
		b := openBus(t, t.TempDir())
		pub, sub := publisher(t, b, "batch", &cfg), subscribe(t, b, "batch", nil)
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		n, err := pub.PublishBatch(ctx, numbered(0, 100))
		cancel()
		if n != 64 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("full: %d sent, %v; want the ring's 64 and the context's error", n, err)
		}
		ctx = within(t, 10*time.Second)
		for i := range n {
			if m, err := sub.Next(ctx); err != nil || string(m.Payload()) != fmt.Sprint(i) {
				t.Fatalf("message %d: %v, %v", i, m, err)
			}
		}
		list := numbered(0, 5)
		list[3] = make([]byte, 64*64)
		var large *TooLargeError
		if n, err := pub.PublishBatch(ctx, list); n != 3 || !errors.As(err, &large) {
			t.Errorf("too large: %d sent, %v", n, err)
		}
		if err := pub.Publish(ctx, []byte("next")); err != nil {
			t.Errorf("publish behind it: %v", err)
		}
		if err := pub.Close(); err != nil {
			t.Fatal(err)
		}
		if n, err := pub.PublishBatch(ctx, list); n != 0 || err != ErrClosed {
			t.Errorf("closed: %d sent, %v", n, err)
		}
		if _, err := pub.ClaimBatch(ctx, 1, 1); err != ErrClosed {
			t.Errorf("closed: claims, %v", err)
		}
	}
}

// TestClaimBatchIsWrittenInPlace: as many as there is room for, of the sizes said last,
// the first few or all or none of them.
func TestClaimBatchIsWrittenInPlace(t *testing.T) {
	ctx := within(t, 10*time.Second)
	for _, cfg := range batchShapes {
		b := openBus(t, t.TempDir())
		pub, sub := publisher(t, b, "batch", &cfg), subscribe(t, b, "batch", nil)
		for round := range 30 {
			c, err := pub.ClaimBatch(ctx, 6, 10)
			if err != nil || c.Len() != 6 {
				t.Fatalf("claims: %v, %v", c, err)
			}
			for i := range c.Len() {
				if got := c.Bytes(i); len(got) != 10 || cap(got) != 64 {
					t.Fatalf("%d bytes of %d, want 10 of 64", len(got), cap(got))
				}
				c.Resize(i, i+1)
				copy(c.Bytes(i), "abcdef")
			}
			want := 6
			var sent int
			switch round % 3 {
			case 0:
				sent, err = c.Commit()
			case 1:
				want = 4
				sent, err = c.CommitN(4)
			default:
				want, err = 0, c.Abort()
			}
			if sent != want || err != nil {
				t.Fatalf("%d sent, %v; want %d", sent, err, want)
			}
			if _, err := c.Commit(); err != ErrClaimEnded || c.Abort() != ErrClaimEnded {
				t.Fatalf("ended twice: %v", err)
			}
			for i := range want {
				if m, err := sub.Next(ctx); err != nil || string(m.Payload()) != "abcdef"[:i+1] {
					t.Fatalf("message %d: %q, %v", i, m.Payload(), err)
				}
			}
		}
	}
}

// TestClaimBatchRefuses what cannot be claimed or committed, and the publisher goes on.
func TestClaimBatchRefuses(t *testing.T) {
	ctx := within(t, 10*time.Second)
	for _, cfg := range batchShapes {
		pub := publisher(t, openBus(t, t.TempDir()), "batch", &cfg)
		var large *TooLargeError
		if _, err := pub.ClaimBatch(ctx, 2, 65); !errors.As(err, &large) {
			t.Errorf("claims of 65 bytes in slots of 64: %v", err)
		}
		for _, n := range []int{0, -1} {
			if _, err := pub.ClaimBatch(ctx, n, 1); err == nil {
				t.Errorf("%d claims were lent", n)
			}
		}
		for _, spoil := range []func(c *Claims) (int, error){
			func(c *Claims) (int, error) { return c.CommitN(3) },
			func(c *Claims) (int, error) { return c.CommitN(-1) },
			func(c *Claims) (int, error) { c.Resize(1, 65); return c.Commit() },
		} {
			c, err := pub.ClaimBatch(ctx, 2, 1)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := spoil(c); n != 0 || err == nil {
				t.Errorf("%d sent, %v", n, err)
			}
		}
		if err := pub.Publish(ctx, nil); err != nil {
			t.Error(err)
		}
	}
}

// TestClaimBatchWaitsForRoom for one message, until the context ends.
func TestClaimBatchWaitsForRoom(t *testing.T) {
	for _, cfg := range batchShapes {
		b := openBus(t, t.TempDir())
		pub, sub := publisher(t, b, "batch", &cfg), subscribe(t, b, "batch", nil)
		if n, err := pub.PublishBatch(within(t, 10*time.Second), numbered(0, 64)); n != 64 || err != nil {
			t.Fatal(n, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		if _, err := pub.ClaimBatch(ctx, 4, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("claims in a full ring: %v", err)
		}
		cancel()
		ctx = within(t, 10*time.Second)
		lent := make(chan error, 1)
		go func() {
			c, err := pub.ClaimBatch(ctx, 4, 1)
			if err == nil {
				_, err = c.Commit()
			}
			lent <- err
		}()
		for range 65 {
			if _, err := sub.Next(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-lent; err != nil {
			t.Error(err)
		}
	}
}
