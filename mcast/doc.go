// Package mcast carries messages between nodes by reliable UDP multicast. It is
// the protocol alone: a state machine that is given datagrams and the time, and
// gives datagrams and deliveries. It owns no socket, clock, goroutine or source
// of randomness, so that the same code runs under the socket driver (mcast/udp)
// and under the seeded network (mcast/simnet).
//
// What it guarantees: a message of a gated topic that Send took is delivered to
// every live peer that wanted the topic and had joined the lane, once, in order
// per (topic, producer). If that cannot be, Lost names the topic, the producer and
// the exact sequences. Nothing of an old session is delivered after something of a
// newer one.
//
// What it does not: it stores nothing beyond its window, gives no order over
// producers, and does not prove who sent a datagram.
//
// The way of one message:
//
//	Send ─▶ open datagram ─▶ window ─▶ Sink.Multicast ····▶ Receive ─▶ lane order ─▶ Sink.Deliver
//	          (packing)        │  ▲                            │ hole
//	                           ▼  └── repair ◀···· NAK ◀───────┘
//	                         trail ─▶ too old ─▶ Sink.Lost on the other side
//
// A gated topic that only one member wants goes to it by Sink.Unicast, on a lane of its own.
//
// Each role has a file. The sending side: lane.go (window and packing), directed.go (lanes to
// one member), send.go, move.go (which lane a topic goes on), retransmit.go, heartbeat.go,
// flow.go, delay.go and pacing.go. The receiving side: receiver.go, ahead.go, gap.go, nak.go,
// stream.go and reassembly.go. Between them: membership.go, hear.go, copies.go, table.go and
// wants.go. The frames are mcast/wire and spec/wire.md.
//
// How to drive an Engine:
//
//	e, err := mcast.New(&cfg, sink, rnd)
//	e.Start(now)
//	for {
//		n := readBatch(until(e.NextTimer()))
//		for i := range n { e.Receive(now, datagram[i], from[i], multicast[i]) }
//		for hasMessage() && e.Send(now, topic, &m) == mcast.Sent { next() }
//		e.Tick(now)  // timers; also hands over what Receive and Send left to send
//		e.Flush(now) // the ring is drained: send the datagram that is not full
//	}
package mcast
