package ring

import "github.com/ringcast/ringcast/codec/layout"

// maxRun is how many positions are begun at once: enough that the looks before them
// cost nothing, few enough that a latest reader, who keeps clear of what is begun,
// loses little of its history.
const maxRun = 64

// run is the most positions that are begun at once.
func (r *Ring) run() int { return max(1, min(maxRun, int(r.capacity()/8))) }

// TryPublishBatch copies each payload into the ring as one message, in order, as long
// as there is room, and says how many it has sent: with an error, those before the one
// that the error is about. Each may be larger than a slot. m is what all of them say of
// themselves; a Sequence of another's is that of the first, the next have the next ones.
// Readers see the messages one by one, but those that sleep are woken behind the last.
// A producer that dies on the way has sent those that readers have seen, the others
// never were. It blocks and allocates as TryPublish. Errors as TryPublish's; nil means
// that all were sent.
func (p *Producer) TryPublishBatch(payloads [][]byte, m *Meta) (n int, err error) {
	one := *m
	for n < len(payloads) && err == nil {
		if k := p.publishRun(payloads[n:], &one); k > 0 {
			n += k
			continue
		}
		if err = p.publishQuietly(payloads[n], &one); err == nil {
			n++
			if one.Sequence != 0 {
				one.Sequence++
			}
		}
	}
	if n > 0 {
		p.tell()
	}
	return n, err
}

// publishRun publishes the first payloads the short way of an exclusive ring, as many
// as go it, without waking anybody. All positions are begun with the first.
func (p *Producer) publishRun(payloads [][]byte, m *Meta) int {
	if m.Block != nil || m.Sequence != 0 {
		return 0
	}
	r, t, k := p.ring, p.next, 0
	most := p.swiftRun(len(payloads))
	for k < most && len(payloads[k]) <= r.shape.Payload {
		k++
	}
	if k == 0 {
		return 0
	}
	at("begin batch")
	p.next = t + uint64(k)
	storeBefore(&r.ctl.tail, p.next) // pairs(tail): before any byte of the slots
	for _, b := range payloads[:k] {
		copyShared(r.payload(t), b, true)
		p.end(t, layout.SlotHeaderSize, len(b), m)
		t++
	}
	return k
}

// swiftRun is how many positions, up to n, may be begun at once the short way. Where
// it is open, but not so far, the readers are looked at again.
func (p *Producer) swiftRun(n int) int {
	t := p.next
	if p.shared || t >= p.swift || !p.owns() {
		return 0
	}
	n = min(n, p.ring.run())
	if p.swift-t < uint64(n) {
		p.ring.room(&p.gate, t+uint64(n)-1)
		p.mayHurry()
	}
	return int(min(uint64(n), p.swift-min(t, p.swift)))
}

// publishQuietly is TryPublish that wakes nobody, where that is spared: what goes the
// long way wakes as ever.
func (p *Producer) publishQuietly(payload []byte, m *Meta) error {
	t := p.next
	if !p.shared || t >= p.swift || len(payload) > p.ring.shape.Payload || m.Block != nil || !p.claimNext(t) {
		return p.TryPublish(payload, m)
	}
	copyShared(p.ring.payload(t), payload, true)
	return p.commitQuietly(t, len(payload), m)
}

// TryPublishQuietly is TryPublish that may leave it to Tell to wake those who sleep: for
// who has more to publish at once, from several sources. A message must not wait for
// its Tell for longer than the next few take.
func (p *Producer) TryPublishQuietly(payload []byte, m *Meta) error {
	return p.publishQuietly(payload, m)
}

// Tell wakes the readers that sleep, behind messages of TryPublishQuietly. It makes no
// system call when nobody does.
func (p *Producer) Tell() { p.tell() }
