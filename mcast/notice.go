package mcast

// Notice is something about a peer and a lane that no message shows.
type Notice uint8

// The notices. The first four are about a member of an own lane, the next three about
// this node in a lane of the peer, the others about the link to the peer.
const (
	MemberPutOut     Notice = 1 // it held the lane up: nobody waits for it
	MemberIsolated   Notice = 2 // it alone loses much, whatever the rate: nobody waits for it, its repairs have a bounded share
	MemberBack       Notice = 3 // it was put out, and is waited for again
	MemberReadmitted Notice = 4 // it was isolated, and is no more

	PutOut     Notice = 5  // the owner no longer waits for this node
	Isolated   Notice = 6  // the owner has isolated this node
	WaitedFor  Notice = 7  // the owner has stopped saying so
	Deaf       Notice = 8  // the peer says that it does not hear this node's multicast: see Peer.Hears
	HearsAgain Notice = 9  // it says so no more
	NotReached Notice = 10 // the peer does not receive datagrams of Config.MTULarge bytes: nobody is sent such
	noticesMax        = 11
)

func (n Notice) String() string {
	names := [noticesMax]string{"", "member put out", "member isolated", "member back", "member re-admitted",
		"put out here", "isolated here", "waited for here",
		"does not hear our multicast", "hears our multicast again", "does not receive large datagrams"}
	if n == 0 || n >= noticesMax {
		return "unknown"
	}
	return names[n]
}

// putOut notes that the owner of a lane does not wait for this node.
func (e *Engine) putOut(now Time, r *receiver, isolated bool) {
	was := now < r.putOutTill
	r.putOutTill = now + 2*e.cfg.Timers.ReturnAfter
	e.arm(r.putOutTill)
	if was && r.isolated == isolated {
		return
	}
	r.isolated = isolated
	what := PutOut
	if isolated {
		what = Isolated
	}
	e.sink.Notice(r.peer, r.lane, what)
}

// tickPutOut notes that the owner has not said so for long enough.
func (e *Engine) tickPutOut(now Time, r *receiver) {
	switch {
	case r.putOutTill == 0:
	case now < r.putOutTill:
		e.arm(r.putOutTill)
	default:
		r.putOutTill, r.isolated = 0, false
		e.sink.Notice(r.peer, r.lane, WaitedFor)
	}
}
