package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

const (
	soakNodes  = 3
	soakTopics = 12                     // that come and go, by name
	soakLiving = 6                      // programs at once, beside those of the stream
	soakApart  = 250 * time.Millisecond // between two acts
	// soakGrowth is what a forwarder's own memory may grow by from the second third to the last: a
	// garbage-collected heap breathes.
	soakGrowth, soakGrowthMB = 1.15, 4
)

// A soak is the other half of test 25: for long, one stream must arrive whole at two nodes with 1 % loss,
// while beside it programs begin, end and are killed on all nodes, with topics and services of their own.
type soak struct {
	*stage
	rnd    *rand.Rand
	guests []*netlab.Process
	began  map[string]int
	killed int
	memory [soakNodes][3][]float64 // of each forwarder, MB in each third
}

// soakScene plays it.
func soakScene(s *stage) error {
	seed := uint64(time.Now().UnixNano()) >> 10 & 0xffffff
	k := &soak{stage: s, rnd: rand.New(rand.NewPCG(seed, 25)), began: map[string]int{}}
	defer k.dismiss()
	if err := s.set(soakNodes); err != nil {
		return err
	}
	for _, node := range []int{2, 3} {
		if _, err := s.subscribe(node, []string{"a"}); err != nil {
			return err
		}
	}
	if err := s.lab.LoseInto(1); err != nil {
		return err
	}
	if _, err := s.publish(1, "a", "-size", "400", "-rate", "1000"); err != nil {
		return err
	}
	s.say("seed %d of what comes and goes; %v", seed, s.time)
	begin := time.Now()
	for said := begin; time.Since(begin) < s.time; time.Sleep(soakApart) {
		if err := k.act(); err != nil {
			return err
		}
		k.measure(min(2, int(3*time.Since(begin)/s.time)))
		if time.Since(said) > 20*time.Second {
			said = time.Now()
			s.say("%3.0f s: begun %v, %d killed", time.Since(begin).Seconds(), k.began, k.killed)
		}
	}
	k.dismiss()
	return errors.Join(k.conclude(fmt.Sprintf("soak, begun %v, %d killed", k.began, k.killed), time.Second, true), k.flat())
}

// act lets a guest begin, or one end, by a word or by a kill.
func (k *soak) act() error {
	if len(k.guests) < soakLiving && k.rnd.IntN(2) == 0 || len(k.guests) == 0 {
		return k.invite()
	}
	i := k.rnd.IntN(len(k.guests))
	p := k.guests[i]
	k.guests = append(k.guests[:i], k.guests[i+1:]...)
	if k.rnd.IntN(2) == 0 {
		k.killed++
		p.Kill()
		return nil
	}
	p.End()
	return nil
}

// invite starts a guest on any node.
func (k *soak) invite() error {
	n := k.lab.Node(1 + k.rnd.IntN(soakNodes))
	topic := fmt.Sprintf("churn.%d", k.rnd.IntN(soakTopics))
	role := []string{"publish", "subscribe", "serve"}[k.rnd.IntN(3)]
	command := map[string][]string{
		"publish":   {"-topic", topic, "-size", "200", "-rate", "200"},
		"subscribe": {"-topics", topic},
		"serve":     {},
	}[role]
	p, err := n.Run(nil, append([]string{self, role, "-dir", n.Dir}, command...)...)
	if err != nil {
		return err
	}
	k.guests = append(k.guests, p)
	k.began[role]++
	_, err = p.Line(30 * time.Second)
	return err
}

// dismiss kills whoever is left.
func (k *soak) dismiss() {
	for _, p := range k.guests {
		p.Kill()
	}
	k.guests = nil
}

// measure notes what the forwarders have in memory that is no file's.
func (k *soak) measure(third int) {
	for i, p := range k.forwarders {
		if _, own := p.Resident(); own > 0 {
			k.memory[i][third] = append(k.memory[i][third], own)
		}
	}
}

// flat holds the last third against the second.
func (k *soak) flat() error {
	var errs []error
	for i := range k.memory {
		first, second, last := middle(k.memory[i][0]), middle(k.memory[i][1]), middle(k.memory[i][2])
		k.say("memory of its own of forwarder %d, MB, median of each third: %.1f, %.1f, %.1f", i+1, first, second, last)
		if last == 0 || last > soakGrowth*second+soakGrowthMB {
			errs = append(errs, fmt.Errorf("forwarder %d grew from %.1f to %.1f MB", i+1, second, last))
		}
	}
	return errors.Join(errs...)
}

// middle is the median, 0 of nothing.
func middle(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}
