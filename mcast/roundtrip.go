package mcast

import "github.com/ringcast/ringcast/mcast/wire"

// rttFilter keeps the least round trip of the last one to two seconds: a smoothed
// one would follow a bloated socket.
type rttFilter struct {
	present, previous Duration
	since             Time
}

func (f *rttFilter) add(now Time, rtt Duration) {
	if now-f.since > Second {
		f.previous, f.present, f.since = f.present, Never, now
	}
	if f.present == 0 || rtt < f.present {
		f.present = rtt
	}
}

func (f *rttFilter) value() Duration {
	v := f.present
	if f.previous != 0 {
		v = min(v, f.previous)
	}
	if v == Never {
		return 0
	}
	return v
}

// worstTrip is the greatest of the members' round trips, as far as it is known without
// asking all of them: there is an SM of each member for each beacon of each lane.
type worstTrip struct {
	value Duration
	stale bool // a member came or went, or the worst one got better
}

// tripOf returns the round trip of the frame that an SM with an echo tells of. It is
// negative where a clock has jumped meanwhile.
func tripOf(now Time, s *wire.Status) Duration {
	return Duration(int32(micros(now)-s.EchoMicros-s.HoldMicros)) * Microsecond
}

// measure takes the round trip out of an SM.
func (e *Engine) measure(now Time, m *member, s *wire.Status) {
	if s.HoldMicros == wire.NoEcho {
		return
	}
	rtt := tripOf(now, s)
	if rtt < 0 || rtt > Second {
		return
	}
	before := m.roundTrip.value()
	m.roundTrip.add(now, max(rtt, 1))
	w := &e.worst
	if m.timed() {
		after := m.roundTrip.value()
		w.stale = w.stale || before == w.value && after < before
		w.value = max(w.value, after)
	}
	if w.stale {
		*w = worstTrip{value: e.worstOfAll()}
	}
	if w.value != 0 {
		e.roundTrip = min(max(w.value, e.cfg.Timers.RoundTripMin), 100*Millisecond)
	}
}

// timed says whether the group's round trip goes by this member's.
func (m *member) timed() bool { return m.joined && !m.isolated }

func (e *Engine) worstOfAll() (worst Duration) {
	for _, p := range e.peers {
		for i := range p.members {
			if m := &p.members[i]; m.timed() {
				worst = max(worst, m.roundTrip.value())
			}
		}
	}
	return worst
}
