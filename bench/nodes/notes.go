package nodes

import (
	"fmt"
	"strings"

	"github.com/ringcast/ringcast/bench"
)

// missingNote says what a peer did not deliver, if anything.
func missingNote(_, b *tried) string {
	var missing, received, disorder uint64
	for _, o := range b.outcomes {
		for _, r := range o.received {
			missing, received, disorder = missing+r.Missing, received+r.Received, disorder+r.Disorder
		}
	}
	if missing+disorder == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d messages missing, %d out of order", b.name, missing, missing+received, disorder)
}

// lossNote shows that frames were lost, by the kernel's counters, and what our sending
// forwarder's rate controller and repair did.
func lossNote(a, b *tried) string {
	var parts []string
	if text := missingNote(a, b); text != "" && b != a {
		parts = append(parts, text)
	}
	if len(b.outcomes) > 0 {
		var seen, lost uint64
		for _, o := range b.outcomes {
			for _, c := range o.drops {
				seen, lost = seen+c.Seen*b2u(!c.Out), lost+c.Lost
			}
		}
		parts = append(parts, fmt.Sprintf("%d of %d frames lost by nftables (%.2f %%)", lost, seen, 100*float64(lost)/float64(max(seen, 1))))
	}
	if n := len(a.outcomes); n > 0 && (b.name == ownLossless || a == b) {
		parts = append(parts, stateOf(a.outcomes[n-1].state))
	}
	return strings.Join(parts, "; ")
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// stateOf is the sending forwarder's own account of the last run.
func stateOf(s map[string]uint64) string {
	m := func(name string) uint64 { return s["mcast."+name] }
	return fmt.Sprintf("sender: %d datagrams, %d repairs, %d NAKs; rate cut %d times; refused for the rate %d, window %d, credit %d, topic %d; put out %d",
		m("data_sent"), m("repairs_sent"), m("nak_received"), m("rate_cuts"), m("busy_pacing"), m("busy_window"), m("busy_credit"),
		m("busy_topic"), m("untethered"))
}

// lateNote says whether the offered rate was carried.
func lateNote(a, b *tried) string {
	carried := func(t *tried) string {
		var rates []float64
		for _, o := range t.outcomes {
			rates = append(rates, o.figure().Rate)
		}
		return fmt.Sprintf("%s carried %.0f a second", t.name, bench.Median(rates))
	}
	text := carried(a) + ", " + carried(b)
	if m := missingNote(a, b); m != "" {
		text += "; " + m
	}
	return text
}
