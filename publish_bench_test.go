package ringcast

import (
	"context"
	"fmt"
	"testing"

	"github.com/ringcast/ringcast/internal/cycles"
)

// BenchmarkPublishAlone is what publishing costs where nobody reads: the calls and the
// words, without the traffic between cores.
func BenchmarkPublishAlone(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, cfg := range []struct {
		name   string
		config PublisherConfig
	}{
		{"shared", PublisherConfig{}},
		{"exclusive", PublisherConfig{Exclusive: true}},
		{"shared-solo", PublisherConfig{Solo: true}},
		{"solo", PublisherConfig{Exclusive: true, Solo: true}},
	} {
		for _, size := range []int{64, 256, 1024, 2048} {
			c := cfg.config
			c.Slots, c.SlotSize = 1024, size
			payload := make([]byte, size)
			for name, send := range map[string]func(*Publisher) error{
				"copy": func(p *Publisher) error { return p.Publish(ctx, payload) },
				"claim": func(p *Publisher) error {
					c, err := p.Claim(ctx, size)
					if err != nil {
						return err
					}
					c.Bytes()[0] = 1
					return c.Commit()
				},
			} {
				b.Run(fmt.Sprintf("%s/%s/%d", cfg.name, name, size), func(b *testing.B) {
					pub := publisher(b, openBus(b, b.TempDir()), "alone", &c)
					cycles.Report(b, func() error { return send(pub) })
				})
			}
		}
	}
}
