package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// losses prints when and why what was told as lost was lost.
func (m *mesh) losses() {
	for node := 1; node <= m.nodes; node++ {
		for _, l := range m.hears[node].heard.Losses {
			fmt.Printf("   node %d, %.3f s: lost %d of %s: %s\n", node, float64(int64(l.At-m.began))/1e9, l.Count, l.Topic, l.Why)
		}
	}
}

// told are the figures of the forwarders that are printed.
var told = []string{"forward.sent", "forward.delivered", "forward.lagged", "forward.lost", "forward.dropped", "mcast.data_sent",
	"mcast.data_received", "mcast.heartbeats_sent", "mcast.status_sent", "mcast.copies_sent", "mcast.duplicates", "mcast.holes", "mcast.repairs_sent", "mcast.nak_received", "mcast.holes_lost", "mcast.untethered", "mcast.isolated", "mcast.busy_window",
	"mcast.busy_credit", "mcast.busy_topic", "mcast.busy_pacing", "mcast.rate_cuts", "mcast.local_losses", "mcast.repair_overflow", "mcast.quarantines"}

// figures ends the forwarders, and prints what they counted.
func (m *mesh) figures() error {
	var errs []error
	var all []map[string]uint64
	head := fmt.Sprintf("   %-24s", "forwarder of node")
	for _, p := range m.forwarders {
		select {
		case <-p.Ended(): // killed
			continue
		default:
		}
		p.Signal(syscall.SIGTERM)
		figures := map[string]uint64{}
		errs = append(errs, p.Result(20*time.Second, &figures))
		all, head = append(all, figures), head+fmt.Sprintf(" %8d", p.Node.Index)
	}
	fmt.Println(head)
	for _, label := range told {
		line, sum := fmt.Sprintf("   %-24s", label), uint64(0)
		for _, figures := range all {
			line, sum = line+fmt.Sprintf(" %8d", figures[label]), sum+figures[label]
		}
		if sum > 0 {
			fmt.Println(line)
		}
	}
	return errors.Join(errs...)
}

// pairs prints the account of each pair. Between the living nothing is lost; where a node was
// away, what did not come was told, message by message.
func (m *mesh) pairs() error {
	var errs []error
	fmt.Printf("   %-16s %10s %10s %10s %10s   %s\n", "from to", "sent", "delivered", "told lost", "passed by", "ms from due to receipt")
	for _, e := range m.edges {
		f, sub := m.feeds[e.from], m.hears[e.to]
		var sum account
		for key, a := range sub.heard.Accounts {
			if strings.HasPrefix(key, topicOf(e.from)+" ") {
				sum.Delivered, sum.Lost, sum.Behind = sum.Delivered+a.Delivered, sum.Lost+a.Lost, sum.Behind+a.Behind
			}
		}
		name := fmt.Sprintf("%d %s to %d", e.from, f.language, e.to)
		sent, note := f.sent.Load(), sub.heard.All.String()
		switch {
		case e.to == m.restarted:
			note = "(began again in the middle) " + note
		case e.from == m.restarted:
			sent, note = sent+m.killed[e.from].sent.Load(), "(killed, and began again) "+note
		}
		fmt.Printf("   %-16s %10d %10d %10d %10d   %s\n", name, sent, sum.Delivered, sum.Lost, sum.Behind, note)
		errs = append(errs, m.checkPair(e, name, sent, sum))
		if sub.heard.Fault != "" {
			errs = append(errs, fmt.Errorf("%s: %s", name, sub.heard.Fault))
		}
	}
	return errors.Join(errs...)
}

func (m *mesh) checkPair(e edge, name string, sent uint64, a account) error {
	told := a.Delivered + a.Lost + a.Behind
	switch {
	case e.from == m.restarted || e.to == m.restarted: // what a killed program had read of its input nobody knows
		if told > sent || a.Delivered == 0 {
			return fmt.Errorf("%s: %d of %d accounted for", name, told, sent)
		}
	case told != sent:
		return fmt.Errorf("%s: %d of %d accounted for", name, told, sent)
	case e.from != m.cutOff && e.to != m.cutOff && a.Delivered != sent:
		return fmt.Errorf("%s: %d of %d delivered, between nodes that were there all the time", name, a.Delivered, sent)
	}
	return nil
}

// inquiries prints what became of the requests: each has one outcome.
func (m *mesh) inquiries(list []inquiry) error {
	var errs []error
	for i, q := range list {
		sum := uint64(0)
		for _, n := range q.Outcomes {
			sum += n
		}
		fmt.Printf("   requests from node %d: %d asked, %v; by %d instances; %v; the longest %.0f ms\n",
			m.asks[i].Node.Index, q.Asked, q.Outcomes, len(q.By), q.Time, q.Longest)
		for word, n := range q.Outcomes {
			fmt.Printf("      %d %s, from %.1f to %.1f s\n", n, word, float64(int64(q.From[word]-m.began))/1e9, float64(int64(q.To[word]-m.began))/1e9)
		}
		switch {
		case sum != q.Asked:
			errs = append(errs, fmt.Errorf("%d requests of node %d, %d outcomes", q.Asked, m.asks[i].Node.Index, sum))
		case q.Outcomes["answered"] == 0 || q.Outcomes["another answer"] > 0:
			errs = append(errs, fmt.Errorf("requests of node %d: %v", m.asks[i].Node.Index, q.Outcomes))
		}
	}
	return errors.Join(errs...)
}
