package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

// choose is the small or the long form's value.
func choose[T any](s *stage, small, long T) T {
	if s.long {
		return long
	}
	return small
}

// lossScene is test 11: loss on every node, with doubled and reordered datagrams, two
// publishers on two nodes, everybody subscribed to both.
func lossScene(s *stage) error {
	for _, percent := range choose(s, []float64{1, 20}, []float64{0.1, 1, 5, 20}) {
		if err := lossAt(s, percent, choose(s, 3, 6), choose(s, 700*time.Millisecond, 10*time.Second)); err != nil {
			return fmt.Errorf("at %g %%: %w", percent, err)
		}
	}
	return nil
}

func lossAt(s *stage, percent float64, nodes int, d time.Duration) error {
	if err := s.set(nodes, "--fault", "dup=0.01,reorder=0.01"); err != nil {
		return err
	}
	topics := []string{"a", "b"}
	for i := 1; i <= nodes; i++ {
		if _, err := s.subscribe(i, topics); err != nil {
			return err
		}
	}
	if err := s.lab.LoseInto(percent); err != nil {
		return err
	}
	for i, t := range topics {
		if _, err := s.publish(i+1, t, "-size", "400", "-rate", "3000"); err != nil {
			return err
		}
	}
	time.Sleep(d)
	return s.conclude(fmt.Sprintf("%g %% on %d nodes", percent, nodes), 500*time.Millisecond, true)
}

// conclude settles, audits and says so; if all must arrive nothing may be told as lost.
func (s *stage) conclude(what string, rest time.Duration, all bool) error {
	if err := s.settle(rest); err != nil {
		return err
	}
	lost, err := s.drops()
	sum, audit := s.audit()
	s.say("%s: %d to be delivered, %d delivered, %d told as lost, %d passed by; %d frames lost by nftables",
		what, sum.sent, sum.delivered, sum.lost, sum.behind, lost)
	if all && audit == nil && sum.delivered != sum.sent {
		audit = fmt.Errorf("%d of %d delivered", sum.delivered, sum.sent)
	}
	return errors.Join(err, audit)
}

// firstTime matches datagrams that carry a marked message, alone or behind small ones, for the
// first time: the repair bit is in byte 3 of the frame, which begins 64 bits behind that of UDP.
const firstTime = "udp length 1280-1416 @th,88,8 & 0x04 == 0"

// repairScene is test 12: single datagrams are lost on the way to the only receiver.
func repairScene(s *stage) error {
	err := s.marked("-rate", "500", "-every", "10")
	if err != nil {
		return err
	}
	m := s.subscribers[0].heard.Marked
	s.say("from publish to receipt of what was lost once: %v; of all: %v", m, s.subscribers[0].heard.All)
	return errors.Join(within("repair, on the average", m.Mean, 2), s.withinP99("repair", m, 4))
}

// tailScene is test 17: the last datagram of each burst is lost, and nothing follows it.
func tailScene(s *stage) error {
	err := s.marked("-burst", "10", "-pause", "60ms", "-every", "10")
	if err != nil {
		return err
	}
	m := s.subscribers[0].heard.Marked
	s.say("from publish to receipt of a burst's last message, lost once: %v", m)
	return errors.Join(within("tail, p50", m.P50, 3), s.withinP99("tail", m, 10))
}

// marked plays a publisher and one receiver that loses each marked message's datagram once.
func (s *stage) marked(flags ...string) error {
	if err := s.set(2); err != nil {
		return err
	}
	if _, err := s.subscribe(2, []string{"a"}); err != nil {
		return err
	}
	if err := s.lab.SetDrops(netlab.Drop{Node: 2, Match: firstTime, Every: 1}); err != nil {
		return err
	}
	p, err := s.publish(1, "a", flags...)
	if err != nil {
		return err
	}
	time.Sleep(choose(s, 1500*time.Millisecond, 30*time.Second))
	if err := s.conclude("marked datagrams", 300*time.Millisecond, true); err != nil {
		return err
	}
	counts, err := s.lab.Drops()
	if err != nil {
		return err
	}
	// Where the machine had no core for a while, small messages fill a datagram of that size, too.
	if lost := netlab.Lost(counts); lost*2 < p.said.Marked || lost > 2*p.said.Marked {
		return fmt.Errorf("%d marked messages, %d datagrams lost", p.said.Marked, lost)
	}
	return nil
}

