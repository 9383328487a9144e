package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/ringcast/ringcast"
)

// known waits until the server is known to serve, and to take questions.
func (c *client) known() error {
	ctx, cancel := c.context()
	defer cancel()
	missing := map[string]bool{serviceName: true, surveyTopic: true}
	watch := ringcast.WatchConfig{Kinds: []ringcast.PresenceKind{ringcast.PresenceInstance, ringcast.PresenceSubscriber}}
	for e, err := range c.bus.Watch(ctx, &watch) {
		if err != nil {
			return err
		}
		if e.Up && e.Address == c.server {
			delete(missing, e.Name)
		}
		if len(missing) == 0 {
			break
		}
	}
	return c.bus.WaitForSubscribers(ctx, surveyTopic, 1)
}

// death sees a server die that holds a request; one on this node with its queue full.
func (c *client) death(away bool) error {
	ctx, cancel := c.context()
	defer cancel()
	watch := ringcast.WatchConfig{Kinds: []ringcast.PresenceKind{ringcast.PresenceInstance}, Name: serviceName}
	next, stop := iter.Pull2(c.bus.Watch(ctx, &watch))
	defer stop()
	c.say("presence", c.seen(next, true))
	for r, err := range c.bus.RequestStream(ctx, serviceName, []byte("h")) {
		if err != nil {
			c.say("instance-died", err)
			break
		}
		if string(r.Payload()) != "holding" {
			return fmt.Errorf("answer %q", r.Payload())
		}
		if away {
			c.say(holding, nil)
			continue
		}
		for err == nil {
			err = c.bus.SendTo(ctx, serviceName, []byte("e"))
		}
		c.say(overloaded, err)
	}
	c.say("presence-died", c.seen(next, false))
	c.say("after-death", c.request(serviceName, "e"))
	return nil
}

// seen takes the next event, which has to be of the server.
func (c *client) seen(next func() (ringcast.PresenceEvent, error, bool), up bool) error {
	e, err, _ := next()
	if err == nil && (e.Up != up || e.Name != serviceName || e.Address != c.server) {
		err = fmt.Errorf("event %v", e)
	}
	return err
}

// dropRequest has a request in flight when it is killed.
func dropRequest(bus *ringcast.Bus, _ []string, _ io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := bus.Go(ctx, serviceName, []byte("w")); err != nil {
		return err
	}
	return stay()
}
