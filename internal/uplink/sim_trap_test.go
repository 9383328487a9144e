package uplink

import (
	"testing"
	"time"
)

// A trap is the pair that waits for ever elsewhere: one program asks, one request after the other, another one answers, and
// the network loses requests and answers.
type trap struct {
	w       *world
	caller  *process
	server  *process
	service bool // it is asked by name
	share   int  // of 100 messages are lost

	requests, answered, late, tries, most int
}

func newTrap(seed uint64, service bool) *trap {
	w := newWorld(seed, 2, 0)
	return &trap{w: w, caller: w.nodes[0].people[0], server: w.nodes[1].people[2], service: service, share: 20}
}

// ask sends one request, and returns when it has its outcome.
func (t *trap) ask() *simRequest {
	w, p := t.w, t.caller
	p.serial++
	q := &simRequest{id: uint32(len(w.requests) + 1), caller: p, due: w.now + simSpan, up: p.node.self, key: key{p.address, p.serial}}
	m := Message{Kind: kindRequest, Correlation: p.serial, Left: simSpan, Payload: numbered(q.id), Service: 7}
	if !t.service {
		q.to = t.server.address
		m.Destination, m.Service = q.to, 0
	}
	w.requests = append(w.requests, q)
	p.calls[p.serial] = q
	if !p.send(&m) {
		w.fail("request %d found no room in an uplink that is read", q.id)
	}
	for steps := 0; q.outcome == "" && w.err == nil; steps++ {
		if steps > 100_000 {
			w.fail("request %d is open for ever", q.id)
		}
		t.step()
	}
	return q
}

// step lets everybody do one thing, in any order.
func (t *trap) step() {
	w := t.w
	for _, i := range w.rnd.Perm(7) {
		switch i {
		case 0, 1:
			w.pull(w.nodes[i])
		case 2, 3:
			w.deliver([2]int{i - 2, 3 - i}, w.rnd.IntN(100) < t.share)
		case 4:
			w.work(t.server)
		case 5:
			w.readReply(t.caller)
		case 6:
			w.look(t.caller)
		}
	}
	w.now += time.Duration(w.rnd.IntN(int(5 * time.Millisecond)))
}

// call is a request of a client that repeats it until it is answered, or of one that does not.
func (t *trap) call(repeats bool) {
	t.requests++
	for tries := 1; t.w.err == nil; tries++ {
		t.tries++
		t.most = max(t.most, tries)
		switch q := t.ask(); {
		case q.outcome == "reply":
			t.answered++
			return
		case q.outcome != "time":
			t.w.fail("request %d ended with %q: want an answer, or its time", q.id, q.outcome)
		case !q.lost:
			t.w.fail("request %d waited for its time, and nothing of it was lost", q.id)
		case !repeats:
			t.late++
			return
		}
	}
}

// TestTrap shows that a lost request or answer holds up nobody but who waits for it, and him until its
// time is over: the next request is answered. Two strict peers (REQ and REP) wait for ever then.
func TestTrap(t *testing.T) {
	first, count := uint64(1), max(*worlds/50, 20)
	if *seed != 0 {
		first, count = *seed, 1
	}
	const calls = 20
	for _, repeats := range []bool{false, true} {
		var sum trap
		for s := first; s < first+uint64(count); s++ {
			pair := newTrap(s, s%2 == 0)
			for range calls {
				pair.call(repeats)
			}
			pair.share = 0 // nothing more is lost: the very next one is answered
			if pair.ask().outcome != "reply" {
				pair.w.fail("the first request after the losses was not answered")
			}
			if pair.w.err != nil {
				t.Fatalf("%v\nagain: go test ./internal/uplink -run TestTrap -uplink.seed %d", pair.w.err, s)
			}
			sum.requests, sum.answered, sum.late = sum.requests+pair.requests, sum.answered+pair.answered, sum.late+pair.late
			sum.tries, sum.most = sum.tries+pair.tries, max(sum.most, pair.most)
		}
		who := "does not repeat"
		if repeats {
			who = "repeats"
		}
		t.Logf("a pair that loses 20 %% of all requests and answers, %d seeds; a client that %s: %d requests, one after the other, %d answered, %d ended when their time was over, "+
			"%.2f tries each, %d at most; none waited for ever, and the first one after the losses was answered in each of the seeds", count, who, sum.requests, sum.answered, sum.late, float64(sum.tries)/float64(sum.requests), sum.most)
		if sum.late == 0 != repeats || sum.tries == sum.requests == repeats {
			t.Errorf("a client that %s: %d requests, %d tries, %d late: the losses were not met", who, sum.requests, sum.tries, sum.late)
		}
	}
}