// blackoutScene is test 13: one of two receivers gets and sends nothing for a while.
func blackoutScene(s *stage) error {
	for _, outage := range choose(s, []time.Duration{20, 300}, []time.Duration{1, 10, 50, 100, 200, 500, 1000}) {
		if err := blackoutOf(s, outage*time.Millisecond); err != nil {
			return fmt.Errorf("%v: %w", outage*time.Millisecond, err)
		}
	}
	return nil
}

// blackoutSlack is how much longer than asked for the rules may hold: nft takes seconds
// where the machine is busy, and a node that is silent for two is down.
const blackoutSlack = 500 * time.Millisecond

// blackoutOf plays one, again where the rules held for much longer than they should. The
// accounts must be exact in each.
func blackoutOf(s *stage, outage time.Duration) error {
	for range 4 {
		held, err := blackout(s, outage)
		if err != nil || held <= outage+blackoutSlack {
			return err
		}
		s.say("the rules held for up to %v: once more", held.Round(time.Millisecond))
	}
	return nil // each was longer than promised for: what was lost was told, and that was looked at
}

// blackout returns how long the rules held at most.
func blackout(s *stage, outage time.Duration) (held time.Duration, err error) {
	if err := s.set(3); err != nil {
		return 0, err
	}
	for _, node := range []int{2, 3} {
		if _, err := s.subscribe(node, []string{"a"}); err != nil {
			return 0, err
		}
	}
	if _, err := s.publish(1, "a", "-size", "1000", "-rate", "2000"); err != nil {
		return 0, err
	}
	time.Sleep(400 * time.Millisecond)
	before := clock()
	if err := s.lab.SetDrops(netlab.Drop{Node: 3, Every: 1}, netlab.Drop{Node: 3, Out: true, Every: 1}); err != nil {
		return 0, err
	}
	from := clock()
	time.Sleep(outage)
	to := clock() // the rules go some milliseconds later
	if err := s.lab.SetDrops(); err != nil {
		return 0, err
	}
	held = time.Duration(clock() - before)
	time.Sleep(choose(s, 500*time.Millisecond, time.Second))
	kept := held <= outage+blackoutSlack
	what := fmt.Sprintf("blackout of %v (rules held for %.1f to %.1f ms)", outage, float64(to-from)/1e6, float64(held)/1e6)
	if err := s.conclude(what, 300*time.Millisecond, kept); err != nil {
		return held, err
	}
	back := s.subscribers[1].heard.backAfter(to)
	s.say("the cut off node is back after %.1f ms, its messages were late by %v; the other's: %v", back, s.subscribers[1].heard.All, s.subscribers[0].heard.All)
	if !kept {
		return held, nil
	}
	return held, within("back after a blackout", back, float64(outage)/1e6+10)
}

// backAfter is how many milliseconds after an instant the silence over it ended; 0: there was none.
func (h *heard) backAfter(instant uint64) float64 {
	for _, q := range h.Silences {
		if q.From < instant && q.To > instant {
			return float64(q.To-instant) / 1e6
		}
	}
	return 0
}

// longest is the longest silence in milliseconds.
func (h *heard) longest() (ms float64) {
	for _, q := range h.Silences {
		ms = max(ms, float64(q.To-q.From)/1e6)
	}
	return ms
}

