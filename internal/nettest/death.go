package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/netlab"
	"github.com/ringcast/ringcast/shm"
)

// serve is the role of an instance of the service "work"; it says its address, and stays
// until it is killed.
func serve(args []string) error {
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	dir := f.String("dir", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	bus, err := ringcast.Open(context.Background(), &ringcast.Config{Dir: *dir, Domain: domain, Name: "serve"})
	if err != nil {
		return err
	}
	if _, err := bus.Serve("work", func(_ context.Context, r *ringcast.Request) error { return r.Reply(r.Payload()) }, nil); err != nil {
		return err
	}
	fmt.Println(bus.Address())
	_, _ = os.Stdin.Read(make([]byte, 1))
	select {}
}

// killScene is the other part of test 19: instances of a service are killed on one node, and the others
// learn it, without loss and with it.
func killScene(s *stage) error {
	for _, percent := range []float64{0, 5} {
		if err := killAt(s, percent); err != nil {
			return fmt.Errorf("at %g %%: %w", percent, err)
		}
	}
	return nil
}

func killAt(s *stage, percent float64) error {
	if err := s.set(3); err != nil {
		return err
	}
	if percent > 0 {
		if err := s.lab.LoseInto(percent); err != nil {
			return err
		}
	}
	var watchers []*shm.Domain
	for i := 1; i <= 2; i++ {
		if err := until(10*time.Second, "nodes know each other", func() bool { return knows(s.lab.Node(i)) == 2 }); err != nil {
			return err
		}
		d, err := shm.OpenDomain(&shm.Config{Base: s.lab.Node(i).Dir, Domain: domain, ReadOnly: true})
		if err != nil {
			return err
		}
		defer d.Close()
		watchers = append(watchers, d)
	}
	var came, gone []uint64
	for range choose(s, 15, 100) {
		up, down, err := s.killOne(s.lab.Node(3), watchers)
		if err != nil {
			return err
		}
		came, gone = append(came, up...), append(gone, down...)
	}
	known, missed := spreadOf(came), spreadOf(gone)
	s.say("%g %% loss: an instance is known on the other nodes %v after it began to serve; a killed one is missed there after %v", percent, known, missed)
	return within("missing a killed process", missed.Max, 100)
}

// killOne starts an instance and kills it. It returns when each watcher knew of it, from its
// first word on, and when each missed it, from the kill on.
func (s *stage) killOne(n *netlab.Node, watchers []*shm.Domain) (came, gone []uint64, err error) {
	p, err := n.Run(nil, self, "serve", "-dir", n.Dir)
	if err != nil {
		return nil, nil, err
	}
	defer p.Kill()
	line, err := p.Line(10 * time.Second)
	if err != nil {
		return nil, nil, err
	}
	began := clock()
	address, err := shm.ParseAddress(line)
	if err != nil {
		return nil, nil, err
	}
	if came, err = awaitStanding(watchers, address, shm.StandingUp, began); err != nil {
		return nil, nil, err
	}
	began = clock()
	p.Kill()
	gone, err = awaitStanding(watchers, address, shm.StandingGone, began)
	for _, d := range watchers {
		directory, err2 := d.Directory()
		if err2 == nil && directory.Serving("work") != nil {
			err2 = errors.New("a killed process is still among the instances")
		}
		err = errors.Join(err, err2)
	}
	return came, gone, err
}

// awaitStanding waits until all watchers see an address so, and returns when each did.
func awaitStanding(watchers []*shm.Domain, a shm.Address, want shm.Standing, began uint64) ([]uint64, error) {
	took := make([]uint64, len(watchers))
	err := until(20*time.Second, fmt.Sprintf("standing %d of %v", want, a), func() bool {
		left := 0
		for i, d := range watchers {
			if took[i] != 0 {
				continue
			}
			if x, err := d.Directory(); err == nil && x.Standing(a) == want {
				took[i] = max(1, clock()-began)
			} else {
				left++
			}
		}
		return left == 0
	})
	return took, err
}
