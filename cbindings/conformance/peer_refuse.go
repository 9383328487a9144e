package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ringcast/ringcast"
)

// A provocation asks for something that is refused, of a topic that nobody else uses.
type provocation struct {
	what string
	do   func(bus *ringcast.Bus, topic string) error
}

// provoke tells for each provocation how it was refused.
func provoke(bus *ringcast.Bus, _ []string, out io.Writer) error {
	for _, p := range provocations {
		fmt.Fprintln(out, p.what, wordOf(p.do(bus, p.what)))
	}
	return nil
}

// wordOf is the word for an error: doc/errors.md.
func wordOf(err error) string {
	var version *ringcast.VersionError
	var notOurs *ringcast.NotOursError
	var damaged *ringcast.DamagedFileError
	var node *ringcast.NodeError
	var shape *ringcast.ShapeError
	var large *ringcast.TooLargeError
	var access *ringcast.AccessError
	var rights *ringcast.OtherRightsError
	for _, w := range []struct {
		is   bool
		word string
	}{
		{err == nil, "accepted"},
		{err == ringcast.ErrFull, "full"},
		{err == ringcast.ErrEmpty, "nothing"},
		{errors.Is(err, context.DeadlineExceeded), "timed_out"},
		{errors.Is(err, ringcast.ErrBadName), "name"},
		{errors.As(err, &access), "permission"},
		{errors.As(err, &rights), "permission"},
		{errors.As(err, &node), "invalid"},
		{errors.As(err, &shape), "shape"},
		{errors.Is(err, ringcast.ErrNotExclusive), "not_exclusive"},
		{errors.As(err, &large), "too_large"},
		{err == ringcast.ErrFenced, "fenced"},
		{err == ringcast.ErrBusy, "busy"},
		{err == ringcast.ErrClaimEnded, "invalid"},
		{err == ringcast.ErrClosed, "closed"},
		{errors.As(err, &notOurs), "not_ours"},
		{errors.As(err, &version), "other_version"},
		{errors.As(err, &damaged), "damaged"},
		{errors.Is(err, ringcast.ErrTooManyReaders), "readers_full"},
		{errors.Is(err, ringcast.ErrMode), "mode"},
		{errors.Is(err, ringcast.ErrGroupFull), "group_full"},
		{errors.Is(err, ringcast.ErrBadRights), "invalid"},
		{errors.Is(err, ringcast.ErrInvalid), "invalid"},
	} {
		if w.is {
			return w.word
		}
	}
	return err.Error()
}

func small(cfg ringcast.PublisherConfig) *ringcast.PublisherConfig {
	cfg.Slots, cfg.SlotSize = 64, 64
	return &cfg
}

// publisher opens a topic with a small ring.
func smallPublisher(bus *ringcast.Bus, topic string) *ringcast.Publisher {
	p, err := bus.Publisher(topic, small(ringcast.PublisherConfig{}))
	if err != nil {
		panic(err)
	}
	return p
}

// fill publishes until there is no room, for a reader who takes nothing.
func fill(bus *ringcast.Bus, topic string) *ringcast.Publisher {
	p := smallPublisher(bus, topic)
	if _, err := bus.Subscribe(topic, nil); err != nil {
		panic(err)
	}
	for range 64 {
		if err := p.TryPublish([]byte("x")); err != nil {
			panic(err)
		}
	}
	return p
}

func opened[T any](_ T, err error) error { return err }

func briefly() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 5*time.Millisecond)
}

// crowd subscribes until it is refused.
func crowd(bus *ringcast.Bus, topic string, cfg *ringcast.SubscriberConfig) error {
	for range 1000 {
		if _, err := bus.Subscribe(topic, cfg); err != nil {
			return err
		}
	}
	return nil
}

// held takes a claim, has another publisher and a reader wait for it, and commits it.
func held(bus *ringcast.Bus, topic string) error {
	p, other := smallPublisher(bus, topic), smallPublisher(bus, topic)
	s, err := bus.Subscribe(topic, nil)
	if err != nil {
		return err
	}
	c, err := p.Claim(context.Background(), 1)
	if err == nil {
		err = other.Publish(context.Background(), []byte("x"))
	}
	if err == nil {
		_, err = s.Next(context.Background()) // steps over the claim
	}
	if err != nil {
		return fmt.Errorf("before: %v", err)
	}
	return c.Commit()
}

