package simnet

import (
	"encoding/binary"
	"fmt"

	"github.com/ringcast/ringcast/mcast"
)

// outStream is what one producer of a node publishes.
type outStream struct {
	name     string
	id       mcast.TopicID
	producer mcast.Address
	next     uint64 // sequence to be sent next, from 1
	last     uint64
	sentIn   []int // by sequence less 1: 1 + restarts so far if all had joined, else 0
}

// expectKey is a producer as a receiving node sees it; the topic's name and the
// producer's address say which.
type expectKey struct {
	topic    string
	producer mcast.Address
}

type expectation struct {
	next  uint64
	fresh bool
}

func (x *Node) makeStreams() {
	o := &x.net.Options
	for t := range o.Topics {
		for p := range o.Producers {
			x.streams = append(x.streams, &outStream{name: fmt.Sprintf("t%d.n%d", t, x.ID()), next: 1,
				producer: mcast.Address{Node: x.ID(), Epoch: 7, Generation: 1, Index: uint16(p), Handle: uint16(t)}})
		}
	}
}

func (x *Node) openTopics() {
	for _, s := range x.streams {
		id, err := x.engine.Topic(s.name, mcast.TopicShape{SlotCount: 64, SlotPayload: 2048, Live: x.net.Options.Live})
		if err != nil {
			panic(err)
		}
		s.id = id
	}
}

// Publish lets a node send messages of every producer, up to Options.Messages
// more, as fast as rounds and the engine allow.
func (x *Node) Publish() {
	x.publishMore(x.net.Options.Messages)
}

func (x *Node) schedulePump(after mcast.Duration) {
	if x.pumping {
		return
	}
	x.pumping = true
	life := x.life
	x.net.After(after, func() {
		x.pumping = false
		if x.up && x.life == life {
			x.pump()
		}
	})
}

// pump sends a round: some messages of each producer, then a flush.
func (x *Node) pump() {
	n := x.net
	more := false
	for range len(x.streams) {
		s := x.streams[x.resume%len(x.streams)]
		round := 1 + n.rnd.IntN(12)
		for ; round > 0 && s.next <= s.last; round-- {
			m := mcast.Message{Producer: s.producer, Sequence: s.next, Payload: x.payload(s), TimestampNs: uint64(n.now) * (s.next & 1)}
			r := x.engine.Send(n.now, s.id, &m)
			if r == mcast.Busy {
				x.engine.Flush(n.now)
				x.after()
				return // Room starts the pump again, with this message
			}
			if r != mcast.Sent && r != mcast.Unwanted {
				panic(fmt.Sprintf("send: %d", r))
			}
			s.next++
			if n.Options.LossAllowed && n.AllJoined() {
				s.sentIn = append(s.sentIn, n.restarts+1)
			} else {
				s.sentIn = append(s.sentIn, 0)
			}
		}
		more = more || s.next <= s.last
		x.resume++
	}
	x.engine.Flush(n.now)
	if more {
		x.schedulePump(n.Options.Interval)
	}
	x.after()
}

// payload makes the bytes of a stream's next message: the session, then what
// follows from the sequence alone.
func (x *Node) payload(s *outStream) []byte {
	b := make([]byte, sizeOf(&x.net.Options, s.producer, s.next))
	fill(&x.net.Options, b, s.producer, s.next)
	if len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, x.session)
	}
	return b
}

func scramble(p mcast.Address, seq uint64) uint64 {
	h := seq*0x9e3779b97f4a7c15 + uint64(p.Node)<<48 + uint64(p.Index)<<32 + uint64(p.Handle)
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

func sizeOf(o *Options, p mcast.Address, seq uint64) int {
	h := scramble(p, seq)
	if o.Large > 0 && float64(h>>40)/float64(1<<24) < o.Large {
		return int(h & 0xffffff % uint64(o.LargeMax+1))
	}
	return int(h & 0xffffff % uint64(o.SizeMax+1))
}

func fill(o *Options, b []byte, p mcast.Address, seq uint64) {
	x := scramble(p, seq^0x1234)
	if o.Text && seq%50 < 40 {
		for i := range b {
			b[i] = "the quick brown fox jumps over the lazy dog; "[(i+int(x&7))%45]
		}
		return
	}
	for ; len(b) >= 8; b = b[8:] {
		x = x*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(b, x)
	}
	for i := range b {
		b[i] = byte(x >> (8 * i))
	}
}

// Sent returns how many messages the node has handed to its engine.
func (x *Node) Sent() (n uint64) {
	for _, s := range x.streams {
		n += s.next - 1
	}
	return n
}

// Done says whether the node has handed over everything.
func (x *Node) Done() bool {
	for _, s := range x.streams {
		if s.next <= s.last {
			return false
		}
	}
	return true
}

// publishMore lets a node send n more messages of every producer.
func (x *Node) publishMore(n int) {
	for _, s := range x.streams {
		s.last += uint64(n)
	}
	x.schedulePump(0)
}
