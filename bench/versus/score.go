package main

import (
	"fmt"
	"slices"

	"github.com/ringcast/ringcast/bench/peers"
)

// A score is how ours stands beside one peer, over the cells that both can do and have run.
type score struct {
	peer    peers.Peer
	ahead   int
	factors []float64 // how many times better ours is, in each
}

// scores are those of all peers that have run, in the order of the table.
func scores(lines []line) (list []score) {
	for _, p := range peers.All {
		s := score{peer: p}
		for i := range lines {
			s.add(lines[i].rows)
		}
		if len(s.factors) > 0 {
			list = append(list, s)
		}
	}
	return list
}

func (s *score) add(rows []row) {
	for j := range rows {
		if r := &rows[j]; r.peer.Name == s.peer.Name && r.cannot == "" && r.factor() > 0 {
			s.factors = append(s.factors, r.factor())
			if r.ahead() {
				s.ahead++
			}
		}
	}
}

// middle is the median of the factors.
func (s *score) middle() float64 {
	f := slices.Sorted(slices.Values(s.factors))
	return (f[(len(f)-1)/2] + f[len(f)/2]) / 2
}

func (s *score) String() string {
	return fmt.Sprintf("  beside %-12s ahead in %2d of %2d, in the middle %5.2fx", s.peer.Title+":", s.ahead, len(s.factors), s.middle())
}
