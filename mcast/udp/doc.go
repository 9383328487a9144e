// Package udp moves datagrams between the nodes of a domain: IPv4 UDP
// multicast for what everybody wants, unicast for what one peer needs. It knows
// no frames, no peers and no timers; the protocol engine sits on top of it.
//
// # Three sockets
//
// A Conn has a receive socket and a send socket on one interface, and one for the way out:
//
//	receive   bound to GROUP:PORT, shared by all forwarders of a host
//	          (SO_REUSEADDR), joined by interface index
//	send      bound to INTERFACE ADDRESS:PORT+1..PORT+16, the first free one
//	out       bound to the same, connected to GROUP:PORT, so that nothing comes to it
//
// Everything is sent from the send socket's address, so that is the way back:
// whoever heard a datagram may answer to it, and the answer reaches this Conn
// alone. (Unicast to a port that two forwarders share would reach one of them.)
// ReadBatch therefore receives from the first two, by one call. The datagrams
// leave through the third, on which nobody waits, because for each datagram that
// has left the kernel looks for somebody who waits for room. The datagrams of a
// Conn come back to it, too, while other forwarders of the same host must hear
// them (always on a loopback interface); Datagram.Own tells them apart.
//
// The interface may go down and come back, or get another address, while a Conn is
// open: ReadBatch joins the group again and binds to the new address. Config.Notice
// is told what happened.
//
// # What it guarantees
//
// Only datagrams to this group that came in through this interface are seen
// (IP_MULTICAST_ALL is off). Nothing crosses a router (TTL 1), and no datagram is
// fragmented by IP (DF is set, longer ones are refused). A datagram that the
// kernel cut short is counted and never handed out. Reading and writing make no
// allocation per datagram.
//
// # What it does not
//
// Datagrams get lost, doubled and reordered, here as on any network. If the send
// buffer is full, a Conn waits for it a few times and then drops the datagram,
// counted: a hole serves a protocol that repairs loss better than a stopped loop.
// Nothing is authenticated. IPv6 is not supported. Linux only.
//
// # Batches
//
// One system call moves many datagrams (recvmmsg, sendmmsg), and one datagram of
// the kernel may carry many of ours: runs of equal size are joined when sent
// (UDP_SEGMENT) and split again when received (UDP_GRO). Callers see single wire
// datagrams only.
//
// # Sleeping
//
// If much comes, or the program is busy, ReadBatch sleeps in ppoll. While the program
// says that it is idle (SetIdle) and little comes, it sleeps in the runtime's poller
// instead, from which the process comes back for much less.
//
// # Faults
//
// Between the sockets and the caller lies a layer that loses, doubles, reorders
// and delays datagrams on request, from a seed; see ParseFault. It acts on single
// wire datagrams. It is absent, not idle, when nothing is asked of it.
//
// # Concurrency
//
// One goroutine reads and one writes; they may be the same. Wake, Close, the
// counters and everything that only describes a Conn may be used from any.
//
//	conn, err := udp.Open(&udp.Config{Domain: "default"})
//	...
//	batch := conn.NewBatch()
//	for {
//		_, err := conn.ReadBatch(batch, engine.UntilNextTimer())
//		if err != nil {
//			return err // os.ErrClosed after Close
//		}
//		for _, d := range batch.Datagrams() { // maybe none: time, or Wake
//			engine.Receive(now, d.Bytes, d.From, d.Multicast)
//		}
//	}
package udp
