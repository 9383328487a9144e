package forward

// noPosition is behind every position of a ring.
const noPosition = ^uint64(0)

// A mark pairs a position of the ring with what the engine called Placed then.
type mark struct{ position, head uint64 }

// noteLarge notes from where what was just lent has to be read if one of its messages
// takes several slots: the first of them may lie before messages that are settled sooner.
func (o *outbound) noteLarge(from uint64) {
	o.from = noPosition
	for i := range o.lent {
		if o.isLarge(i) {
			o.from = from
			return
		}
	}
}

func (o *outbound) isLarge(i int) bool { return len(o.lent[i].Payload) > o.file.Shape().Payload }

// mark remembers where the message just sent ends in ring and lane.
func (o *outbound) mark(head uint64) {
	position := o.lent[0].Position + 1
	if o.isLarge(0) {
		o.large = append(o.large, mark{o.from, head})
	}
	if n := len(o.unsettled); n > 0 && o.unsettled[n-1].head == head {
		o.unsettled[n-1].position = position
		return
	}
	o.unsettled = append(o.unsettled, mark{position, head})
}

// settle moves behind what every tethered member has taken, and returns the place that a
// successor is told: nothing that lies before it is needed any more.
func (o *outbound) settle(settled uint64) (place uint64) {
	n := 0
	for n < len(o.unsettled) && o.unsettled[n].head < settled {
		o.cursor = o.unsettled[n].position
		n++
	}
	o.unsettled = o.unsettled[:copy(o.unsettled, o.unsettled[n:])]
	for n = 0; n < len(o.large) && o.large[n].head < settled; n++ {
	}
	o.large = o.large[:copy(o.large, o.large[n:])]
	if len(o.unsettled) == 0 && len(o.lent) == 0 {
		o.cursor = o.reader.Cursor()
	}
	return min(o.cursor, o.needed())
}

// needed is where the messages of several slots begin that are not settled.
func (o *outbound) needed() uint64 {
	switch {
	case len(o.large) != 0:
		return o.large[0].position
	case len(o.lent) != 0 && o.from != noPosition:
		return o.from
	}
	return o.reader.Unfinished()
}
