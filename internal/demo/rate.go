package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ringcast/ringcast"
)

const rateTopic = "demo.rate"

// ratePart offers messages of one size at a fixed rate. Where the machine cannot
// carry the offer the publisher is slowed; nothing may be lost.
func ratePart(ctx context.Context, s settings) error {
	count := s.rate * s.seconds
	fmt.Printf("\n== rate: %d messages of %d bytes a second offered for %d s\n", s.rate, s.size, s.seconds)
	a, b, err := newNodes(s)
	if err != nil {
		return firstError(err, end(a, b))
	}
	r, err := offer(ctx, s, count, a, b)
	ended := end(a, b)
	if r != nil {
		r.finish(a, b)
		r.print()
		r.limits()
	}
	if err := firstError(err, ended); err != nil {
		return err
	}
	return r.complete(int64(count))
}

// offer runs subscribers and publisher to their end.
func offer(ctx context.Context, s settings, count int, a, b *node) (*report, error) {
	n := strconv.Itoa(count)
	subA, err := subscriber(s, a, rateTopic, "--quiet", "--count", n)
	if err != nil {
		return nil, err
	}
	subB, err := subscriber(s, b, rateTopic, "--quiet", "--count", n)
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, s, rateTopic, a, b); err != nil {
		return nil, err
	}
	pub, err := a.start(s, "pub-A", "ringcast", "pub", rateTopic, "--shm-dir", a.dir, "--domain", demoDomain,
		"--size", strconv.Itoa(s.size), "--count", n, "--rate", strconv.Itoa(s.rate), "--timestamps", "--json")
	if err != nil {
		return nil, err
	}
	r := &report{
		a: a, b: b, pub: pub, subA: subA, subB: subB, offered: float64(s.rate),
		come: func(n *node) (int64, bool) { return inRing(n, s.size) },
	}
	return r, r.await(ctx, int64(count*s.size))
}

// inRing is how much was put into the ring of the topic on a node.
func inRing(n *node, size int) (bytes int64, known bool) {
	list, err := ringcast.Inspect(&ringcast.Config{Dir: n.dir, Domain: demoDomain})
	if err != nil {
		return 0, false
	}
	for _, t := range list.Topics {
		if t.Name == rateTopic {
			return int64(t.Positions) * int64(size), t.Err == nil
		}
	}
	return 0, false
}
