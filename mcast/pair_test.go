package mcast

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// station is a node of a test: an engine whose datagrams go to the others at once,
// or are kept for the test to pass on.
type station struct {
	t       testing.TB
	engine  *Engine
	address netip.AddrPort
	others  []*station
	hold    bool     // keep datagrams of the group in kept
	kept    [][]byte // copies
	queue   []parcel
	path    int // bytes of the longest datagram that reaches it; 0: any
	long    int // longer ones with data, which did not

	delivered int
	bytes     int
	lost      uint64
	rooms     int
	notices   []Notice
	wants     []string
	ups       int
	downs     []DownReason
	stale     uint64
	alarms    int
	unicasts  int // datagrams sent to one address, whether somebody is there or not
	octets    int // bytes of them
	lastPeer  *Peer
	lastTopic *RemoteTopic
	onDeliver func(m *Message)
}

type parcel struct {
	from  netip.AddrPort
	data  []byte
	multi bool
}

func newStation(t testing.TB, node uint32, session uint64, change func(*Config)) *station {
	t.Helper()
	s := &station{t: t, address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(node)}), 7000)}
	c := Config{Node: node, Session: session, DomainHash: 7, Name: "n", NoDirected: true} // most tests are of the lane that all have
	if change != nil {
		change(&c)
	}
	e, err := New(&c, s, rand.New(rand.NewPCG(1, session)))
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	return s
}

// connect lets stations hear each other.
func connect(all ...*station) {
	for _, a := range all {
		for _, b := range all {
			if a != b {
				a.others = append(a.others, b)
			}
		}
	}
}

func (s *station) Multicast(datagrams [][]byte) {
	for _, d := range datagrams {
		if s.hold {
			s.kept = append(s.kept, append([]byte(nil), d...))
			continue
		}
		for _, o := range s.others {
			o.reached(s, d, true)
		}
	}
}

func (s *station) Unicast(to netip.AddrPort, d []byte) {
	s.unicasts++
	s.octets += len(d)
	for _, o := range s.others {
		if o.address == to {
			o.reached(s, d, false)
		}
	}
}

// reached takes a datagram, unless its path carries none so long.
func (s *station) reached(from *station, d []byte, multi bool) {
	if s.path != 0 && len(d) > s.path {
		if wire.TypeOf(d) == wire.TypeData {
			s.long++
		}
		return
	}
	s.queue = append(s.queue, parcel{from.address, append([]byte(nil), d...), multi})
}

func (s *station) Deliver(p *Peer, topic *RemoteTopic, m *Message) {
	s.delivered++
	s.bytes += len(m.Payload)
	s.lastPeer, s.lastTopic = p, topic
	if s.onDeliver != nil {
		s.onDeliver(m)
	}
}

func (s *station) Lost(_ *Peer, _ *RemoteTopic, _ Address, first, last uint64, _ LossReason) {
	s.lost += last - first + 1
}
func (s *station) PeerUp(*Peer)                             { s.ups++ }
func (s *station) PeerDown(_ *Peer, r DownReason)           { s.downs = append(s.downs, r) }
func (s *station) Wants(_ *Peer, w []string)                { s.wants = w }
func (s *station) Notice(_ *Peer, _ uint32, what Notice)    { s.notices = append(s.notices, what) }
func (s *station) Room()                                    { s.rooms++ }
func (s *station) Stale(seen uint64)                        { s.stale = seen }
func (s *station) DuplicateNode(_ netip.AddrPort, _ uint64) { s.alarms++ }

// drain gives every station what was sent to it until nothing is left.
func drain(now Time, all ...*station) {
	for moved := true; moved; {
		moved = false
		for _, s := range all {
			q := s.queue
			s.queue = nil
			for _, p := range q {
				s.engine.Receive(now, p.data, p.from, p.multi)
				moved = true
			}
			s.engine.Tick(now)
		}
	}
}

// run passes time in steps of 100 us.
func run(now *Time, d Duration, all ...*station) {
	for end := *now + d; *now < end; *now += 100 * Microsecond {
		drain(*now, all...)
	}
}

// joined returns two stations of which b wants everything that a sends.
func joined(t testing.TB, change func(*Config)) (now Time, a, b *station, topic TopicID) {
	t.Helper()
	a, b = newStation(t, 1, 11, change), newStation(t, 2, 22, change)
	connect(a, b)
	now = Second
	topic, err := a.engine.Topic("orders.eu", TopicShape{SlotCount: 64})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.engine.SetWants(now, []string{"orders.*"}); err != nil {
		t.Fatal(err)
	}
	a.engine.Start(now)
	b.engine.Start(now)
	run(&now, 100*Millisecond, a, b)
	if a.engine.WantedBy("orders.eu") != 1 {
		t.Fatal("not joined after 100 ms")
	}
	return now, a, b, topic
}
