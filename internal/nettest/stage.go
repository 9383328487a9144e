package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/netlab"
	"github.com/ringcast/ringcast/shm"
)

// domain is that of every stage.
const domain = "nettest"

// A stage is a lab with a forwarder on each node, and the programs of one scene.
type stage struct {
	*options
	name        string
	lab         *netlab.Lab
	forwarders  []*netlab.Process
	publishers  []*publisher
	subscribers []*subscriber
}

type publisher struct {
	*netlab.Process
	topic string
	said  sent
}

type subscriber struct {
	*netlab.Process
	topics []string
	heard  heard
}

// playScene plays one scene on a stage of its own, which is gone afterwards.
func playScene(s scene, o *options) error {
	st := &stage{options: o, name: s.name}
	defer st.clear()
	return s.play(st)
}

// clear ends everything.
func (s *stage) clear() {
	var all []*netlab.Process
	for _, p := range s.publishers {
		all = append(all, p.Process)
	}
	for _, p := range s.subscribers {
		all = append(all, p.Process)
	}
	for _, p := range append(all, s.forwarders...) {
		p.Signal(syscall.SIGCONT)
		p.Signal(syscall.SIGTERM)
	}
	for _, p := range append(all, s.forwarders...) {
		p.End()
	}
	s.publishers, s.subscribers, s.forwarders = nil, nil, nil
	if s.lab != nil {
		s.lab.Close()
		s.lab = nil
	}
}

// say prints a line of the scene.
func (s *stage) say(format string, args ...any) {
	fmt.Printf("   %s: %s\n", s.name, fmt.Sprintf(format, args...))
}

// set makes a lab of so many nodes, with a forwarder on each.
func (s *stage) set(nodes int, flags ...string) (err error) {
	s.clear()
	if s.lab, err = netlab.New(nodes); err != nil {
		return err
	}
	for i := 1; i <= nodes; i++ {
		if err := s.forward(i, flags...); err != nil {
			return err
		}
	}
	return nil
}

// forward starts a node's forwarder.
func (s *stage) forward(node int, flags ...string) error {
	n := s.lab.Node(node)
	p, err := n.Run(nil, append([]string{s.keep, "--shm-dir", n.Dir, "--domain", domain, "--interface", netlab.Interface, "--quiet", "--json"}, flags...)...)
	if err != nil {
		return err
	}
	s.forwarders = append(s.forwarders, p)
	return nil
}

// self is this program.
const self = "/proc/self/exe"

// subscribe starts a subscriber of topics on a node.
func (s *stage) subscribe(node int, topics []string, flags ...string) (*subscriber, error) {
	n := s.lab.Node(node)
	p, err := n.Run(nil, append([]string{self, "subscribe", "-dir", n.Dir, "-topics", strings.Join(topics, ",")}, flags...)...)
	if err != nil {
		return nil, err
	}
	sub := &subscriber{Process: p, topics: topics}
	s.subscribers = append(s.subscribers, sub)
	return sub, p.Ready()
}

// publish starts a publisher on a node, once the node knows that all who subscribe to
// its topic on other nodes want it.
func (s *stage) publish(node int, topic string, flags ...string) (*publisher, error) {
	n := s.lab.Node(node)
	want := map[*netlab.Node]bool{}
	for _, sub := range s.subscribers {
		if sub.Node != n && slices.Contains(sub.topics, topic) {
			want[sub.Node] = true
		}
	}
	if err := until(10*time.Second, fmt.Sprintf("node %d knows who wants %s", node, topic), func() bool {
		return s.wanted(n, topic) >= len(want)
	}); err != nil {
		return nil, err
	}
	p, err := n.Run(nil, append([]string{self, "publish", "-dir", n.Dir, "-topic", topic}, flags...)...)
	if err != nil {
		return nil, err
	}
	pub := &publisher{Process: p, topic: topic}
	s.publishers = append(s.publishers, pub)
	return pub, p.Ready()
}

// directory is what a node knows of the others.
func directory(n *netlab.Node) (d table.Directory, err error) {
	dom, err := shm.OpenDomain(&shm.Config{Base: n.Dir, Domain: domain, ReadOnly: true})
	if err != nil {
		return d, err
	}
	defer dom.Close()
	b, err := dom.ReadDirectory()
	if err != nil {
		return d, err
	}
	return table.ParseDirectory(b)
}

