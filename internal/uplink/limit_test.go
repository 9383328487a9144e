package uplink

import (
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/guard"
	"github.com/ringcast/ringcast/shm"
)

// limited is a node with a router, its partner, and what was told of quarantines.
func limited(t *testing.T) (w *world, here, there *simNode, told *[]Quarantine) {
	t.Helper()
	w = newWorld(1, 2, 0)
	here, there = w.nodes[0], w.nodes[1]
	told = &[]Quarantine{}
	for _, n := range []*simNode{here, there} {
		n.router.Limit(Limits{Source: guard.Limit{Rate: 10, Burst: 100}, Service: guard.Limit{Rate: 20, Burst: 150}, Refused: guard.Limit{Rate: 10, Burst: 50}},
			func(q *Quarantine, begins bool) {
				if begins {
					*told = append(*told, *q)
				}
			})
	}
	return w, here, there, told
}

// from is a request that some participant of a node sends to a service that nobody has.
func from(n *simNode, index uint16, service uint64, correlation uint64) *Message {
	return &Message{Kind: layout.MessageKindRequest, Source: shm.Address{Node: n.self.Node, Epoch: n.self.Epoch, Index: index, Generation: 1}, Correlation: correlation, Service: service, Left: time.Second}
}

// A participant beyond its limit is refused, then ignored, then released; others notice nothing.
func TestLimitOfASource(t *testing.T) {
	w, here, _, told := limited(t)
	r := here.router
	before := r.Counts()
	for i := range uint64(160) {
		r.FromHere(w.now, from(here, 500, 0, i))
	}
	c := r.Counts()
	if c.Limited-before.Limited != 51 || c.Refused-before.Refused != 60 || c.Ignored-before.Ignored != 9 {
		t.Errorf("of 160 requests, limit 100: %+v, before %+v", c, before)
	}
	if len(*told) != 1 || (*told)[0].For != time.Second || (*told)[0].Source.Index != 500 {
		t.Fatalf("told: %+v", *told)
	}
	if v := r.judge(w.now, from(here, 501, 0, 1)); v != pass {
		t.Errorf("another participant: %d", v)
	}
	r.Tick(w.now + time.Second - 1)
	if v := r.judge(w.now+time.Second-1, from(here, 500, 0, 1)); v != ignore {
		t.Errorf("before its time is over: %d", v)
	}
	r.Tick(w.now + time.Second)
	if v := r.judge(w.now+time.Second, from(here, 500, 0, 1)); v != pass {
		t.Errorf("after its release: %d", v)
	}
}

// What another node sends in the name of somebody in quarantine is dropped without a word.
func TestLimitOfAnotherNode(t *testing.T) {
	w, here, there, told := limited(t)
	n := here.router.nodes[there.self.Node]
	if n == nil {
		t.Fatal("the nodes have not met")
	}
	sent := here.router.Counts().Sent + uint64(here.router.queued)
	for i := range uint64(1000) {
		m := from(there, 500, 77, i)
		m.Code = uint32(here.router.session)
		here.router.FromNode(w.now, n, m)
	}
	c := here.router.Counts()
	if answers := c.Sent + uint64(here.router.queued) - sent; answers > 150 || answers < 100 || c.Refused != 50 || c.Ignored != 1000-151 || len(*told) != 1 {
		t.Errorf("%d answers to 1000 requests, %+v, told %+v", answers, c, *told)
	}
}

// A service has a limit of its own, for all who ask.
func TestLimitOfAService(t *testing.T) {
	w, here, _, _ := limited(t)
	passed := 0
	for i := range uint64(400) {
		if here.router.judge(w.now, from(here, uint16(500+i%8), 77, i)) == pass {
			passed++
		}
	}
	if passed != 150 {
		t.Errorf("%d of 400 passed, limit 150", passed)
	}
	if v := here.router.judge(w.now, from(here, 520, 78, 1)); v != pass {
		t.Errorf("another service: %d", v)
	}
}

// The defaults are far above what a node does: 100,000 a second of one source for a minute.
func TestLimitsOfTheHealthy(t *testing.T) {
	w, here, _, _ := limited(t)
	r := here.router
	r.Limit(Limits{}, func(q *Quarantine, _ bool) { t.Errorf("%+v", q) })
	m := from(here, 500, 77, 1)
	for i := range 600_000 {
		if i%100_000 == 50_000 {
			w.now += 900 * time.Millisecond // what waited meanwhile comes at once
		}
		if w.now += 10 * time.Microsecond; r.judge(w.now, m) != pass {
			t.Fatalf("refused after %d", i)
		}
	}
}
