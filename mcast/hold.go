package mcast

import "slices"

// Bounds of what is held while peers are asked for what came before.
const (
	holdMax      = 64 << 20 // of one peer
	holdTotalMax = 256 << 20
)

// listsMost bounds the lists of one catch-up that are remembered. A later one counts as one that has every name that was
// wanted: then its rows wait for the lane, which is never wrong.
const listsMost = 64

// heldOverhead is what an item takes beside its bytes.
const heldOverhead = 160

// give hands a message over, or holds it until what was published before is here.
func (e *Engine) give(r *receiver, s *remoteStream, m *Message) {
	if c := r.peer.catchup; c != nil && s.topic.held && !faultNoHold {
		h := heldItem{topic: s.topic, message: *m}
		h.message.Payload, h.message.Block = slices.Clone(m.Payload), slices.Clone(m.Block)
		e.holdBack(r, c, h)
		return
	}
	s.place.done, s.place.begun = m.Sequence+1, true
	e.count.Delivered++
	e.sink.Deliver(r.peer, s.topic, m)
}

// giveLoss tells a loss, or holds it.
func (e *Engine) giveLoss(r *receiver, s *remoteStream, first, last uint64, reason LossReason) {
	if c := r.peer.catchup; c != nil && s.topic.held && !faultNoHold {
		e.holdBack(r, c, heldItem{topic: s.topic, loss: true, first: first, last: last, reason: reason, message: Message{Producer: s.producer}})
		return
	}
	s.place.done, s.place.begun = last+1, true
	e.tellLost(r.peer, s.topic, s.producer, first, last, reason)
}

func (e *Engine) tellLost(p *Peer, t *RemoteTopic, a Address, first, last uint64, reason LossReason) {
	e.count.MessagesLost += last - first + 1
	if !faultSilentLoss {
		e.sink.Lost(p, t, a, first, last, reason)
	}
}

func (e *Engine) holdBack(r *receiver, c *catchup, h heldItem) {
	if !c.holds[r.lane] {
		c.holds[r.lane], c.since[r.lane] = true, r.next
	}
	h.lane = r.lane
	if j := c.joining(placeKey{topic: h.topic.Name, producer: h.message.Producer}); j != nil && !j.held {
		if j.held, j.first = true, h.message.Sequence; h.loss {
			j.first = h.first
		}
	}
	c.held = append(c.held, h)
	n := len(h.message.Payload) + len(h.message.Block) + heldOverhead
	c.bytes += n
	e.holding += n
	if (c.bytes > holdMax || e.holding > holdTotalMax) && !c.overflow {
		c.overflow = true
		e.arm(e.now)
	}
}

// unhold drops what is held of topics that are not wanted any more, and what is known of
// their producers: they begin anew.
func (e *Engine) unhold(c *catchup) {
	c.held = slices.DeleteFunc(c.held, func(h heldItem) bool { return !h.topic.wanted })
	if t := c.topic; t != nil && t.ID == 0 {
		t.wanted = e.wants.matches(t.Name)
	}
	for k := range c.joins {
		if !e.wants.matches(k.topic) {
			c.joins[k].given, c.joins[k].held = false, false
		}
	}
	for k := range c.stays {
		if !e.wants.matches(k.topic) {
			delete(c.stays, k)
			c.joins[k] = &joining{next: e.placeOf(c.peer.node, k.topic, k.producer).done}
		}
	}
}

// listed notes that there is a new list: the first with the names that were taken up for it.
func (c *catchup) listed(w *wantList) {
	for i := range c.asks {
		if c.asks[i].version == 0 {
			c.asks[i].version = w.version
		}
	}
	if len(c.lists) < listsMost {
		c.lists = append(c.lists, *w)
	}
}

// endCatchup hands over what was held; from then on the lanes alone count.
func (e *Engine) endCatchup(now Time, p *Peer) {
	c := p.catchup
	p.catchup = nil
	e.holding -= c.bytes
	for _, t := range p.topics {
		if t != nil {
			t.held = false
		}
	}
	for i := range c.held {
		e.handHeld(c, &c.held[i])
	}
	for _, s := range p.streams {
		if s != nil {
			e.settleJoining(c, p, s)
		}
	}
	for k, j := range c.joins {
		at := e.placeOf(p.node, k.topic, k.producer)
		at.done = max(at.done, j.next)
		if !j.given || !e.wants.matches(k.topic) {
			at.next = max(at.next, j.next)
			continue
		}
		at.next, at.known, at.begun, at.session = j.next, true, true, p.session
	}
	for _, r := range p.receivers {
		if r != nil && c.partial { // what lay between the end of the stream and the splice is told by the ends of the producers
			e.askTable(now, r)
		}
	}
	for k := range c.stays {
		if at := e.placeOf(p.node, k.topic, k.producer); at.known {
			at.done = max(at.done, at.next)
		}
	}
	e.arm(now)
}

// handHeld hands over one item.
func (e *Engine) handHeld(c *catchup, h *heldItem) {
	t, m := h.topic, &h.message
	if !t.wanted {
		return
	}
	j := c.joining(placeKey{topic: t.Name, producer: m.Producer})
	switch {
	case j == nil && h.loss:
		e.doneWith(c, t, m.Producer, h.last)
		e.tellLost(c.peer, t, m.Producer, h.first, h.last, h.reason)
	case j == nil:
		e.doneWith(c, t, m.Producer, m.Sequence)
		e.count.Delivered++
		e.sink.Deliver(c.peer, t, m)
	case !h.loss:
		e.deliverJoining(c, j, t, m)
	case h.last >= j.next:
		first := h.first
		if j.given || first < j.next {
			first = j.next
		}
		e.tellLost(c.peer, t, m.Producer, first, h.last, h.reason)
		j.next, j.given = h.last+1, true
	}
}

// doneWith notes that a followed producer was handed over up to a sequence.
func (e *Engine) doneWith(c *catchup, t *RemoteTopic, a Address, last uint64) {
	at := e.placeOf(c.peer.node, t.Name, a)
	at.done = max(at.done, last+1)
}

// settleJoining lets a stream of the lane go on where history and lane have led. What the
// lane will not bring any more is told.
func (e *Engine) settleJoining(c *catchup, p *Peer, s *remoteStream) {
	j := c.joins[placeKey{topic: s.topic.Name, producer: s.producer}]
	if j == nil || !j.given || !s.topic.wanted {
		return
	}
	if s.place.known {
		e.tellBefore(c, j, s.topic, s.producer, s.place.next)
	}
	s.near = max(s.near, j.next-1)
	if r := p.receivers[s.topic.Lane]; r != nil {
		e.advanced(r, s)
	}
}
