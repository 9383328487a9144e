package mcast

import "net/netip"

// Peer is another node under one session of its forwarder.
type Peer struct {
	node, epoch uint32
	session     uint64
	name, host  string
	from        netip.AddrPort
	// Data is the sink's own: the engine never touches it.
	Data any
}

// Node returns the id of the node.
func (p *Peer) Node() uint32 { return p.node }

// Epoch returns the node's epoch, part of the addresses of its participants.
func (p *Peer) Epoch() uint32 { return p.epoch }

// Session returns the session of the node's forwarder.
func (p *Peer) Session() uint64 { return p.session }

// Name returns what the node calls itself.
func (p *Peer) Name() string { return p.name }

// Host returns the node's host as it says it.
func (p *Peer) Host() string { return p.host }

// From returns where the node's datagrams come from.
func (p *Peer) From() netip.AddrPort { return p.from }