// wanted is how many other nodes want a topic, as a node knows it.
func (s *stage) wanted(n *netlab.Node, topic string) (count int) {
	d, _ := directory(n)
	for _, peer := range d.Nodes {
		if slices.Contains(peer.Wants, topic) {
			count++
		}
	}
	return count
}

// knows is how many other nodes a node knows to be there.
func knows(n *netlab.Node) int {
	d, _ := directory(n)
	return len(d.Nodes)
}

// until polls until something is so.
func until(limit time.Duration, what string, so func() bool) error {
	for end := time.Now().Add(limit); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %v", what, limit)
		}
	}
	return nil
}

// settle ends the publishers, gives the rest time to arrive, and then the subscribers; what
// all say is kept.
func (s *stage) settle(rest time.Duration) error {
	for _, p := range s.publishers {
		p.Signal(syscall.SIGTERM)
	}
	for _, p := range s.publishers {
		if err := p.Result(20*time.Second, &p.said); err != nil {
			return err
		}
	}
	time.Sleep(rest)
	for _, sub := range s.subscribers {
		sub.Signal(syscall.SIGTERM)
	}
	for _, sub := range s.subscribers {
		if err := sub.Result(10*time.Second, &sub.heard); err != nil {
			return err
		}
	}
	return nil
}

// A total is the sum over all subscribers and publishers.
type total struct{ sent, delivered, lost, behind uint64 }

// audit holds every subscriber against every publisher of its topics: sent = delivered +
// told as lost + passed by while it was put out, exactly.
func (s *stage) audit() (sum total, err error) {
	var errs []error
	for _, sub := range s.subscribers {
		if sub.heard.Fault != "" {
			errs = append(errs, fmt.Errorf("%s: %s", sub.Name(), sub.heard.Fault))
		}
		behind := uint64(0)
		for _, p := range s.publishers {
			if !slices.Contains(sub.topics, p.topic) {
				continue
			}
			var a account
			if got := sub.heard.Accounts[p.topic+" "+p.said.Address]; got != nil {
				a = *got
			}
			if a.Delivered+a.Lost+a.Behind != p.said.Sent {
				errs = append(errs, fmt.Errorf("%s: of %d messages in %s from %s %d were delivered, %d told as lost, %d passed by",
					sub.Name(), p.said.Sent, p.topic, p.said.Address, a.Delivered, a.Lost, a.Behind))
			}
			behind += a.Behind
			sum.sent, sum.delivered, sum.lost, sum.behind = sum.sent+p.said.Sent, sum.delivered+a.Delivered, sum.lost+a.Lost, sum.behind+a.Behind
		}
		// Positions are messages, and those that producers stepped over because a stopped
		// reader has them in hand.
		if behind > sub.heard.Lagged {
			errs = append(errs, fmt.Errorf("%s: LAGGED names %d positions, %d messages passed by", sub.Name(), sub.heard.Lagged, behind))
		}
	}
	return sum, errors.Join(errs...)
}

// drops says what nftables lost, and that it lost something.
func (s *stage) drops() (lost uint64, err error) {
	counts, err := s.lab.Drops()
	if err != nil {
		return 0, err
	}
	for _, c := range counts {
		if c.Lost > 0 {
			s.say("%v", c)
		}
	}
	if lost = netlab.Lost(counts); lost == 0 {
		return 0, errors.New("nftables lost nothing: this was no test")
	}
	return lost, nil
}

// within holds a figure, in milliseconds, ten times over.
func within(what string, ms, bound float64) error {
	if ms > 10*bound {
		return fmt.Errorf("%s took %.1f ms, promised are %.1f", what, ms, bound)
	}
	return nil
}

// withinP99 holds a spread's p99, in the long form alone: of the small one's hundred it is the
// greatest, which is whatever the machine was busy with.
func (s *stage) withinP99(what string, m spread, bound float64) error {
	if !s.long {
		return within(what+", p50", m.P50, bound)
	}
	return within(what+", p99", m.P99, bound)
}
