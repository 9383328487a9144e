package ringcast

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

var soloShapes = []PublisherConfig{{Solo: true, Slots: 64}, {Solo: true, Slots: 64, Exclusive: true}}

// TestSoloPublishesAndClaims, as any other publisher does.
func TestSoloPublishesAndClaims(t *testing.T) {
	ctx := within(t, 10*time.Second)
	for _, cfg := range soloShapes {
		b := openBus(t, t.TempDir())
		pub, sub := publisher(t, b, "solo", &cfg), subscribe(t, b, "solo", nil)
		for i := range 300 {
			var err error
			switch i % 3 {
			case 0:
				err = pub.Publish(ctx, []byte{byte(i)})
			case 1:
				err = pub.TryPublish([]byte{byte(i)})
			default:
				c, claimErr := pub.Claim(ctx, 1)
				if claimErr != nil {
					t.Fatal(claimErr)
				}
				c.Bytes()[0] = byte(i)
				err = c.Commit()
			}
			if err != nil {
				t.Fatal(err)
			}
			m, err := sub.Next(ctx)
			if err != nil || m.Payload()[0] != byte(i) || m.Sequence() != uint64(i)+1 {
				t.Fatalf("message %d: %v, %v", i, m, err)
			}
		}
	}
}

// TestSoloNoticesASecondUser where the first has a claim open.
func TestSoloNoticesASecondUser(t *testing.T) {
	ctx := within(t, 10*time.Second)
	for _, cfg := range soloShapes {
		pub := publisher(t, openBus(t, t.TempDir()), "solo", &cfg)
		c, err := pub.Claim(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(ctx, nil); err != ErrBusy {
			t.Errorf("Publish beside a claim: %v, want %v", err, ErrBusy)
		}
		if err := pub.TryPublish(nil); err != ErrBusy {
			t.Errorf("TryPublish beside a claim: %v, want %v", err, ErrBusy)
		}
		if _, err := pub.Claim(ctx, 1); err != ErrBusy {
			t.Errorf("Claim beside a claim: %v, want %v", err, ErrBusy)
		}
		if err := c.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := pub.Publish(ctx, nil); err != nil {
			t.Errorf("Publish behind it: %v", err)
		}
	}
}

// TestSoloClosedByAnother at any instant: the memory stays mapped while the owner is
// within a call, he learns that it is closed, and what was opened is let go of once.
func TestSoloClosedByAnother(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	for i := range rounds {
		cfg := soloShapes[i%2]
		b := openBus(t, dir)
		pub := publisher(t, b, "solo", &cfg)
		ended := make(chan error, 1)
		go func() { ended <- useUntilClosed(ctx, pub) }()
		time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
		if i%4 < 2 {
			if err := pub.Close(); err != nil {
				t.Fatal(err)
			}
		} else if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != ErrClosed {
			t.Fatalf("round %d: the publisher's own goroutine got %v, want %v", i, err, ErrClosed)
		}
		if err := pub.Publish(ctx, nil); err != ErrClosed {
			t.Fatalf("round %d: publish behind it: %v, want %v", i, err, ErrClosed)
		}
		if pub.file != nil || pub.producer != nil {
			t.Fatalf("round %d: nobody let go of the ring", i)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// useUntilClosed publishes in all ways.
func useUntilClosed(ctx context.Context, pub *Publisher) error {
	payload := make([]byte, 100)
	for i := 0; ; i++ {
		var err error
		if i%2 == 0 {
			err = pub.Publish(ctx, payload)
		} else {
			var c *Claim
			if c, err = pub.Claim(ctx, 50); err == nil {
				copy(c.Bytes(), payload)
				err = c.Commit()
			}
		}
		if err != nil {
			return err
		}
	}
}

// TestSoloLockIsSeizedOnce, and only while nobody holds it.
func TestSoloLockIsSeizedOnce(t *testing.T) {
	l := newLock(true)
	if !l.try() || l.try() {
		t.Fatal("a free lock was not taken once")
	}
	if err := l.take(t.Context()); err != ErrBusy {
		t.Errorf("take of a held lock: %v, want %v", err, ErrBusy)
	}
	if l.seize() {
		t.Error("a held lock was seized")
	}
	l.free()
	if !l.seize() || l.seize() {
		t.Error("a free lock was not seized once")
	}
}

// TestSoloClaimEndsInEveryWay: what opens the short way is one claim that ends once,
// however it ends.
func TestSoloClaimEndsInEveryWay(t *testing.T) {
	ctx := within(t, 10*time.Second)
	for _, cfg := range soloShapes {
		b := openBus(t, t.TempDir())
		pub, sub := publisher(t, b, "solo", &cfg), subscribe(t, b, "solo", nil)
		sent := uint64(0)
		for round := range 40 {
			for name, end := range claimEnds {
				c, err := pub.Claim(ctx, 8)
				if err != nil {
					t.Fatal(err)
				}
				copy(c.Bytes(), "01234567")
				want, err := end(c)
				if want == "error" {
					if err == nil {
						t.Errorf("%s, round %d: no error", name, round)
					}
				} else if err != nil {
					t.Errorf("%s, round %d: %v", name, round, err)
				}
				for again, err := range map[string]error{"Commit": c.Commit(), "CommitN": c.CommitN(1), "Abort": c.Abort()} {
					if err != ErrClaimEnded {
						t.Errorf("%s, then %s: %v, want %v", name, again, err, ErrClaimEnded)
					}
				}
				if want == "" || want == "error" {
					continue
				}
				sent++
				if m, err := sub.Next(ctx); err != nil || want != "table" && want != "-" && string(m.Payload()) != want || m.Sequence() != sent ||
					(m.Content() == ContentFlatBuffer) != (want == "table") {
					t.Fatalf("%s, round %d: %v, %v, want %q with sequence %d", name, round, m, err, want, sent)
				}
			}
		}
	}
}

// claimEnds end a claim of 8 bytes, and say what comes of it.
var claimEnds = map[string]func(c *Claim) (payload string, err error){
	"Commit":                    func(c *Claim) (string, error) { return "01234567", c.Commit() },
	"CommitN":                   func(c *Claim) (string, error) { return "012", c.CommitN(3) },
	"CommitN of none":           func(c *Claim) (string, error) { return "-", c.CommitN(0) },
	"CommitN too many":          func(c *Claim) (string, error) { return "error", c.CommitN(1 << 30) },
	"CommitN of less than none": func(c *Claim) (string, error) { return "error", c.CommitN(-1) },
	"Abort":                     func(c *Claim) (string, error) { return "", c.Abort() },
	"a table": func(c *Claim) (string, error) {
		b := c.Builder()
		b.StartObject(0)
		b.Finish(b.EndObject())
		return "table", c.Commit()
	},
	"a table that is not finished": func(c *Claim) (string, error) { c.Builder(); return "error", c.Commit() },
}

// TestSoloClosedBesideAClaim: the claim is committed, and then the publisher closes.
func TestSoloClosedBesideAClaim(t *testing.T) {
	ctx := within(t, 10*time.Second)
	for _, cfg := range soloShapes {
		b := openBus(t, t.TempDir())
		pub, sub := publisher(t, b, "solo", &cfg), subscribe(t, b, "solo", nil)
		for range 3 { // from the second on the short way is open
			if err := pub.Publish(ctx, []byte("before")); err != nil {
				t.Fatal(err)
			}
		}
		c, err := pub.Claim(ctx, 4)
		if err != nil {
			t.Fatal(err)
		}
		if err := pub.Close(); err != nil {
			t.Fatal(err)
		}
		copy(c.Bytes(), "last")
		if err := c.Commit(); err != nil {
			t.Fatal(err)
		}
		if !pub.ended || pub.file != nil {
			t.Error("it is not closed behind the commit")
		}
		for _, want := range []string{"before", "before", "before", "last"} {
			if m, err := sub.Next(ctx); err != nil || string(m.Payload()) != want {
				t.Fatalf("%v, %v, want %q", m, err, want)
			}
		}
	}
}
