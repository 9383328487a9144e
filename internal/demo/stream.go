package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	streamTopic = "demo.lines"
	// streamSlots hold a message of 4 MiB, half of the ring: the longest line of
	// the input has more than one megabyte.
	streamSlots   = 4096
	streamPayload = 2048
)

// streamPart publishes every line of the input on node A, and compares what the
// subscribers of both nodes wrote with it.
func streamPart(ctx context.Context, s settings) error {
	fmt.Println("== stream: every line of the Go toolchain's source, from node A to a subscriber on each node")
	in, err := makeInput(s)
	if err != nil {
		return fmt.Errorf("input: %w", err)
	}
	fmt.Printf("input         %d lines, %.1f MB; %d empty, longest %d bytes\n",
		in.lines, float64(in.bytes)/1e6, in.empty, in.longest)
	a, b, err := newNodes(s)
	if err != nil {
		return firstError(err, end(a, b))
	}
	r, err := stream(ctx, s, in, a, b)
	ended := end(a, b)
	if r != nil {
		r.finish(a, b)
		r.print()
	}
	if err := firstError(err, ended); err != nil {
		return err
	}
	return r.verdict(s, in)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// stream runs subscribers and publisher to their end.
func stream(ctx context.Context, s settings, in *input, a, b *node) (*report, error) {
	outA, outB := filepath.Join(s.work, "out.A"), filepath.Join(s.work, "out.B")
	subA, err := subscriber(s, a, streamTopic, "--raw", "--output", outA, "--count", strconv.FormatInt(in.lines, 10))
	if err != nil {
		return nil, err
	}
	subB, err := subscriber(s, b, streamTopic, "--raw", "--output", outB, "--count", strconv.FormatInt(in.lines, 10))
	if err != nil {
		return nil, err
	}
	if err := ready(ctx, s, streamTopic, a, b); err != nil {
		return nil, err
	}
	pub, err := a.start(s, "pub-A", "ringcast", "pub", streamTopic, "--shm-dir", a.dir, "--domain", demoDomain,
		"--file", in.path, "--slots", strconv.Itoa(streamSlots), "--slot-size", strconv.Itoa(streamPayload),
		"--timestamps", "--json")
	if err != nil {
		return nil, err
	}
	r := &report{a: a, b: b, pub: pub, subA: subA, subB: subB, input: in, outA: outA, outB: outB}
	r.come = func(n *node) (int64, bool) {
		st, err := os.Stat(filepath.Join(s.work, "out."+n.name))
		if err != nil {
			return 0, false
		}
		return st.Size(), true
	}
	return r, r.await(ctx, in.bytes)
}

// subscriber starts a subscriber of a node. It ends by its count, or when
// nothing has come for a while after the first message.
func subscriber(s settings, n *node, topic string, args ...string) (*process, error) {
	args = append([]string{"sub", topic, "--shm-dir", n.dir, "--domain", demoDomain,
		"--latency", "--json", "--timeout", s.patience.String()}, args...)
	return n.start(s, "sub-"+n.name, "ringcast", args...)
}

// ready returns when both subscribers are there and node A's forwarder knows it.
func ready(ctx context.Context, s settings, topic string, a, b *node) error {
	for _, n := range []*node{a, b} {
		if err := n.subscribed(ctx, topic); err != nil {
			return err
		}
	}
	if s.stopB {
		time.Sleep(time.Second)
		return nil
	}
	return a.awaitWants(ctx, topic, 1)
}
