//go:build invariants

package ring

import (
	"fmt"
	"testing"
)

// TestExploreWithdraw: a caller withdraws its message while two members want it, one of
// which may die at any step. It is withdrawn and nobody has had it, or it is not and
// somebody has.
func TestExploreWithdraw(t *testing.T) {
	outcomes := explore(t, fewer(2), 0, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, addressed(), 4)
		a, b, q := s.member(1, 1), s.member(2, 1), &Queue{s.groups[3]}
		at := s.request(s.producer(0), someCaller, 1)
		l, withdrawn := &ledger{}, false
		bodies := []func(){
			dies(s.node, 1, func() { l.work(s, "a", a, 1) }),
			func() { l.work(s, "b", b, 1) },
			func() { withdrawn = q.Withdraw(at) },
		}
		return bodies, func() string {
			s.groups[2].recoverRows(1)
			l.finish(s, "b", b)
			return fmt.Sprint(withdrawn, " ", l)
		}
	})
	wantOutcomes(t, outcomes, map[string]string{
		"true ":                  "nobody has had it",
		"false a 0":              "the first was faster",
		"false b 0":              "the second was faster, or stole it",
		"false b reports 0 of 1": "the first had it in hand when it died",
	})
}

// TestExploreCancel: a caller cancels a request whose taker ends it and takes the next
// one of another: the next one is never canceled.
func TestExploreCancel(t *testing.T) {
	outcomes := explore(t, fewer(4), -1, func(e *explorer) ([]func(), func() string) {
		s := newGroupScene(t, addressed(), 3)
		mb, q, p := s.member(1, 1), &Queue{s.groups[2]}, s.producer(0)
		s.request(p, someCaller, 1)
		s.request(p, someCaller, 2)
		var first, second bool
		take := func() (Hand, bool) {
			h, err := mb.Take(&Message{})
			if err != nil {
				t.Error(err)
			}
			at("handler")
			return h, h.Canceled()
		}
		var h Hand
		bodies := []func(){
			func() {
				h, first = take()
				_ = h.Done()
				h, second = take()
			},
			func() { _ = q.Cancel(someCaller, 1) },
		}
		return bodies, func() string { return fmt.Sprint(first, second, h.Canceled()) }
	})
	wantOutcomes(t, outcomes, map[string]string{
		"false false false": "too late, or too early",
		"true false false":  "in time",
	})
}
