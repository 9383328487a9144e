// Nats is NATS at the work of the network cells: core NATS over TCP, the server on the
// sender's node, at most once and told of slow consumers by the client alone. A module of
// its own, so that the main one does not depend on it.
//
// Requests are NATS's own (Request and Respond), the server on the node of the service.
//
//	nats serve --address A | nats send ... | nats receive ... | nats ask ... | nats answer ...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/ringcast/ringcast/bench/net/program"
)

const (
	port    = 7795
	subject = "bench"
	// pending is what server and client keep for a slow receiver before it is cut off.
	pending = 1 << 30
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "nats:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "serve" {
		return serve(ctx, args[2])
	}
	w, err := program.Parse(args)
	if err != nil {
		return err
	}
	c, err := connect(&w)
	if err != nil {
		return err
	}
	defer c.Close()
	switch {
	case w.Sends:
		return send(ctx, c, &w)
	case w.Asks:
		return program.Ask(ctx, &w, func() (program.Asker, error) { return asker(c), nil })
	case w.Answers:
		return answer(ctx, c, &w)
	}
	return receive(ctx, c, &w)
}

// serve is the server.
func serve(ctx context.Context, address string) error {
	s, err := server.NewServer(&server.Options{Host: address, Port: port, MaxPending: pending, WriteDeadline: 20 * time.Second, NoSigs: true})
	if err != nil {
		return err
	}
	s.Start()
	<-ctx.Done()
	s.Shutdown()
	return nil
}

func connect(w *program.Work) (c *nats.Conn, err error) {
	for range 200 {
		c, err = nats.Connect(fmt.Sprintf("nats://%s:%d", w.Sender, port), nats.NoEcho())
		if err == nil {
			return c, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, err
}

// send publishes; the client's own goroutine flushes its buffer as soon as it can.
func send(ctx context.Context, c *nats.Conn, w *program.Work) error {
	program.Ready()
	if err := program.AwaitStart(); err != nil {
		return err
	}
	p, payload := program.NewPace(w), make([]byte, w.Size)
	for {
		due, tag := p.Wait(ctx)
		if due == 0 {
			break
		}
		began := program.Now()
		w.Write(payload, tag, due)
		if err := c.Publish(subject, payload); err != nil {
			return err
		}
		p.Sent(began)
	}
	w.Write(payload, p.Last(), 0)
	if err := c.Publish(subject, payload); err != nil {
		return err
	}
	p.Print()
	return c.FlushTimeout(20 * time.Second)
}

// receive reads with a synchronous subscription.
func receive(ctx context.Context, c *nats.Conn, w *program.Work) error {
	s, err := c.SubscribeSync(subject)
	if err != nil {
		return err
	}
	if err := errors.Join(s.SetPendingLimits(-1, pending), c.Flush()); err != nil {
		return err
	}
	program.Ready()
	b := program.NewBooks(w)
	for ctx.Err() == nil {
		m, err := s.NextMsg(100 * time.Millisecond)
		if err == nats.ErrTimeout {
			continue
		}
		if err != nil {
			break // cut off: the books say what is missing
		}
		last, err := b.Take(m.Data)
		if err != nil {
			return err
		}
		if last {
			break
		}
	}
	b.Print(0)
	return nil
}

// asker asks over the connection, which all of them share.
func asker(c *nats.Conn) program.Asker {
	return func(_ context.Context, request []byte) ([]byte, error) {
		m, err := c.Request(subject, request, 20*time.Second)
		if err != nil {
			return nil, err
		}
		return m.Data, nil
	}
}

// answer answers requests in the order in which they come, until it is asked to end.
func answer(ctx context.Context, c *nats.Conn, w *program.Work) error {
	s, err := c.SubscribeSync(subject)
	if err != nil {
		return err
	}
	if err := c.Flush(); err != nil { // the server knows the subscription
		return err
	}
	program.Ready()
	payload := make([]byte, w.Size)
	for {
		m, err := s.NextMsgWithContext(ctx)
		if err != nil {
			return nil // asked to end
		}
		if err := errors.Join(program.Answer(m.Data, payload), m.Respond(payload)); err != nil {
			return err
		}
	}
}
