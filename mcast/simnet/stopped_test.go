package simnet

import (
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast"
)

// One of two receivers is stopped for 5 s: the other one's messages are as old as
// before, the sender waits no longer than its budget, and the stopped one learns
// exactly what it missed and takes new messages within a second: guarantee test 16.
func TestStoppedReceiver(t *testing.T) {
	every := mcast.Duration(few(100, 500)) * mcast.Microsecond
	o := Options{Seed: 11, Nodes: 3, SizeMax: 400, Jitter: 50 * mcast.Microsecond, Socket: 2000, LossAllowed: true}
	o.Config.Window = 4 << 20
	o.Config.ReceiveBuffer = 2000 * (mcast.MTUDefault + 1024)
	n := New(o)
	n.Run(5*mcast.Second, n.AllJoined)
	x, stopped := n.Nodes[0], n.Nodes[2]
	s := x.streams[0]
	begin := n.Now()
	stop, resume := begin+mcast.Second, begin+6*mcast.Second
	var before, after []mcast.Duration
	var back mcast.Time
	stall := mcast.Duration(0)
	n.Nodes[1].OnDeliver = func(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
		if at := mcast.Time(m.TimestampNs); at < stop {
			before = append(before, n.Now()-at)
		} else {
			after = append(after, n.Now()-at)
		}
	}
	stopped.OnDeliver = func(_ *mcast.Peer, _ *mcast.RemoteTopic, m *mcast.Message) {
		if back == 0 && n.Now() > resume && n.Now()-mcast.Time(m.TimestampNs) < mcast.Millisecond {
			back = n.Now()
		}
	}
	offered := begin
	var step func()
	step = func() {
		for ; offered < n.Now() && offered < begin+8*mcast.Second; offered += every {
			m := mcast.Message{Producer: s.producer, Sequence: s.next, Payload: x.payload(s), TimestampNs: uint64(offered)}
			if x.engine.Send(n.Now(), s.id, &m) != mcast.Sent {
				stall = max(stall, n.Now()-offered)
				break
			}
			s.next++
			s.last++
			s.sentIn = append(s.sentIn, 0)
			x.engine.Flush(n.Now())
		}
		x.after()
		n.After(every, step)
	}
	n.After(0, step)
	n.At(stop, func() { stopped.Pause(resume - stop) })
	n.Run(9*mcast.Second, nil)
	if !n.AllTaken() || n.Err() != nil {
		t.Fatalf("not everything was taken or told as lost: %v", n.Err())
	}
	slices.Sort(before)
	slices.Sort(after)
	was, is := quantile(before, .99), quantile(after, .99)
	t.Logf("p99 of the other before %d us, after %d us, max %d us; sender refused for %d us; the stopped one missed %d of %d, back after %d us",
		was, is, quantile(after, 1), stall/mcast.Microsecond, stopped.Missed, s.last, (back-resume)/mcast.Microsecond)
	if float64(is) > 1.2*float64(was) {
		t.Errorf("p99 of the other receiver %d us, %d before", is, was)
	}
	if stopped.Missed == 0 || stopped.Missed+stopped.Taken != s.last {
		t.Errorf("the stopped one took %d and missed %d of %d", stopped.Taken, stopped.Missed, s.last)
	}
	if n.Nodes[1].Missed != 0 {
		t.Errorf("the other one missed %d", n.Nodes[1].Missed)
	}
	if back == 0 || back-resume > mcast.Second {
		t.Errorf("the stopped one was back after %d us", (back-resume)/mcast.Microsecond)
	}
	if stall > 500*mcast.Millisecond {
		t.Errorf("the sender was refused for %d us", stall/mcast.Microsecond)
	}
}
