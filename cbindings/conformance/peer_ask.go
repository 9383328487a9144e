package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/ringcast/ringcast"
)

// manyRequests are in flight one behind the other, as many at once as an inbox holds answers for.
const manyRequests = 300

// A client does what doc.go says of ask.
type client struct {
	bus    *ringcast.Bus
	out    io.Writer
	server ringcast.Address
}

func askNear(bus *ringcast.Bus, args []string, out io.Writer) error {
	return askAll(bus, args, out, false)
}

// askAway is for a server on another node.
func askAway(bus *ringcast.Bus, args []string, out io.Writer) error {
	return askAll(bus, args, out, true)
}

// askIdempotent asks what may run twice.
func askIdempotent(bus *ringcast.Bus, args []string, out io.Writer) error {
	server, err := ringcast.ParseAddress(args[0])
	if err != nil {
		return err
	}
	c := &client{bus, out, server}
	if err := c.known(); err != nil {
		return err
	}
	asked, err := bus.Client(serviceName, &ringcast.ClientConfig{Idempotent: true})
	if err != nil {
		return err
	}
	ctx, cancel := c.context()
	defer cancel()
	_, err = asked.Request(ctx, []byte("w"))
	c.say("again", err)
	return nil
}

func askAll(bus *ringcast.Bus, args []string, out io.Writer, away bool) error {
	server, err := ringcast.ParseAddress(args[0])
	if err != nil {
		return err
	}
	c := &client{bus, out, server}
	if away {
		c.say("known", c.known())
	}
	c.simple()
	c.say("deadline", c.deadline())
	c.say("cancel", c.cancel())
	c.say("stream", c.stream(100, 100))
	c.say("stream-left", c.stream(1000, 5))
	c.say("many", c.many())
	c.addresses(away)
	c.say("survey", c.survey())
	return c.death(away)
}

// say prints how something ended.
func (c *client) say(what string, err error) { fmt.Fprintln(c.out, what, outcomeWord(err)) }

// outcomeWord is the word of doc/errors.md.
func outcomeWord(err error) string {
	var reply *ringcast.ReplyError
	var large *ringcast.TooLargeError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &reply):
		return fmt.Sprintf("reply %d %s", reply.Code, reply.Text)
	case errors.As(err, &large):
		return "too_large"
	}
	words := []struct {
		err  error
		word string
	}{
		{ringcast.ErrNoService, "no_service"}, {ringcast.ErrOverloaded, "overloaded"}, {ringcast.ErrInstanceDied, "instance_died"},
		{ringcast.ErrGone, "gone"}, {ringcast.ErrNoInbox, "no_inbox"}, {ringcast.ErrNodeDown, "node_down"}, {ringcast.ErrNoReply, "no_reply"},
		{ringcast.ErrReplyTooLarge, "reply_too_large"}, {context.DeadlineExceeded, "timed_out"}, {context.Canceled, "canceled"},
	}
	for _, w := range words {
		if errors.Is(err, w.err) {
			return w.word
		}
	}
	return err.Error()
}

func (c *client) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), stepPatience)
}

// echo asks for the same bytes.
func (c *client) echo(size int) error {
	ctx, cancel := c.context()
	defer cancel()
	p := payload(1, size)
	if size > 0 {
		p[0] = 'e'
	}
	r, err := c.bus.Request(ctx, serviceName, p)
	if err == nil && !bytes.Equal(r.Payload(), p) {
		err = errors.New("another answer")
	}
	return err
}

func (c *client) request(service, text string) error {
	ctx, cancel := c.context()
	defer cancel()
	_, err := c.bus.Request(ctx, service, []byte(text))
	return err
}

func (c *client) simple() {
	c.say("empty", c.echo(0))
	c.say("small", c.echo(10))
	c.say("slot", c.echo(2048))
	c.say("too-large", c.echo(2049))
	c.say("error", c.request(serviceName, "f"))
	c.say("no-reply", c.request(serviceName, "n"))
	c.say("reply-too-large", c.request(serviceName, "l"))
	c.say("no-service", c.request("nobody", "e"))
}

func (c *client) deadline() error {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := c.bus.Request(ctx, serviceName, []byte("w"))
	return err
}

func (c *client) cancel() error {
	ctx, cancel := c.context()
	f, err := c.bus.Go(ctx, serviceName, []byte("w"))
	if err != nil {
		cancel()
		return err
	}
	time.Sleep(20 * time.Millisecond)
	cancel()
	_, err = f.Wait(context.Background())
	return err
}

// stream asks for count answers and one last, and takes so many.
func (c *client) stream(count, take int) error {
	ctx, cancel := c.context()
	defer cancel()
	n := 0
	for r, err := range c.bus.RequestStream(ctx, serviceName, []byte("s"+strconv.Itoa(count))) {
		want := strconv.Itoa(n)
		if n == count {
			want = "end"
		}
		if err != nil || string(r.Payload()) != want {
			return fmt.Errorf("answer %d: %w", n, errors.Join(err, errors.New("another answer")))
		}
		if n++; n == take && take < count {
			return nil
		}
	}
	if n != count+1 {
		return fmt.Errorf("%d answers", n)
	}
	return nil
}

func (c *client) many() error {
	ctx, cancel := c.context()
	defer cancel()
	var open []*ringcast.Future
	for i := range manyRequests {
		f, err := c.bus.Go(ctx, serviceName, []byte("e"+strconv.Itoa(i)))
		if err != nil {
			return err
		}
		open = append(open, f)
	}
	for i, f := range open {
		r, err := f.Wait(ctx)
		if err != nil {
			return err
		}
		if want := "e" + strconv.Itoa(i); string(r.Payload()) != want {
			return fmt.Errorf("answer %q, want %q", r.Payload(), want)
		}
	}
	return nil
}

func (c *client) addresses(away bool) {
	ctx, cancel := c.context()
	defer cancel()
	c.say("send", c.bus.Send(ctx, c.server, []byte("mail")))
	r, err := c.bus.RequestTo(ctx, c.server, []byte("question"))
	if err == nil && string(r.Payload()) != "question" {
		err = errors.New("another answer")
	}
	c.say("request-to", err)
	_, err = c.bus.RequestTo(ctx, c.server, []byte("error"))
	c.say("error-from", err)
	gone, far := c.server, c.server
	gone.Generation++
	far.Node++
	if away {
		_, err = c.bus.RequestTo(ctx, gone, nil)
	} else {
		err = c.bus.Send(ctx, gone, nil)
	}
	c.say("gone", err)
	c.say("no-inbox", c.bus.Send(ctx, c.bus.Address(), nil))
	c.say("node-down", c.bus.Send(ctx, far, nil))
}

func (c *client) survey() error {
	ctx, cancel := c.context()
	defer cancel()
	n := 0
	for r, err := range c.bus.Survey(ctx, surveyTopic, []byte("who?"), nil) {
		if err != nil {
			return err
		}
		if n++; string(r.Payload()) != "here" || r.Source() != c.server {
			return errors.New("another answer")
		}
	}
	if n != 1 {
		return fmt.Errorf("%d answers", n)
	}
	return nil
}
