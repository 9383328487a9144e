//go:build invariants

package ring

import (
	"fmt"
	"testing"
)

// TestLitmusBatchTakeover: the producer of an exclusive ring dies at any step of a
// batch, or lives; another takes over as soon as it may. What readers get is the batch's
// first few, all that were acknowledged, each once, in order, whole; then the other's.
func TestLitmusBatchTakeover(t *testing.T) {
	for name, publish := range batchWays {
		got := explore(t, 1, 0, func(*explorer) ([]func(), func() string) {
			s := newScene(t, small(Exclusive), 4)
			rd, latest := s.reader(2), joinFor(t, s.rings[3], JoinOptions{Latest: true})
			a := s.producer(0)
			s.pass(a, rd, 62) // the batch goes round the ring's end
			passLatest(t, latest, 62)
			acked := 0
			return []func(){
					dies(s.node, 0, func() { acked = publish(a, 3) }),
					func() {
						for range 2 {
							if b, err := s.rings[1].NewProducer(s.rings[1].host.(testHost).address()); err == nil {
								publishFor(t, b, "b")
								return
							}
							at("refused")
						}
					},
				}, func() string {
					got, copied := drainAll(s, rd), drainAll(s, latest)
					if fmt.Sprint(got) != fmt.Sprint(copied) {
						t.Errorf("%s: delivered %v, to a latest reader %v", name, got, copied)
					}
					firsts := 0
					for firsts < len(got) && got[firsts] == fmt.Sprint(firsts) {
						firsts++
					}
					if rest := got[firsts:]; firsts < acked || len(rest) > 1 || len(rest) == 1 && rest[0] != "b" {
						t.Errorf("%s: %d acknowledged, delivered %v", name, acked, got)
					}
					return fmt.Sprint(got)
				}
		})
		wantOutcomes(t, got, map[string]string{
			"[0 1 2]":   "the first lived, or died behind its last",
			"[]":        "killed before its first, and the second had given up before",
			"[0]":       "killed behind its first",
			"[0 1]":     "killed behind its second",
			"[b]":       "killed before its first",
			"[0 b]":     "killed behind its first",
			"[0 1 b]":   "killed behind its second",
			"[0 1 2 b]": "killed behind its last",
		})
	}
}

// batchWays publish n texts and say how many were acknowledged.
var batchWays = map[string]func(p *Producer, n int) int{
	"copies": func(p *Producer, n int) int {
		sent, _ := p.TryPublishBatch(texts(0, n), &Meta{})
		return sent
	},
	"claims": func(p *Producer, n int) int {
		c, err := p.TryClaimBatch(n)
		if err != nil {
			return 0
		}
		var lengths []int
		for i, text := range texts(0, c.Len()) {
			at("write")
			lengths = append(lengths, copy(c.Bytes(i), text))
		}
		sent, _ := c.Commit(lengths, &Meta{})
		return sent
	},
	"lent, one by one": func(p *Producer, n int) (sent int) {
		for _, text := range texts(0, n) {
			if publishLent(p, text) != nil {
				break
			}
			sent++
		}
		return sent
	},
}

// publishLent publishes in a claim that is lent, where that is possible.
func publishLent(p *Producer, text []byte) error {
	var c Claim
	if p.Shared() && p.LendShared(&c) {
		at("write")
		return p.CommitLentShared(copy(c.Bytes(), text), &Meta{})
	}
	if !p.MayLend() {
		return p.TryPublish(text, &Meta{})
	}
	p.Lend(&c)
	at("write")
	if p.CommitLent(copy(c.Bytes(), text), &Meta{}) {
		p.Wake()
	}
	return nil
}

func passLatest(t *testing.T, rd *Reader, n int) {
	t.Helper()
	for range n {
		if err := rd.Next(&Message{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLitmusBatchWake: a reader goes to sleep while a batch is published; it does not
// sleep on beside any message of it.
func TestLitmusBatchWake(t *testing.T) {
	for _, kind := range bothKinds {
		for name, publish := range batchWays {
			explore(t, fewer(2), -1, func(*explorer) ([]func(), func() string) {
				s := newScene(t, small(kind), 2)
				rd, p := s.reader(1), s.producer(0)
				publishFor(t, p, "x")
				wantNext(t, rd, "x")
				var seen uint32
				slept := false
				return []func(){
						func() { publish(p, 3) },
						func() {
							seen = s.rings[1].host.(testHost).bell().Load()
							slept = !rd.Arm()
						},
					}, func() string {
						if slept && s.rings[1].host.(testHost).bell().Load() == seen {
							t.Errorf("%v, %s: a reader sleeps beside a batch, and nobody rang", kind, name)
						}
						return fmt.Sprint("slept: ", slept)
					}
			})
		}
	}
}

// TestLitmusBatchShared: two producers, one with a batch, which may be killed at any
// step. Each one's messages come in order, those acknowledged all.
func TestLitmusBatchShared(t *testing.T) {
	for name, publish := range batchWays {
		explore(t, fewer(2), 0, func(*explorer) ([]func(), func() string) {
			s := newScene(t, small(Shared), 3)
			rd, a, b := s.reader(2), s.producer(0), s.producer(1)
			s.pass(b, rd, 62)
			acked, other := 0, false
			return []func(){
					dies(s.node, 0, func() { acked = publish(a, 2) }),
					func() { other = b.TryPublish([]byte("b"), &Meta{}) == nil },
				}, func() string {
					got := drainAll(s, rd)
					next, bs := 0, 0
					for _, text := range got {
						switch text {
						case "b":
							bs++
						case fmt.Sprint(next):
							next++
						default:
							t.Errorf("%s: delivered %v", name, got)
						}
					}
					if next < acked || other && bs != 1 || bs > 1 {
						t.Errorf("%s: %d acknowledged and the other's: %v, delivered %v", name, acked, other, got)
					}
					return fmt.Sprint(got)
				}
		})
	}
}
