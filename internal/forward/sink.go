package forward

import (
	"net/netip"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/roster"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/shm"
)

// A sink is the Forwarder as the engine sees it. Its methods run with
// Forwarder.mu held.
type sink Forwarder

// Multicast sends to the group. What does not get out is repaired like any loss.
func (s *sink) Multicast(datagrams [][]byte) {
	if _, err := s.conn.WriteMulticast(datagrams); err != nil {
		s.counters.netErrors.Add(1)
	}
}

// Unicast sends to one peer.
func (s *sink) Unicast(to netip.AddrPort, datagram []byte) {
	if s.cfg.DropNAK && isType(datagram, layout.FrameTypeNak) {
		s.counters.droppedNAKs.Add(1)
		return
	}
	one := [1][]byte{datagram}
	if _, err := s.conn.WriteTo(to, one[:]); err != nil {
		s.counters.netErrors.Add(1)
	}
}

// Copies sends to one peer what it does not hear of the group.
func (s *sink) Copies(to netip.AddrPort, datagrams [][]byte) {
	if _, err := s.conn.WriteTo(to, datagrams); err != nil {
		s.counters.netErrors.Add(1)
	}
}

// isType looks at a frame's type alone.
func isType(datagram []byte, frame uint8) bool {
	return len(datagram) > layout.FrameHeaderTypeOffset && datagram[layout.FrameHeaderTypeOffset] == frame
}

// countDropped counts the lost datagrams that only a repair brings back.
func (f *Forwarder) countDropped(datagram []byte) {
	if isType(datagram, layout.FrameTypeData) {
		f.counters.droppedData.Add(1)
	}
}

// Deliver puts a message into its local ring.
func (s *sink) Deliver(peer *mcast.Peer, topic *mcast.RemoteTopic, m *mcast.Message) {
	f := (*Forwarder)(s)
	if topic.Name == directoryTopic {
		f.takeDirectory(peer, m.Payload)
		return
	}
	if f.direct.takes(peer, topic, m) {
		return
	}
	in := f.inboundOf(peer, topic)
	if in == nil {
		return
	}
	var it item
	fromWire(&it, m)
	if m.Kind == layout.MessageKindRequest && len(m.Block) == layout.AddressBlockSize {
		it.meta.Block = f.direct.restamp(m.Block)
	}
	if in.take(&it) > parkHigh {
		in.setFull(true)
	}
}

// Lost puts the event into the local ring, in the place of the messages.
func (s *sink) Lost(peer *mcast.Peer, topic *mcast.RemoteTopic, producer mcast.Address, first, last uint64, reason mcast.LossReason) {
	f := (*Forwarder)(s)
	if topic.Name == directoryTopic {
		f.dir.roster.Missed(roster.Time(f.now()), peer.Node())
		return
	}
	f.counters.lost.Add(last - first + 1)
	if f.direct.takes(peer, topic, nil) {
		return // whose they were nobody knows: their time ends them
	}
	f.cfg.Log("topic %q from node %d: %v lost messages %d..%d (%v)", topic.Name, peer.Node(), shm.Address(producer), first, last, reason)
	if in := f.inboundOf(peer, topic); in != nil {
		it := lossItem(shm.Address(producer), first, last, uint32(reason))
		in.take(&it)
	}
}

// PeerUp notes a node.
func (s *sink) PeerUp(peer *mcast.Peer) {
	s.cfg.Log("node %d is up: session %d at %v", peer.Node(), peer.Session(), peer.From())
	s.peers[peer] = nil
	s.direct.peerUp(peer)
	(*Forwarder)(s).peerUp(peer)
	s.counters.peers.Set(uint64(len(s.peers)))
	(*Forwarder)(s).peersChanged()
}

// PeerDown forgets a node; its topics stay, in case it comes back.
func (s *sink) PeerDown(peer *mcast.Peer, reason mcast.DownReason) {
	s.cfg.Log("node %d is down: %v", peer.Node(), reason)
	delete(s.peers, peer)
	delete(s.heeded, peer)
	s.direct.peerDown(peer)
	(*Forwarder)(s).peerDown(peer, reason)
	for _, in := range s.in {
		for topic, owner := range in.remote {
			if owner == peer {
				delete(in.remote, topic)
			}
		}
	}
	s.counters.peers.Set(uint64(len(s.peers)))
	(*Forwarder)(s).peersChanged()
}

// Wants notes what a node asks for.
func (s *sink) Wants(peer *mcast.Peer, patterns []string) {
	s.direct.wants(peer, patterns)
	patterns = (*Forwarder)(s).splitWants(peer, patterns)
	was := s.peers[peer]
	if was != nil && slices.Equal(was, patterns) {
		return
	}
	s.cfg.Log("node %d wants %q", peer.Node(), patterns)
	s.peers[peer] = append([]string{}, patterns...)
	(*Forwarder)(s).forgetHeeded(peer)
	delete(s.renewal.awaited, peer.Node())
	if was != nil && !s.renewal.holds() { // the first list of a session lets nothing go: it may not be all yet
		(*Forwarder)(s).forgetUnwanted()
	}
	(*Forwarder)(s).wantRescan()
}

// Notice tells whoever reads the log who was put out or isolated.
func (s *sink) Notice(peer *mcast.Peer, lane uint32, what mcast.Notice) {
	if what == mcast.NotReached {
		s.cfg.Log("node %d does not receive datagrams of %d bytes: check the MTU of its interface and of the switches between; going on with %d",
			peer.Node(), s.conn.MTU(), s.conn.SurePayload())
		return
	}
	s.cfg.Log("node %d: %v (lane %d)", peer.Node(), what, lane)
}

// Room lets the pump try again.
func (s *sink) Room() { s.self.Doorbell().Ring() }

// Stale asks for a greater session.
func (s *sink) Stale(seen uint64) { s.stale = max(s.stale, seen) }

// DuplicateNode raises the alarm.
func (s *sink) DuplicateNode(other netip.AddrPort, session uint64) {
	s.counters.duplicateNode.Add(1)
	who := other.String()
	if !other.IsValid() {
		who = "a machine that is not heard here, as others say"
	}
	s.cfg.Log("DUPLICATE NODE: %s (session %d) speaks as node %d, too: give one of them another id with --node", who, session, (*Forwarder)(s).node())
}
