//go:build linux

package udp

import "sync/atomic"

// Counters are what a Conn did since it was opened. All but the last group count
// wire datagrams (after a received one was split, before sent ones are joined).
// They only grow. Safe for concurrent use by multiple goroutines.
type Counters struct {
	// Written by the reading goroutine.
	ReceivedDatagrams atomic.Uint64
	ReceivedBytes     atomic.Uint64
	ReceivedUnicast   atomic.Uint64
	ReceivedOwn       atomic.Uint64
	Truncated         atomic.Uint64
	KernelDrops       atomic.Uint64
	ReceiveErrors     atomic.Uint64
	ReceiveCalls      atomic.Uint64
	Joined            atomic.Uint64
	_                 [64]byte // the writing goroutine's are on other cache lines

	// Written by the writing goroutine.
	SentDatagrams atomic.Uint64
	SentBytes     atomic.Uint64
	SendDropped   atomic.Uint64
	SendErrors    atomic.Uint64
	SendRetries   atomic.Uint64
	SendCalls     atomic.Uint64
	Segmented     atomic.Uint64
	_             [64]byte

	// Written by the fault layer.
	FaultReceive FaultCounters
	FaultSend    FaultCounters
}

// FaultCounters are what the fault layer did in one direction, in datagrams.
// Safe for concurrent use by multiple goroutines.
type FaultCounters struct {
	Dropped    atomic.Uint64
	Duplicated atomic.Uint64
	Reordered  atomic.Uint64
	Delayed    atomic.Uint64
	Overflowed atomic.Uint64
}

// A CounterValue is one counter with its description.
type CounterValue struct {
	Label string // dotted, stable
	Unit  string
	Help  string // a sentence
	Value uint64
}

// All returns every counter with its value, always in the same order and number.
// It allocates.
func (c *Counters) All() []CounterValue {
	all := []CounterValue{
		{"udp.received", "datagrams", "Received from both sockets, own ones included.", c.ReceivedDatagrams.Load()},
		{"udp.received_bytes", "bytes", "UDP payload received.", c.ReceivedBytes.Load()},
		{"udp.received_unicast", "datagrams", "Received on the send socket: NAKs, status, unicast repairs.", c.ReceivedUnicast.Load()},
		{"udp.received_own", "datagrams", "Own datagrams that multicast looped back.", c.ReceivedOwn.Load()},
		{"udp.truncated", "datagrams", "Longer than the receive buffer; dropped.", c.Truncated.Load()},
		{"udp.kernel_drops", "datagrams", "Dropped by the kernel because a socket's buffer was full.", c.KernelDrops.Load()},
		{"udp.receive_errors", "calls", "Receive calls that ended in an error.", c.ReceiveErrors.Load()},
		{"udp.receive_calls", "calls", "Receive calls that brought something.", c.ReceiveCalls.Load()},
		{"udp.joined", "datagrams", "Datagrams that came joined to others (UDP_GRO).", c.Joined.Load()},
		{"udp.sent", "datagrams", "Taken by the kernel.", c.SentDatagrams.Load()},
		{"udp.sent_bytes", "bytes", "UDP payload taken by the kernel.", c.SentBytes.Load()},
		{"udp.send_dropped", "datagrams", "Given up because the send buffer stayed full.", c.SendDropped.Load()},
		{"udp.send_errors", "datagrams", "Refused by the kernel or longer than the MTU.", c.SendErrors.Load()},
		{"udp.send_retries", "calls", "Waits for room in the send buffer.", c.SendRetries.Load()},
		{"udp.send_calls", "calls", "Send calls that took something.", c.SendCalls.Load()},
		{"udp.segmented", "datagrams", "Sent joined to others (UDP_SEGMENT).", c.Segmented.Load()},
	}
	all = c.FaultReceive.appendTo(all, "rx")
	return c.FaultSend.appendTo(all, "tx")
}

func (f *FaultCounters) appendTo(all []CounterValue, side string) []CounterValue {
	p := "udp.fault_" + side + "_"
	return append(all,
		CounterValue{p + "dropped", "datagrams", "Lost on purpose by the fault layer.", f.Dropped.Load()},
		CounterValue{p + "duplicated", "datagrams", "Doubled by the fault layer.", f.Duplicated.Load()},
		CounterValue{p + "reordered", "datagrams", "Held back behind later ones by the fault layer.", f.Reordered.Load()},
		CounterValue{p + "delayed", "datagrams", "Delayed by the fault layer.", f.Delayed.Load()},
		CounterValue{p + "overflowed", "datagrams", "Lost because the fault layer held too many.", f.Overflowed.Load()},
	)
}
