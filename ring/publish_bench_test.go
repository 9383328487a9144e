package ring

import (
	"fmt"
	"testing"
	"time"

	"github.com/ringcast/ringcast/internal/cycles"
)

// BenchmarkPublishAlone is what publishing costs where nobody reads: the words without
// the traffic between cores.
func BenchmarkPublishAlone(b *testing.B) {
	for _, kind := range bothKinds {
		for _, size := range []int{64, 256, 1024, 2048} {
			shape := Shape{Slots: 1024, Payload: size, Kind: kind, StallBudget: time.Minute}
			payload := make([]byte, size)
			var m Meta
			ways := []struct {
				name string
				send func(p *Producer) error
			}{
				{"copy", func(p *Producer) error { return p.TryPublish(payload, &m) }},
				{"claim", func(p *Producer) error {
					c, err := p.TryClaim(nil)
					if err != nil {
						return err
					}
					c.Bytes()[0] = 1
					return c.Commit(0, size, &m)
				}},
			}
			for _, way := range ways {
				b.Run(fmt.Sprintf("%v/%s/%d", kind, way.name, size), func(b *testing.B) {
					ctl, dat := testRing(b, shape)
					p := produceFor(b, attach(b, &testNode{}, 0, ctl, dat))
					cycles.Report(b, func() error { return way.send(p) })
				})
			}
		}
	}
}
