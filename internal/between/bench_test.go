package between

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// echoJob answers each request, and sends each message of the topic "ping" back on "pong".
func echoJob(base, domain string, _ []string) error {
	b, err := open(base, domain)
	if err != nil {
		return err
	}
	ctx := context.Background()
	mail, err := b.Mail()
	if err != nil {
		return err
	}
	ping, err := b.Subscribe("ping", nil)
	if err != nil {
		return err
	}
	pong, err := b.Publisher("pong", nil)
	if err != nil {
		return err
	}
	fmt.Println(b.Address())
	go func() {
		for m, err := range ping.Messages(ctx) {
			if err == nil {
				_ = pong.Publish(ctx, m.Payload())
			}
		}
	}()
	for m, err := range mail.Messages(ctx) {
		if err == nil && m.IsRequest() {
			_ = m.Reply(m.Payload())
		}
	}
	return nil
}

// BenchmarkRoundTrip is 256 bytes to a process of another node and back, over two forwarders on
// loopback: as a request to its address, and as messages of two topics.
func BenchmarkRoundTrip(b *testing.B) {
	all := []*node{newNode(b, "n1"), newNode(b, "n2")}
	for _, n := range all {
		n.forward()
	}
	_, line := all[1].child("echo")
	address, err := ringcast.ParseAddress(line)
	if err != nil {
		b.Fatal(err)
	}
	bus, ctx := all[0].bus(), context.Background()
	payload := make([]byte, 256)
	await(b, func() error { _, err := bus.RequestTo(ctx, address, payload); return err })
	b.Run("request", func(b *testing.B) {
		measure(b, func() error { _, err := bus.RequestTo(ctx, address, payload); return err })
	})
	pong, err := bus.Subscribe("pong", nil)
	if err != nil {
		b.Fatal(err)
	}
	ping, err := bus.Publisher("ping", nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := bus.WaitForSubscribers(ctx, "ping", 1); err != nil {
		b.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // the other node has to have heard that we want pong
	b.Run("topic", func(b *testing.B) {
		measure(b, func() error {
			if err := ping.Publish(ctx, payload); err != nil {
				return err
			}
			_, err := pong.Next(ctx)
			return err
		})
	})
}

// measure reports the distribution of the times of fn.
func measure(b *testing.B, fn func() error) {
	times := make([]time.Duration, 0, b.N)
	for b.Loop() {
		start := time.Now()
		if err := fn(); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	for name, q := range map[string]float64{"p50-us": 0.5, "p99-us": 0.99} {
		b.ReportMetric(float64(times[int(q*float64(len(times)-1))])/1e3, name)
	}
}
