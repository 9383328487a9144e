package main

import (
	"fmt"
	"io"

	"github.com/ringcast/ringcast/mcast"
)

// print writes what was seen.
func (f *fleet) print(w io.Writer) {
	fmt.Fprintf(w, "%d nodes of %d kinds, %d instances each; %d troubles, %.1f %% loss\n", len(f.nodes), len(kinds), instances, len(f.troubles), 100*f.options.loss)
	fmt.Fprintf(w, "\n%-34s %7s %9s %9s %9s %9s %9s  %s\n", "ms", "times", "p50", "p90", "p99", "p99.9", "max", "how they lie from 0.1 ms to 10 s")
	f.printSpreads(w, "known to each other node after", f.sightings)
	f.printSpreads(w, "and as it is again, when it was back, after", f.returns)
	f.printSpreads(w, "another node of its kind answered each service first after", f.firstAnswers)
	f.printSpreads(w, "requests that met it, repeated, were answered after", f.takeovers)
	fmt.Fprintf(w, "requests that met nothing of it\n  %-32s %v\n", "", f.quiet())
	fmt.Fprintf(w, "  %-32s %7s %49s  %s\n", "", "", "", scale())
	f.printOutcomes(w)
	j := &f.judged
	fmt.Fprintf(w, "\nall nodes know the same %d ms after the last trouble; %d services that were away from a node (%d times) were answered by others\n",
		f.settled/ms, j.takeovers, j.away)
	if f.net.Err() == nil {
		fmt.Fprintf(w, "nobody was taken for gone who was there (%d stalls of 0.9 s among the troubles); each of %d requests ended once\n", f.count(stalled), j.repeated+j.once)
	}
}

// printSpreads writes one distribution for each kind of trouble that it has any of.
func (f *fleet) printSpreads(w io.Writer, what string, of func(kind int) spread) {
	fmt.Fprintln(w, what)
	for kind := range stalled {
		if s := of(kind); len(s) > 0 {
			fmt.Fprintf(w, "  %-32s %v\n", troubleNames[kind], s)
		}
	}
}

func (f *fleet) count(kind int) (n int) {
	for _, t := range f.troubles {
		if t.kind == kind && t.at > 0 {
			n++
		}
	}
	return n
}

func (f *fleet) sightings(kind int) (s spread) {
	for _, t := range f.troubles {
		if t.kind != kind {
			continue
		}
		for _, n := range f.nodes {
			if at, ok := t.seen[n]; ok && !f.troubled(n, t.at-2*mcast.Second, t.at+2*mcast.Second) {
				s = append(s, at-t.at)
			}
		}
	}
	return s
}

func (f *fleet) returns(kind int) (s spread) {
	for _, t := range f.troubles {
		if t.kind != kind {
			continue
		}
		for _, n := range f.nodes {
			if at, ok := t.again[n]; ok && !f.troubled(n, t.back-2*mcast.Second, t.back+2*mcast.Second) {
				s = append(s, at-t.back)
			}
		}
	}
	return s
}

// takeovers are the times from a death, or from when a request was sent to the dead, until it was answered.
func (f *fleet) takeovers(kind int) (s spread) {
	for _, q := range f.requests {
		if q.met != nil && q.met.kind == kind && q.met.node != q.client.node && q.outcome == "reply" {
			s = append(s, q.replied-q.metAt)
		}
	}
	return s
}

// firstAnswers are, for each service that was away from a node, the times until a request that was begun
// since then was answered by another node: how long it takes until somebody asks is part of it.
func (f *fleet) firstAnswers(kind int) (s spread) {
	for _, t := range f.troubles {
		if t.kind == kind && t.tookAway() {
			for _, after := range t.taken {
				s = append(s, after)
			}
		}
	}
	return s
}

func (f *fleet) quiet() (s spread) {
	for _, q := range f.requests {
		if q.met == nil && q.outcome == "reply" && !f.troubled(q.client.node, q.began-mcast.Second, q.replied) {
			s = append(s, q.replied-q.began)
		}
	}
	return s
}

// printOutcomes shows how requests ended.
func (f *fleet) printOutcomes(w io.Writer) {
	names := []string{"reply", "instance died", "node down", "no service", "overloaded", "deadline", "caller died"}
	fmt.Fprintf(w, "\n%-34s %8s", "outcomes", "all")
	for _, name := range names {
		fmt.Fprintf(w, " %14s", name)
	}
	for _, repeats := range []bool{false, true} {
		counts := map[string]int{}
		all := 0
		for _, q := range f.requests {
			if q.repeats == repeats {
				counts[q.outcome]++
				all++
			}
		}
		label := "  of a client that asks once"
		if repeats {
			label = "  of a client that repeats"
		}
		fmt.Fprintf(w, "\n%-34s %8d", label, all)
		for _, name := range names {
			fmt.Fprintf(w, " %14d", counts[name])
		}
	}
	fmt.Fprintln(w)
}
