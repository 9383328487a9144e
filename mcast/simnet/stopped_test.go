package simnet

import (
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// A stop is a run in which the second of two receivers is stopped for 5 s.
type stop struct {
	every   mcast.Duration // between two messages
	length  mcast.Duration // of the stop, if it is not 5 s
	window  int            // bytes
	sending mcast.Duration // what a datagram takes at the sender, and at a receiver
	service mcast.Duration
	socket  int // datagrams
}

// stopped is what came of it.
type stopped struct {
	before, after times // ages at the other receiver
	gap           mcast.Duration
	stall         mcast.Duration // for how long the sender was refused
	back          mcast.Duration // from the end of the stop to a new message
	missed        uint64
}

// run checks the accounts, and returns the times.
func (s stop) run(t *testing.T, seed uint64) (r stopped) {
	t.Helper()
	o := Options{Seed: seed, Nodes: 3, SizeMax: 400, Jitter: 50 * mcast.Microsecond, Socket: s.socket, LossAllowed: true}
	o.Config.Window = s.window
	o.Config.ReceiveBuffer = s.socket * (mcast.MTUDefault + 1024)
	n := New(o)
	n.Run(5*mcast.Second, n.AllJoined)
	x, other, last := n.Nodes[0], n.Nodes[1], n.Nodes[2]
	x.SlowSender(s.sending)
	other.Slow(s.service)
	last.Slow(s.service)
	begin := n.Now()
	if s.length == 0 {
		s.length = 5 * mcast.Second
	}
	from, to := begin+mcast.Second, begin+mcast.Second+s.length
	was := begin
	other.OnDeliver = func(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
		if at := mcast.Time(m.TimestampNs); at < from {
			r.before = append(r.before, n.Now()-at)
		} else {
			r.after = append(r.after, n.Now()-at)
		}
		r.gap, was = max(r.gap, n.Now()-was), n.Now()
	}
	last.OnDeliver = func(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
		if r.back == 0 && n.Now() > to && mcast.Time(m.TimestampNs) > to {
			r.back = n.Now() - to
		}
	}
	s.offer(n, begin, &r)
	n.At(from, func() { last.Pause(to - from) })
	n.Run(s.length+5*mcast.Second, nil)
	if !n.AllTaken() || n.Err() != nil {
		t.Fatalf("seed %d: not everything was taken or told as lost: %v", seed, n.Err())
	}
	if end := x.streams[0].last; other.Missed != 0 || last.Missed+last.Taken != end {
		t.Errorf("seed %d: the stopped one took %d and missed %d of %d, the other one missed %d", seed, last.Taken, last.Missed, end, other.Missed)
	}
	r.missed = last.Missed
	return r
}

// offer publishes until 2 s after the stop. A message carries the time at which it was due.
func (s stop) offer(n *Network, begin mcast.Time, r *stopped) {
	x := n.Nodes[0]
	out := x.streams[0]
	offered := begin
	var step func()
	step = func() {
		for ; !x.mustWait() && offered < n.Now() && offered < begin+s.length+3*mcast.Second; offered += s.every {
			m := mcast.Message{Producer: out.producer, Sequence: out.next, Payload: x.payload(out), TimestampNs: uint64(offered)}
			if x.engine.Send(n.Now(), out.id, &m) != mcast.Sent {
				r.stall = max(r.stall, n.Now()-offered)
				break
			}
			out.next++
			out.last++
			out.sentIn = append(out.sentIn, 0)
			x.engine.Flush(n.Now())
		}
		if !x.mustWait() {
			x.after()
		}
		n.At(max(offered, n.Now()+mcast.Microsecond, x.busyTill), step)
	}
	n.After(0, step)
}

// One of two receivers is stopped for 5 s: the other one's messages are as old as
// before, the sender waits no longer than its budget, and the stopped one learns
// exactly what it missed and takes new messages within a second: guarantee test 16.
// Where datagrams take their time the repairs of what it lacks must not come first.
func TestStoppedReceiver(t *testing.T) {
	const us = mcast.Microsecond
	for _, c := range []struct {
		name string
		stop
		other mcast.Duration // how long the other may wait at most
	}{
		{"small window", stop{every: mcast.Duration(few(100, 500)) * us, window: 4 << 20, socket: 2000}, 250 * mcast.Millisecond},
		{"slow machines", stop{every: 100 * us, window: 8 << 20, socket: 2000, sending: 12 * us, service: 5 * us}, 30 * mcast.Millisecond},
		{"small socket", stop{every: 100 * us, window: 32 << 20, socket: 172, sending: 12 * us, service: 5 * us}, 30 * mcast.Millisecond},
	} {
		r := c.run(t, 11)
		was, is := r.before.us(.99), r.after.us(.99)
		t.Logf("%s: p99 of the other before %d us, after %d us, silent for %d us; sender refused for %d us; the stopped one missed %d, back after %d us",
			c.name, was, is, r.gap/us, r.stall/us, r.missed, r.back/us)
		if float64(is) > 1.2*float64(was)+4*float64(c.sending/us) { // repairs go between, four at most
			t.Errorf("%s: p99 of the other receiver %d us, %d before", c.name, is, was)
		}
		if r.gap > c.other {
			t.Errorf("%s: the other receiver was silent for %d us", c.name, r.gap/us)
		}
		if r.missed == 0 {
			t.Errorf("%s: the stopped one missed nothing", c.name)
		}
		if r.back == 0 || r.back > mcast.Second {
			t.Errorf("%s: the stopped one was back after %d us", c.name, r.back/us)
		}
		if r.stall > 500*mcast.Millisecond {
			t.Errorf("%s: the sender was refused for %d us", c.name, r.stall/us)
		}
	}
}

// Who is stopped for less time than the window reaches misses nothing, and nobody waits
// for it for long.
func TestShortStop(t *testing.T) {
	const ms = mcast.Millisecond
	for _, length := range []mcast.Duration{30 * ms, 200 * ms, 700 * ms} {
		for seed := range uint64(few(2, 1)) {
			s := stop{every: 100 * mcast.Microsecond, length: length, window: 32 << 20, socket: 172, sending: 12 * mcast.Microsecond, service: 5 * mcast.Microsecond}
			r := s.run(t, seed)
			t.Logf("stopped for %d ms: the other was silent for %d us, p99.9 %d us; the stopped one was back after %d us",
				length/ms, r.gap/mcast.Microsecond, r.after.us(.999), r.back/mcast.Microsecond)
			if r.missed != 0 || r.gap > 30*ms {
				t.Errorf("seed %d: stopped for %d ms: it missed %d, the other was silent for %d us", seed, length/ms, r.missed, r.gap/mcast.Microsecond)
			}
		}
	}
}
