//go:build invariants

package ring

import (
	"fmt"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

// TestLitmusTwoProducers: two publish, one of them may be killed at any step. The
// ring has wrapped, so the words of the lap before are there.
func TestLitmusTwoProducers(t *testing.T) {
	got := explore(t, 2, 0, func(*explorer) ([]func(), func() string) {
		s := newScene(t, small(Shared), 3)
		rd := s.reader(2)
		a, b := s.producer(0), s.producer(1)
		s.pass(a, rd, 64)
		acked := map[string]bool{}
		publish := func(p *Producer, text string) func() {
			return func() { acked[text] = p.TryPublish([]byte(text), &Meta{}) == nil }
		}
		return []func(){dies(s.node, 0, publish(a, "A")), publish(b, "B")}, func() string {
			got := fmt.Sprint(drainAll(s, rd))
			for text, ok := range acked {
				if ok && !contains(got, text) {
					t.Errorf("%s was acknowledged, and %s delivered", text, got)
				}
			}
			if !acked["B"] {
				t.Error("the living producer could not publish")
			}
			s.pass(b, rd, 1)
			return got
		}
	})
	wantOutcomes(t, got, map[string]string{
		"[A B]": "A claimed first",
		"[B A]": "B claimed first",
		"[B]":   "A was killed before its commit",
	})
}

func contains(s, sub string) bool {
	for i := range s {
		if len(s)-i >= len(sub) && s[i:i+len(sub)] == sub {
			return true
		}
	}
	return false
}

// TestLitmusFence: a writer commits while a reader takes its claim away, and a
// producer comes round to its slot and steps over it, or uses it. The commit goes the
// short way and, with a block, the long one.
func TestLitmusFence(t *testing.T) {
	for _, block := range [][]byte{nil, make([]byte, layout.AddressBlockSize)} {
		litmusFence(t, block)
	}
}

func litmusFence(t *testing.T, block []byte) {
	got := explore(t, 3, -1, func(*explorer) ([]func(), func() string) {
		s := newScene(t, small(Shared), 3)
		slow, p := s.producer(0), s.producer(1)
		c, err := slow.TryClaim(block)
		if err != nil {
			t.Fatal(err)
		}
		w := word(s.rings[0].claims[0].Load())
		for range 63 {
			publishFor(t, p, "x")
		}
		var commit error
		landed := ""
		return []func(){
				func() { commit = c.Commit(0, 0, &Meta{}) },
				func() { s.rings[2].quarantine(claimSeen{0, w}) },
				func() {
					d, err := p.TryClaim(nil)
					switch {
					case err != nil:
						landed = "full"
					case d.position == 64:
						landed = "same slot"
					default:
						landed = "next slot"
					}
				},
			}, func() string {
				if w := word(s.rings[0].claims[0].Load()); w.state() == stateQuarantined {
					t.Error("the slot is held after its writer let go")
				}
				checkNothingSkipped(t, s.rings[0])
				return fmt.Sprintf("%v, %s", commit, landed)
			}
	})
	wantOutcomes(t, got, map[string]string{
		"<nil>, same slot":                      "the commit came first, or just before the look",
		"<nil>, full":                           "the producer met the writer within its deadline",
		fmt.Sprintf("%v, next slot", ErrFenced): "taken, then stepped over before the writer let go",
		fmt.Sprintf("%v, same slot", ErrFenced): "taken, let go, then claimed",
		fmt.Sprintf("%v, full", ErrFenced):      "the producer looked before the claim was taken",
	})
}

// checkNothingSkipped checks that the tail passed no position without a word.
func checkNothingSkipped(t *testing.T, r *Ring) {
	t.Helper()
	tail := r.Tail()
	for p := tail - min(tail, r.capacity()); p < tail; p++ {
		if word(r.claim(p).Load()).lap() < r.lap(p) {
			t.Errorf("the tail is %d, and nobody claimed position %d", tail, p)
		}
	}
}

// TestLitmusLease: a reader extends its lease and reads, an evictor puts it out,
// a producer that waited for it goes on. No byte in hand ever changes, and what
// was missed is told to the position.
func TestLitmusLease(t *testing.T) {
	for _, kind := range bothKinds {
		explore(t, fewer(2), -1, func(*explorer) ([]func(), func() string) {
			s := newScene(t, small(kind), 2)
			rd, p := s.reader(1), s.producer(0)
			s.pass(p, rd, 32) // the lease is used up
			s.fill(p)
			rd.cursor, rd.stored = 32, 32
			s.rings[0].entries[rd.index].cursor.Store(32)
			for range 32 {
				_ = p.TryPublish([]byte("x"), &Meta{})
			}
			next, lags := uint64(32), 0
			w := rd.mine
			return []func(){
					func() {
						var m Message
						for range 2 {
							switch err := rd.Next(&m).(type) {
							case nil:
								if m.Position < next {
									t.Errorf("position %d after %d", m.Position, next)
								}
								next = m.Position + 1
								at("in hand")
								at("in hand")
								if m.Position < 96 && string(m.Payload) != "x" || m.Position >= 96 && string(m.Payload) != "new" {
									t.Errorf("position %d in hand is %q", m.Position, m.Payload)
								}
							case *LaggedError:
								if err.First != next || err.Missed == 0 {
									t.Errorf("%v, want from %d", err, next)
								}
								next, lags = err.First+err.Missed, lags+1
							default:
								if error(err) != ErrEmpty {
									t.Error(err)
								}
							}
						}
					},
					func() { s.rings[0].evict(rd.index, w) },
					func() {
						for range 2 {
							_ = p.TryPublish([]byte("new"), &Meta{})
						}
					},
				}, func() string {
					return fmt.Sprintf("%d lags", lags)
				}
		})
	}
}

// TestLitmusBatch is TestLitmusLease with a batch: no byte of all that is in hand ever
// changes, while its reader is put out and its producer goes on.
func TestLitmusBatch(t *testing.T) {
	for _, kind := range bothKinds {
		explore(t, fewer(2), -1, func(*explorer) ([]func(), func() string) {
			s := newScene(t, small(kind), 2)
			rd, p := s.reader(1), s.producer(0)
			s.fill(p)
			next, lags := uint64(0), 0
			w := rd.mine
			return []func(){
					func() {
						ms := make([]Message, 3)
						for range 2 {
							n, err := rd.NextBatch(ms)
							at("in hand")
							at("in hand")
							for i := range ms[:n] {
								if m := &ms[i]; m.Position != next || m.Position < 64 && string(m.Payload) != "x" || m.Position >= 64 && string(m.Payload) != "new" {
									t.Errorf("position %d in hand is %q, want %d", m.Position, m.Payload, next)
								}
								next++
							}
							if lag, ok := err.(*LaggedError); ok {
								if lag.First != next || lag.Missed == 0 {
									t.Errorf("%v, want from %d", lag, next)
								}
								next, lags = lag.First+lag.Missed, lags+1
							} else if err != nil && err != ErrEmpty {
								t.Error(err)
							}
						}
					},
					func() { s.rings[0].evict(rd.index, w) },
					func() {
						for range 3 {
							_ = p.TryPublish([]byte("new"), &Meta{})
						}
					},
				}, func() string {
					return fmt.Sprintf("%d lags", lags)
				}
		})
	}
}

// TestLitmusJoin: a reader joins while producers use their gates up and scan. From
// its first position on nothing passes the reader by.
func TestLitmusJoin(t *testing.T) {
	for i, kind := range []Kind{Exclusive, Shared, Shared} {
		explore(t, fewer(3-i/2), -1, func(*explorer) ([]func(), func() string) {
			s := newScene(t, small(kind), 3)
			p := s.producer(0)
			for range 63 { // one more, then the gate is used up
				publishFor(t, p, "x")
			}
			var rd *Reader
			bodies := []func(){
				func() { rd = joinFor(t, s.rings[1], JoinOptions{}) },
				func() {
					for range 3 {
						publishFor(t, p, "x")
					}
				},
			}
			if i == 2 { // a second producer moves the tail while the first one scans
				other := s.producer(2)
				bodies = append(bodies, func() { publishFor(t, other, "x") })
			}
			return bodies, func() string {
				first := rd.Cursor()
				s.fill(p)
				if tail := s.rings[0].Tail(); tail != first+64 {
					t.Errorf("joined at %d, and the tail went to %d", first, tail)
				}
				for range 64 {
					wantNext(t, rd, "x")
				}
				return fmt.Sprint("joined at ", first)
			}
		})
	}
}

// TestLitmusWake: a reader that goes to sleep is rung, or has seen the message. A
// second one, whose bit is in another word, goes to sleep beside it. The message goes
// the long way and, behind another one, the short way, and in a claim that is lent.
func TestLitmusWake(t *testing.T) {
	for i, kind := range []Kind{Shared, Exclusive, Shared, Exclusive, Exclusive} {
		explore(t, fewer(2), -1, func(*explorer) ([]func(), func() string) {
			s := newScene(t, small(kind), 4)
			near := s.reader(1)
			for range 63 {
				joinFor(t, s.rings[3], JoinOptions{Latest: true})
			}
			far := s.reader(2) // entry 64: the second word
			p := s.producer(0)
			if i > 1 {
				publishFor(t, p, "before")
				wantNext(t, near, "before")
				wantNext(t, far, "before")
			}
			asleep := map[*Reader]uint32{}
			sleep := func(rd *Reader) func() {
				return func() {
					seen := rd.ring.host.(testHost).bell().Load()
					if !rd.Arm() {
						asleep[rd] = seen
					}
				}
			}
			publish := func() { publishFor(t, p, "x") }
			if i == 4 {
				publish = func() { _ = publishLent(p, []byte("x")) }
			}
			return []func(){sleep(near), sleep(far), publish}, func() string {
				for rd, seen := range asleep {
					if rd.ring.host.(testHost).bell().Load() == seen {
						t.Error("a reader sleeps, and nobody rang")
					}
				}
				return fmt.Sprint(len(asleep), " slept")
			}
		})
	}
}

// TestLitmusWakeAgain: a reader takes a message and goes to sleep while the wake-up
// for that message is still under way, and the next message comes.
func TestLitmusWakeAgain(t *testing.T) {
	explore(t, fewer(2), -1, func(*explorer) ([]func(), func() string) {
		s := newScene(t, small(Shared), 3)
		rd, a, b := s.reader(2), s.producer(0), s.producer(1)
		slept := false
		var seen uint32
		return []func(){
				func() { publishFor(t, a, "1") },
				func() {
					_ = rd.Next(&Message{})
					seen = s.rings[2].host.(testHost).bell().Load()
					slept = !rd.Arm()
				},
				func() { publishFor(t, b, "2") },
			}, func() string {
				if slept && s.rings[2].host.(testHost).bell().Load() == seen && rd.ready() {
					t.Error("a reader sleeps beside a message, and nobody rang")
				}
				return fmt.Sprint("slept: ", slept)
			}
	})
}

// TestLitmusTakeover: the producer of an exclusive ring dies at any step of two
// publishes, or lives and is left in peace; another takes over as soon as it may.
func TestLitmusTakeover(t *testing.T) {
	got := explore(t, 1, 0, func(*explorer) ([]func(), func() string) {
		s := newScene(t, small(Exclusive), 3)
		rd := s.reader(2)
		a := s.producer(0)
		acked, published := 0, false
		return []func(){
				dies(s.node, 0, func() {
					for _, text := range []string{"1", "2"} {
						if a.TryPublish([]byte(text), &Meta{}) == nil {
							acked++
						}
					}
				}),
				func() {
					for range 3 {
						if b, err := s.rings[1].NewProducer(s.rings[1].host.(testHost).address()); err == nil {
							publishFor(t, b, "3")
							published = true
							return
						}
						at("refused")
					}
				},
			}, func() string {
				got := drainAll(s, rd)
				want := acked
				if published != (len(got) > 0 && got[len(got)-1] == "3") {
					t.Errorf("the second published: %v, delivered %v", published, got)
				}
				for _, text := range got {
					if text != "3" {
						want--
					}
				}
				if want > 0 {
					t.Errorf("%d acknowledged, %v delivered", acked, got)
				}
				return fmt.Sprint(got)
			}
	})
	wantOutcomes(t, got, map[string]string{
		"[1 2]":   "the first lived",
		"[]":      "it was killed at once, and the second had given up before",
		"[1]":     "killed in between, and the second had given up before",
		"[3]":     "killed before it published",
		"[1 3]":   "killed after one",
		"[1 2 3]": "killed after both",
	})
}

// TestLitmusTwoCleaners: two recover the same dead writer, while the slot is
// stepped over and claimed by a living one.
func TestLitmusTwoCleaners(t *testing.T) {
	explore(t, fewer(2), -1, func(*explorer) ([]func(), func() string) {
		s := newScene(t, small(Shared), 4)
		dead, p := s.producer(0), s.producer(1)
		s.claim(dead)
		for range 63 {
			publishFor(t, p, "x")
		}
		s.node.dead[0].Store(true)
		s.rings[1].claims[0].Store(uint64(makeWord(1, 0, stateQuarantined)))
		var c Claim
		a := &s.rings[0].claims[0]
		return []func(){
				func() { s.rings[2].recoverClaim(a, 0) },
				func() { s.rings[3].recoverClaim(a, 0) },
				func() {
					var err error
					if c, err = p.TryClaim(nil); err != nil {
						t.Error(err)
					}
				},
			}, func() string {
				if err := c.Commit(0, 0, &Meta{}); err != nil {
					t.Errorf("commit of the living: %v", err)
				}
				checkNobodyLeft(t, s.rings[0], 99)
				return fmt.Sprint("position ", c.position)
			}
	})
}

// TestLitmusCharge: a producer charges a reader for its wait while that reader
// leaves, and another takes the entry. The other has used up nothing.
func TestLitmusCharge(t *testing.T) {
	explore(t, 2, -1, func(*explorer) ([]func(), func() string) {
		s := newScene(t, small(Shared), 3)
		first := s.reader(1)
		r, e, w := s.rings[0], &s.rings[0].entries[first.index], first.mine
		s.clock.now += maxStep
		var second *Reader
		return []func(){
				func() { r.charge(e, w, s.clock.now-maxStep, s.clock.now) },
				func() { first.Close(); second = joinFor(t, s.rings[2], JoinOptions{}) },
			}, func() string {
				if got, want := e.blocked.Load(), blockedWord(second.mine, 0); second.index == 0 && got != want {
					t.Errorf("the second reader has used up %#x, want %#x", got, want)
				}
				return fmt.Sprint("entry ", second.index)
			}
	})
}
