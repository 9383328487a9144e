package ringcast

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serveAsChild serves "s": it says "at work" when a request wants it to hang, and echoes others.
func serveAsChild(args []string) error {
	bus, err := Open(context.Background(), &Config{Dir: args[0]})
	if err != nil {
		return err
	}
	defer bus.Close()
	if _, err := bus.Mail(); err != nil {
		return err
	}
	_, err = bus.Serve("s", func(ctx context.Context, r *Request) error {
		if string(r.Payload()) == "hang" {
			fmt.Println("at work")
			select {}
		}
		return r.Reply(r.Payload())
	}, &ServeConfig{Concurrency: 2})
	fmt.Println("ready", bus.Address())
	if err != nil {
		return err
	}
	select {}
}

// A servingChild is a process that serves.
type servingChild struct {
	cmd     *exec.Cmd
	lines   *bufio.Scanner
	address Address
}

func startServing(t *testing.T, dir string) *servingChild {
	t.Helper()
	c := &servingChild{cmd: exec.Command(os.Args[0], dir)}
	c.cmd.Env = append(os.Environ(), childVariable+"=serve")
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	c.lines = bufio.NewScanner(out)
	ready := c.line()
	if c.address, err = ParseAddress(strings.TrimPrefix(ready, "ready ")); err != nil {
		t.Fatal(ready, err)
	}
	return c
}

func (c *servingChild) line() string {
	if !c.lines.Scan() {
		return ""
	}
	return c.lines.Text()
}

func (c *servingChild) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// hanging sends requests that hang, one a hand, and waits until they are at work.
func (c *servingChild) hanging(t *testing.T, ctx context.Context, b *Bus) (list []*Future) {
	t.Helper()
	for range 2 {
		f, err := b.Go(ctx, "s", []byte("hang"))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.line(); got != "at work" {
			t.Fatalf("the instance says %q", got)
		}
		list = append(list, f)
	}
	return list
}

// TestKilledInstance: its callers know at once what was in hand; what nobody had started
// is taken back, and whoever comes next finds no service.
func TestKilledInstance(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	caller := openBus(t, dir)
	for range 3 {
		child := startServing(t, dir)
		inHand := child.hanging(t, ctx, caller)
		waits, err := caller.Go(ctx, "s", []byte("later"))
		if err != nil {
			t.Fatal(err)
		}
		child.kill()
		died := time.Now()
		for _, f := range inHand {
			if _, err := f.Wait(ctx); !errors.Is(err, ErrInstanceDied) {
				t.Errorf("in hand: %v, want %v", err, ErrInstanceDied)
			}
		}
		if _, err := waits.Wait(ctx); !errors.Is(err, ErrNoService) {
			t.Errorf("in the queue: %v, want %v", err, ErrNoService)
		}
		t.Logf("known after %v", time.Since(died))
		if took := time.Since(died); took > 5*time.Second {
			t.Errorf("known after %v", took)
		}
		if _, err := caller.Request(ctx, "s", nil); !errors.Is(err, ErrNoService) {
			t.Errorf("after that: %v, want %v", err, ErrNoService)
		}
		if err := caller.Send(ctx, child.address, nil); !errors.Is(err, ErrGone) {
			t.Errorf("to its address: %v, want %v", err, ErrGone)
		}
	}
}

// TestKilledAmongOthers: another instance serves what waits; whoever asked idempotently
// gets an answer from it.
func TestKilledAmongOthers(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	caller, other := openBus(t, dir), openBus(t, dir)
	child := startServing(t, dir)
	inHand := child.hanging(t, ctx, caller)
	serve(t, other, "s", func(_ context.Context, r *Request) error { return r.Reply([]byte("other")) }, nil)
	child.kill()
	for _, f := range inHand {
		if _, err := f.Wait(ctx); !errors.Is(err, ErrInstanceDied) {
			t.Errorf("in hand: %v, want %v", err, ErrInstanceDied)
		}
	}
	r, err := caller.Request(ctx, "s", nil)
	wantReply(t, r, err, "other")
}

func TestIdempotent(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	caller, other := openBus(t, dir), openBus(t, dir)
	child := startServing(t, dir)
	client, err := caller.Client("s", &ClientConfig{Idempotent: true})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		r, err := client.Request(ctx, []byte("hang"))
		if err == nil && string(r.Payload()) != "other" {
			err = fmt.Errorf("reply %q", r.Payload())
		}
		got <- err
	}()
	if line := child.line(); line != "at work" {
		t.Fatal(line)
	}
	serve(t, other, "s", func(_ context.Context, r *Request) error { return r.Reply([]byte("other")) }, nil)
	child.kill()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// TestKilledMailReader: a request to an address ends when its participant does.
func TestKilledMailReader(t *testing.T) {
	ctx := within(t, 40*time.Second)
	dir := t.TempDir()
	caller := openBus(t, dir)
	child := startServing(t, dir)
	f, err := caller.GoTo(ctx, child.address, []byte("never read"))
	if err != nil {
		t.Fatal(err)
	}
	child.kill()
	if _, err := f.Wait(ctx); !errors.Is(err, ErrInstanceDied) {
		t.Errorf("%v, want %v", err, ErrInstanceDied)
	}
}

// TestDeployLosesNothing: instances come and go under load, and every request is answered.
func TestDeployLosesNothing(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	caller := openBus(t, dir)
	start := func() (*Bus, *Instance) {
		b := openBus(t, dir)
		return b, serve(t, b, "s", echo, &ServeConfig{Concurrency: 2})
	}
	oldBus, old := start()
	var asked, over atomic.Int32
	done := make(chan error, 4)
	for range 4 {
		go func() {
			for over.Load() == 0 {
				asked.Add(1)
				if _, err := caller.Request(ctx, "s", []byte("x")); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 10 {
		nextBus, next := start()
		time.Sleep(5 * time.Millisecond)
		if err := errors.Join(old.Stop(ctx), oldBus.Close()); err != nil {
			t.Fatal(err)
		}
		oldBus, old = nextBus, next
	}
	over.Store(1)
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d requests over 10 deployments", asked.Load())
}

// TestStopOfTheOnlyInstance: each request is answered or refused, at once, while one
// instance comes and goes.
func TestStopOfTheOnlyInstance(t *testing.T) {
	ctx := within(t, 60*time.Second)
	dir := t.TempDir()
	caller, server := openBus(t, dir), openBus(t, dir)
	var over atomic.Int32
	done := make(chan error, 3)
	var answered, refused atomic.Int32
	for range 3 {
		go func() {
			for over.Load() == 0 {
				switch _, err := caller.Request(ctx, "s", nil); {
				case err == nil:
					answered.Add(1)
				case errors.Is(err, ErrNoService):
					refused.Add(1)
				default:
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 30 {
		s := serve(t, server, "s", echo, nil)
		time.Sleep(time.Millisecond)
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	over.Store(1)
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d answered, %d refused", answered.Load(), refused.Load())
	if answered.Load() == 0 {
		t.Error("none was answered")
	}
}
