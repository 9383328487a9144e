package forward

import "sort"

const (
	splicesMost = 1024 // of a topic that are kept, beside those that the ring has overwritten
	closedMost  = 4096 // rings that are not forwarded any more of which it is known where they stood
)

// A splice says where a topic stood at a mark of the engine's: what lies before was put on the lane
// before, and what lies behind is offered to whoever was counted then.
type splice struct{ mark, position uint64 }

// splices are those of a ring, by ascending marks; the first is where it was opened first.
type splices struct {
	list []splice

	// Of a ring that is not forwarded now: where it stood in the end, and the last mark then.
	end, mark uint64
}

// Mark is the engine's: a member's list is counted from now on.
func (s *sink) Mark(mark uint64) {
	s.mark = mark
	for _, o := range s.out {
		slots := uint64(o.file.Shape().Slots)
		o.splices.note(mark, o.standing(), o.reader.Cursor()-min(o.reader.Cursor(), slots))
	}
}

// standing is the position behind what was handed to the engine, that in hand included, which
// may be in the lane in part.
func (o *outbound) standing() uint64 {
	if len(o.lent) != 0 {
		return o.lent[0].Position + 1
	}
	return o.reader.Cursor()
}

// note notes where the topic stands, or where it stood before if its ring is read again up to that. What the ring has
// overwritten is forgotten: there is nothing to be read before it.
func (s *splices) note(mark, at, oldest uint64) {
	if n := len(s.list); n != 0 && s.list[n-1].position >= at {
		return
	}
	n := 0
	for n+1 < len(s.list) && (s.list[n+1].position <= oldest || len(s.list)-n >= splicesMost) {
		n++
	}
	s.list = append(s.list[:copy(s.list, s.list[n:])], splice{mark, at})
}

// last is the position that was noted last.
func (s *splices) last() uint64 {
	if n := len(s.list); n != 0 {
		return s.list[n-1].position
	}
	return 0
}

// of returns where the topic stood at a mark. A topic that was opened since, or its ring, stood where it was
// opened. 0 if that is not known, or not any more: then nothing is read, and the lane has all since.
func (s *splices) of(mark uint64) uint64 {
	n := sort.Search(len(s.list), func(i int) bool { return s.list[i].mark > mark })
	if n == 0 || mark == 0 {
		return 0
	}
	return s.list[n-1].position
}

// keepSplices keeps those of a ring that is no longer forwarded: in this session the engine sends nothing of it twice,
// wherever it is opened again.
func (f *Forwarder) keepSplices(o *outbound) {
	if len(f.closed) >= closedMost {
		clear(f.closed)
		f.forgot = f.mark // where they stood then nobody knows any more
	}
	o.splices.end, o.splices.mark = max(o.standing(), o.splices.last()), f.mark
	f.closed[o.id] = o.splices
}

// splicesOf returns the splices of a ring that is opened at a position. Who was counted while it was not forwarded is
// offered what lies behind that, and behind what was sent before.
func (f *Forwarder) splicesOf(ring, at uint64) splices {
	s, ok := f.closed[ring]
	if !ok {
		return splices{list: []splice{{f.forgot + 1, at}}}
	}
	delete(f.closed, ring)
	s.note(s.mark+1, max(at, s.end), 0)
	return s
}

// spliceClosed returns the splice of a ring that is not forwarded now: where it stood if it was at the mark, else
// the ring's tail.
func (f *Forwarder) spliceClosed(ring, mark, tail uint64) uint64 {
	if s, ok := f.closed[ring]; ok && mark <= s.mark || !ok && mark <= f.forgot || mark == 0 {
		return min(s.of(mark), tail)
	}
	return tail
}
