//go:build invariants

package ring

import (
	"fmt"
	"testing"
	"time"
)

// TestLitmusFencedFragments: a claim of a message in two fragments is taken at any step,
// or comes through; its producer tries again, and may be killed at any step. What it was
// told is sent comes once, what else comes is whole, and a latest reader gets the same.
// Large slots may be committed one by one, as small ones are together.
func TestLitmusFencedFragments(t *testing.T) {
	payloads := map[string]int{"small slots": 64}
	if !testing.Short() { // the build that looks for races copies them word by word
		payloads["large slots"] = 64 << 10
	}
	for name, payload := range payloads {
		for taken := range uint64(2) {
			got := explore(t, 1, 0, func(*explorer) ([]func(), func() string) {
				s := newScene(t, Shape{Slots: 64, Payload: payload, StallBudget: time.Hour}, 4)
				rd, latest := s.reader(2), joinFor(t, s.rings[3], JoinOptions{Latest: true})
				p, other := s.producer(0), s.producer(1)
				big := string(payloadOf(make([]byte, payload+40), payload+40, 1))
				sent, fenced, delivered := false, false, []string(nil)
				return []func(){
						dies(s.node, 0, func() {
							err := ErrFenced
							for try := 0; try < 2 && err == ErrFenced; try++ {
								err = p.TryPublish([]byte(big), &Meta{})
								sent, fenced = err == nil, fenced || err == ErrFenced
							}
						}),
						func() {
							at("look at the claim")
							if w := word(s.rings[2].claim(taken).Load()); w.state() == stateWriting {
								s.rings[2].quarantine(claimSeen{taken, w})
							}
							var m Message
							if rd.Next(&m) == nil {
								delivered = append(delivered, string(m.Payload))
							}
						},
					}, func() string {
						delivered = append(delivered, drainAll(s, rd)...)
						copied := drainAll(s, latest)
						if n := len(delivered); n > 1 || sent && n == 0 || n == 1 && delivered[0] != big {
							t.Errorf("%s, claim %d taken, sent: %v, %d messages came", name, taken, sent, n)
						}
						if len(copied) != len(delivered) || len(copied) == 1 && copied[0] != big {
							t.Errorf("%s, claim %d taken: %d messages came, to a latest reader %d", name, taken, len(delivered), len(copied))
						}
						publishFor(t, other, "small")
						wantNext(t, rd, "small")
						return fmt.Sprintf("fenced: %v, sent: %v, came: %d", fenced, sent, len(delivered))
					}
			})
			wantOutcomes(t, got, map[string]string{
				"fenced: false, sent: true, came: 1":  "nothing was taken",
				"fenced: true, sent: true, came: 1":   "taken, and sent by the second try",
				"fenced: false, sent: false, came: 0": "killed before its last commit",
				"fenced: true, sent: false, came: 0":  "killed in its second try",
				"fenced: false, sent: false, came: 1": "killed behind its last commit",
				"fenced: true, sent: false, came: 1":  "killed behind the last commit of its second try",
			})
		}
	}
}