func domainOf(bus *ringcast.Bus, change func(c *ringcast.Config)) error {
	cfg := ringcast.Config{}
	change(&cfg)
	other, err := ringcast.Open(context.Background(), &cfg)
	if err == nil {
		err = other.Close()
	}
	return err
}

// twoClaims has a publisher for one goroutine: of others a second claim waits for the first's end.
func twoClaims(bus *ringcast.Bus, topic string) error {
	p, err := bus.Publisher(topic, small(ringcast.PublisherConfig{Solo: true}))
	if err == nil {
		_, err = p.Claim(context.Background(), 1)
	}
	if err != nil {
		return fmt.Errorf("before: %v", err)
	}
	return opened(p.Claim(context.Background(), 1))
}

func endTwice(bus *ringcast.Bus, topic string) error {
	c, err := smallPublisher(bus, topic).Claim(context.Background(), 1)
	if err == nil {
		err = c.Commit()
	}
	if err != nil {
		return fmt.Errorf("before: %v", err)
	}
	return c.Commit()
}

func useClosed(bus *ringcast.Bus, topic string) error {
	p := smallPublisher(bus, topic)
	if err := p.Close(); err != nil {
		return err
	}
	return p.TryPublish(nil)
}

// askAgain writes a topic and asks for it in another way.
func askAgain(bus *ringcast.Bus, topic string, again ringcast.PublisherConfig) error {
	if err := smallPublisher(bus, topic).TryPublish(nil); err != nil {
		return err
	}
	return opened(bus.Publisher(topic, &again))
}

func groupReads(bus *ringcast.Bus, topic string) error {
	p := smallPublisher(bus, topic)
	if _, err := bus.Subscribe(topic, &ringcast.SubscriberConfig{Group: "g"}); err != nil {
		return err
	}
	return p.TryPublish(make([]byte, 65))
}

func groupOfLatest(bus *ringcast.Bus, topic string) error {
	if _, err := bus.Publisher(topic, small(ringcast.PublisherConfig{Mode: ringcast.Latest})); err != nil {
		return err
	}
	return opened(bus.Subscribe(topic, &ringcast.SubscriberConfig{Group: "g"}))
}

// asked asks for a ring that can't be.
func asked(cfg ringcast.PublisherConfig) func(*ringcast.Bus, string) error {
	return func(bus *ringcast.Bus, topic string) error { return opened(bus.Publisher(topic, &cfg)) }
}

// named asks for a publisher of a topic with that name.
func named(topic string) func(*ringcast.Bus, string) error {
	return func(bus *ringcast.Bus, _ string) error { return opened(bus.Publisher(topic, nil)) }
}

func joined(pattern string, cfg ringcast.SubscriberConfig) func(*ringcast.Bus, string) error {
	return func(bus *ringcast.Bus, _ string) error { return opened(bus.Subscribe(pattern, &cfg)) }
}

