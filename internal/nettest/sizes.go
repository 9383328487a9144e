package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

// jumbo is the MTU of interfaces that carry jumbo frames.
const jumbo = 9000

// sizesScene has three nodes whose interfaces carry jumbo frames: datagrams are large where the switch carries them,
// too, and where one of its ports does not, or no longer, that node gets everything all the same.
func sizesScene(s *stage) error {
	for _, c := range []struct {
		what      string
		own, port int // of the last node
		want      float64
		restarts  bool
	}{{"a switch with jumbo frames", jumbo, jumbo, 8932, false}, {"an interface without", netlab.MTU, jumbo, 1408, false},
		{"a port without, behind which a forwarder begins again", jumbo, netlab.MTU, 1408, true}} {
		if err := s.setSizes(c.own, c.port, c.want); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		time.Sleep(choose(s, 500*time.Millisecond, 10*time.Second))
		if c.restarts {
			s.forwarders[2].End()
			time.Sleep(time.Second) // others would know by now that it receives no large datagrams, if they asked
			if err := s.forward(3); err != nil {
				return fmt.Errorf("%s: %w", c.what, err)
			}
			time.Sleep(time.Second)
		}
		if err := s.concludeSizes(c.what, true); err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	const what = "a port that loses them"
	if err := s.setSizes(jumbo, jumbo, 8932); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	err := s.lab.Node(3).SetMTU(jumbo, netlab.MTU)
	began := time.Now()
	err = errors.Join(err, s.becomes(s.forwarders[0], 1408))
	s.say("small again after %v", time.Since(began).Round(time.Millisecond))
	time.Sleep(2500 * time.Millisecond) // by then all that was lost is given up
	return errors.Join(err, s.concludeSizes(what, false))
}

// setSizes makes the lab, with somebody who publishes to two others in datagrams as large as they may be, and waits until
// they are of the size given.
func (s *stage) setSizes(own, port int, want float64) (err error) {
	s.clear()
	if s.lab, err = netlab.New(3); err != nil {
		return err
	}
	for i, mtu := range [][2]int{{jumbo, jumbo}, {jumbo, jumbo}, {own, port}} {
		if err := s.lab.Node(i+1).SetMTU(mtu[0], mtu[1]); err != nil {
			return err
		}
	}
	for i := 1; i <= 3; i++ {
		if err := s.forward(i, "--report", "200ms"); err != nil {
			return err
		}
	}
	for i := 2; i <= 3; i++ {
		if _, err := s.subscribe(i, []string{"a"}); err != nil {
			return err
		}
	}
	if err := s.becomes(s.forwarders[0], want); err != nil {
		return err
	}
	_, err = s.publish(1, "a", "-size", "6000", "-rate", "2000")
	return err
}

// becomes waits until a forwarder has asked what others receive, and its datagrams are of a size.
func (s *stage) becomes(p *netlab.Process, want float64) error {
	for end := time.Now().Add(15 * time.Second); ; {
		var figures map[string]any
		if err := p.Result(10*time.Second, &figures); err != nil {
			return err
		}
		asked, _ := figures["mcast.probes_sent"].(float64)
		failed, _ := figures["mcast.probes_failed"].(float64)
		if size, _ := figures["mcast.datagram"].(float64); size == want && asked > 0 && (failed > 0 || want > 1408) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("datagrams of %v bytes, want %v", figures["mcast.datagram"], want)
		}
	}
}

// concludeSizes settles and audits, where no rule loses anything.
func (s *stage) concludeSizes(what string, all bool) error {
	if err := s.settle(500 * time.Millisecond); err != nil {
		return err
	}
	sum, err := s.audit()
	s.say("%s: %d to be delivered, %d delivered, %d told as lost", what, sum.sent, sum.delivered, sum.lost)
	if all && err == nil && sum.delivered != sum.sent {
		err = fmt.Errorf("%d of %d delivered", sum.delivered, sum.sent)
	}
	return err
}
