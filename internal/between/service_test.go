package between

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// A server is a process on a node that serves a name.
type server struct {
	cmd     *exec.Cmd
	address ringcast.Address
	lines   chan string // what else it says
}

// server starts one.
func (n *node) server(name string) *server {
	n.t.Helper()
	cmd, line, rest := n.talker("serve", name)
	a, err := ringcast.ParseAddress(line)
	if err != nil {
		n.t.Fatal(err)
	}
	return &server{cmd, a, linesOf(rest)}
}

func linesOf(r io.Reader) chan string {
	lines := make(chan string, 16)
	go func() {
		s := bufio.NewScanner(r)
		for s.Scan() {
			lines <- s.Text()
		}
	}()
	return lines
}

// says waits for a line.
func (s *server) says(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-s.lines:
		if got != want {
			t.Errorf("server says %q, want %q", got, want)
		}
	case <-time.After(patience):
		t.Errorf("server does not say %q", want)
	}
}

// TestService calls a service that another node has.
func TestService(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].bus(), within(t)
	s := all[1].server("svc")
	var reply *ringcast.Reply
	await(t, func() (err error) { reply, err = bus.Request(ctx, "svc", []byte("one")); return err })
	if string(reply.Payload()) != "answer to one" || reply.Source() != s.address {
		t.Errorf("got %q from %v, want the answer to one from %v", reply.Payload(), reply.Source(), s.address)
	}
	var own *ringcast.ReplyError
	if _, err := bus.Request(ctx, "svc", []byte("fail")); !errors.As(err, &own) || own.Code != 7 || own.Text != "as asked" {
		t.Errorf("handler's error: %v", err)
	}
	if _, err := bus.Request(ctx, "nobody", nil); !errors.Is(err, ringcast.ErrNoService) {
		t.Errorf("unknown service: %v", err)
	}
	var large *ringcast.TooLargeError
	if _, err := bus.Request(ctx, "svc", make([]byte, 4000)); !errors.As(err, &large) {
		t.Errorf("too large: %v", err)
	}
	if err := bus.SendTo(ctx, "svc", nil); err != nil {
		t.Errorf("one way: %v", err)
	}
	answers, last := 0, ""
	for r, err := range bus.RequestStream(ctx, "svc", []byte("stream")) {
		if err != nil {
			t.Fatalf("stream, behind %d: %v", answers, err)
		}
		answers, last = answers+1, string(r.Payload())
	}
	if answers != 101 || last != "end" {
		t.Errorf("stream: %d answers, the last %q", answers, last)
	}
	all[0].server("svc")
	await(t, func() error {
		r, err := bus.Request(ctx, "svc", nil)
		if err == nil && r.Source().Node != bus.Address().Node {
			err = ringcast.ErrNoService // not taken here yet
		}
		return err
	})
}

// TestGivenUp leaves a request that runs on another node: its handler is told, once because
// its caller says so, and once because its caller is killed.
func TestGivenUp(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].bus(), within(t)
	s := all[1].server("svc")
	await(t, func() error { _, err := bus.Request(ctx, "svc", nil); return err })
	short, cancel := context.WithCancel(ctx)
	f, err := bus.Go(short, "svc", []byte("hold"))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := f.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	s.says(t, "let go")
	asker, _ := all[0].child("ask", "svc")
	time.Sleep(50 * time.Millisecond)
	killChild(asker)
	s.says(t, "let go")
	if _, err := bus.Request(ctx, "svc", nil); err != nil {
		t.Errorf("behind both: %v", err)
	}
}

// TestServerDies has an instance die with a request of another node in hand, with one waiting.
func TestServerDies(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].bus(), within(t)
	s := all[1].server("svc")
	await(t, func() error { _, err := bus.Request(ctx, "svc", nil); return err })
	held, err := bus.Go(ctx, "svc", []byte("hold"))
	if err != nil {
		t.Fatal(err)
	}
	waits, err := bus.Go(ctx, "svc", []byte("hold"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	killChild(s.cmd)
	if _, err := held.Wait(ctx); !errors.Is(err, ringcast.ErrInstanceDied) {
		t.Errorf("in hand: %v", err)
	}
	if _, err := waits.Wait(ctx); !errors.Is(err, ringcast.ErrNoService) {
		t.Errorf("waiting: %v", err)
	}
	all[1].server("svc")
	await(t, func() error { _, err := bus.Request(ctx, "svc", nil); return err })
}

// TestNodeOfServerDies has the forwarder of the node that serves die, where another one serves, too.
func TestNodeOfServerDies(t *testing.T) {
	all := nodes(t, 3)
	bus, ctx := all[0].bus(), within(t)
	first := all[1].server("svc")
	await(t, func() error { _, err := bus.Request(ctx, "svc", nil); return err })
	held, err := bus.Go(ctx, "svc", []byte("hold"))
	if err != nil {
		t.Fatal(err)
	}
	second := all[2].server("svc")
	time.Sleep(100 * time.Millisecond)
	killChild(all[1].forwarder)
	if _, err := held.Wait(ctx); !errors.Is(err, ringcast.ErrNodeDown) {
		t.Errorf("held: %v", err)
	}
	first.says(t, "let go") // by its time, or by the next forwarder
	await(t, func() error {
		r, err := bus.Request(ctx, "svc", nil)
		if err == nil && r.Source() != second.address {
			t.Errorf("answered by %v, want %v", r.Source(), second.address)
		}
		return err
	})
}

// TestSurvey asks the subscribers of three nodes.
func TestSurvey(t *testing.T) {
	all := nodes(t, 3)
	bus, ctx := all[0].bus(), within(t)
	for _, n := range all {
		b := n.bus()
		s, err := b.Subscribe("who", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for m, err := range s.Messages(ctx) {
				if err == nil && m.IsRequest() {
					_ = m.Reply([]byte("here"))
				}
			}
		}()
	}
	if err := bus.WaitForSubscribers(ctx, "who", 3); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; { // that another node wants a topic is known before its participants are
		from := map[uint32]bool{}
		for r, err := range bus.Survey(ctx, "who", nil, nil) {
			if err != nil {
				t.Fatal(err)
			}
			from[r.Source().Node] = true
		}
		if len(from) == 3 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("answers of %d nodes, want 3", len(from))
		}
	}
}