var provocations = []provocation{
	{"domain-name", func(bus *ringcast.Bus, _ string) error {
		return domainOf(bus, func(c *ringcast.Config) { c.Domain = "a/b" })
	}},
	{"participant-name", func(bus *ringcast.Bus, _ string) error {
		return domainOf(bus, func(c *ringcast.Config) { c.Name = string(make([]byte, 65)) })
	}},
	{"domain-mode", func(bus *ringcast.Bus, _ string) error {
		return domainOf(bus, func(c *ringcast.Config) { c.Domain, c.Mode = "other", 0o007 })
	}},
	{"domain-rights", func(bus *ringcast.Bus, _ string) error {
		return domainOf(bus, func(c *ringcast.Config) { c.Mode = 0o660 })
	}},
	{"domain-node", func(bus *ringcast.Bus, _ string) error {
		return domainOf(bus, func(c *ringcast.Config) { c.Node = 8 })
	}},
	{"topic-name", named("a..b")},
	{"topic-pattern", named("a.*")},
	{"bad-pattern", joined("a.>.b", ringcast.SubscriberConfig{})},
	{"slots", asked(ringcast.PublisherConfig{Slots: 100})},
	{"few-slots", asked(ringcast.PublisherConfig{Slots: 2})},
	{"slot-size", asked(ringcast.PublisherConfig{SlotSize: 16<<20 + 1})},
	{"history", asked(ringcast.PublisherConfig{Slots: 64, History: 33})},
	{"other-shape", func(bus *ringcast.Bus, topic string) error {
		return askAgain(bus, topic, ringcast.PublisherConfig{Slots: 128})
	}},
	{"other-kind", func(bus *ringcast.Bus, topic string) error {
		return askAgain(bus, topic, ringcast.PublisherConfig{Exclusive: true})
	}},
	{"topic-mode", asked(ringcast.PublisherConfig{Rights: ringcast.Rights{Mode: 0o007}})},
	{"topic-owner", asked(ringcast.PublisherConfig{Rights: ringcast.Rights{Owner: "no-such-user"}})},
	{"topic-group", asked(ringcast.PublisherConfig{Rights: ringcast.Rights{Group: "no-such-group"}})},
	{"topic-rights", func(bus *ringcast.Bus, topic string) error {
		return askAgain(bus, topic, ringcast.PublisherConfig{Rights: ringcast.Rights{Mode: 0o640}})
	}},
	{"owned", func(bus *ringcast.Bus, topic string) error {
		if _, err := bus.Publisher(topic, small(ringcast.PublisherConfig{Exclusive: true})); err != nil {
			return err
		}
		return opened(bus.Publisher(topic, nil))
	}},
	{"too-large", func(bus *ringcast.Bus, topic string) error {
		return smallPublisher(bus, topic).TryPublish(make([]byte, 2049))
	}},
	{"claim-too-large", func(bus *ringcast.Bus, topic string) error {
		return opened(smallPublisher(bus, topic).Claim(context.Background(), 65))
	}},
	{"full", func(bus *ringcast.Bus, topic string) error { return fill(bus, topic).TryPublish(nil) }},
	{"no-room-in-time", func(bus *ringcast.Bus, topic string) error {
		ctx, cancel := briefly()
		defer cancel()
		return fill(bus, topic).Publish(ctx, nil)
	}},
	{"empty", func(bus *ringcast.Bus, topic string) error {
		s, err := bus.Subscribe(topic, nil)
		if err != nil {
			return err
		}
		return opened(s.TryNext())
	}},
	{"none-in-time", func(bus *ringcast.Bus, topic string) error {
		s, err := bus.Subscribe(topic, nil)
		if err != nil {
			return err
		}
		ctx, cancel := briefly()
		defer cancel()
		return opened(s.Next(ctx))
	}},
	{"claim-taken", held},
	{"second-claim", twoClaims},
	{"claim-ended", endTwice},
	{"closed", useClosed},
	{"not-ours", func(bus *ringcast.Bus, topic string) error { return opened(bus.Publisher(topic, nil)) }},
	{"other-version", func(bus *ringcast.Bus, topic string) error { return opened(bus.Publisher(topic, nil)) }},
	{"damaged", func(bus *ringcast.Bus, topic string) error { return opened(bus.Publisher(topic, nil)) }},
	{"broken-of-pattern", func(bus *ringcast.Bus, _ string) error {
		s, err := bus.Subscribe("spoiled.*", nil)
		if err != nil {
			return fmt.Errorf("before: %v", err)
		}
		return opened(s.TryNext())
	}},
	{"readers-full", func(bus *ringcast.Bus, topic string) error { return crowd(bus, topic, nil) }},
	{"group-name", joined("t", ringcast.SubscriberConfig{Group: "a b"})},
	{"group-of-pattern", joined("t.*", ringcast.SubscriberConfig{Group: "g"})},
	{"group-history", joined("t", ringcast.SubscriberConfig{Group: "g", History: 1})},
	{"group-of-latest", groupOfLatest},
	{"group-fragments", groupReads},
	{"group-crowd", func(bus *ringcast.Bus, topic string) error {
		return crowd(bus, topic, &ringcast.SubscriberConfig{Group: "g"})
	}},
}