// slowScene is test 16: a reader that is slow, and one that is stopped and goes on.
func slowScene(s *stage) error {
	if err := s.set(3); err != nil {
		return err
	}
	if _, err := s.subscribe(2, []string{"a"}); err != nil {
		return err
	}
	stopped, err := s.subscribe(3, []string{"a"})
	if err != nil {
		return err
	}
	if _, err := s.publish(1, "a", "-size", "1000", "-rate", "4000"); err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond)
	stopped.Signal(syscall.SIGSTOP)
	time.Sleep(choose(s, 2*time.Second, 5*time.Second))
	stopped.Signal(syscall.SIGCONT)
	resumed := clock()
	time.Sleep(choose(s, time.Second, 3*time.Second))
	if err := s.settle(500 * time.Millisecond); err != nil {
		return err
	}
	sum, err := s.audit()
	p, other := s.publishers[0], s.subscribers[0]
	back := stopped.heard.backAfter(resumed)
	s.say("stopped reader: %d of %d delivered, %d told as lost, %d as passed by; back %.1f ms after it went on",
		sum.delivered, sum.sent, sum.lost, sum.behind, back)
	s.say("sender: longest send %.1f ms, at most %.1f ms waited in a second; the other's longest silence %.1f ms, latency %v",
		ms(p.said.Longest), ms(p.said.Late), other.heard.longest(), other.heard.All)
	if sum.behind+sum.lost == 0 && err == nil {
		err = errors.New("the stopped reader missed nothing: this was no test")
	}
	if a := other.heard.Accounts["a "+p.said.Address]; a == nil || a.Delivered != p.said.Sent {
		err = errors.Join(err, errors.New("the other reader did not get everything"))
	}
	return errors.Join(err, within("a send beside a stopped reader", ms(p.said.Longest), 600), within("back after the stop", back, 1000))
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// cutScene is test 19: a node's cable is pulled, and the others miss it.
func cutScene(s *stage) error {
	if err := s.set(3); err != nil {
		return err
	}
	for i := 1; i <= 3; i++ {
		if err := until(10*time.Second, "nodes know each other", func() bool { return knows(s.lab.Node(i)) == 2 }); err != nil {
			return err
		}
	}
	var took []uint64
	for range choose(s, 1, 5) {
		if err := s.lab.Node(3).SetCable(false); err != nil {
			return err
		}
		from := clock()
		for i := 1; i <= 2; i++ {
			if err := until(20*time.Second, "the cut off node is missed", func() bool { return knows(s.lab.Node(i)) == 1 }); err != nil {
				return err
			}
			took = append(took, clock()-from)
		}
		if err := s.lab.Node(3).SetCable(true); err != nil {
			return err
		}
		from = clock()
		for i := 1; i <= 3; i++ {
			if err := until(20*time.Second, "the node is back", func() bool { return knows(s.lab.Node(i)) == 2 }); err != nil {
				return err
			}
		}
		s.say("back %.0f ms after the cable", float64(clock()-from)/1e6)
	}
	missed := spreadOf(took)
	s.say("a node that is cut off is missed after %v", missed)
	return errors.Join(within("missing a node", missed.Max, 2000))
}

// partitionScene is part of test 22: a node that is cut off for a second and comes back,
// and one that is not heard by one other while everything else passes.
func partitionScene(s *stage) error {
	for _, kind := range []string{"cable", "one way"} {
		if err := partition(s, kind); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func partition(s *stage, kind string) error {
	if err := s.set(3); err != nil {
		return err
	}
	for _, node := range []int{2, 3} {
		if _, err := s.subscribe(node, []string{"a"}); err != nil {
			return err
		}
	}
	if _, err := s.publish(1, "a", "-size", "500", "-rate", "1000"); err != nil {
		return err
	}
	time.Sleep(300 * time.Millisecond)
	if err := s.part(kind); err != nil {
		return err
	}
	time.Sleep(choose(s, 2500*time.Millisecond, 10*time.Second))
	if err := s.join(kind); err != nil {
		return err
	}
	healed := clock()
	time.Sleep(choose(s, 1500*time.Millisecond, 3*time.Second))
	if err := s.settle(500 * time.Millisecond); err != nil {
		return err
	}
	sum, err := s.audit()
	back := s.subscribers[1].heard.backAfter(healed)
	s.say("%s: %d to be delivered, %d delivered, %d told as lost; heard again %.0f ms after the healing; the other's longest silence %.0f ms",
		kind, sum.sent, sum.delivered, sum.lost, back, s.subscribers[0].heard.longest())
	if len(s.subscribers[1].heard.Silences) == 0 {
		err = errors.Join(err, errors.New("nothing was interrupted: this was no test"))
	}
	return errors.Join(err, within("healing", back, 2000))
}

// part interrupts: the cable of node 3, or all that node 1 says to node 3.
func (s *stage) part(kind string) error {
	if kind == "cable" {
		return s.lab.Node(3).SetCable(false)
	}
	return s.lab.SetDrops(netlab.Drop{Node: 3, Match: "ip saddr " + s.lab.Node(1).Addr.String(), Every: 1})
}

// join mends it.
func (s *stage) join(kind string) error {
	if kind == "cable" {
		return s.lab.Node(3).SetCable(true)
	}
	if _, err := s.drops(); err != nil {
		return err
	}
	return s.lab.SetDrops()
}
