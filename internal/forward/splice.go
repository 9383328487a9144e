package forward

import "sort"

// splicesMost bounds the marks of a topic that are kept, beside those that the ring has overwritten.
const splicesMost = 1024

// A splice says where a topic stood at a mark of the engine's: what lies before was put on the lane
// before, and what lies behind is offered to whoever was counted then.
type splice struct{ mark, position uint64 }

// Mark is the engine's: a member's list is counted from now on.
func (s *sink) Mark(mark uint64) {
	for _, o := range s.out {
		o.noteSplice(mark)
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

// noteSplice notes where the topic stands. What the ring has overwritten is forgotten: there is nothing
// to be read before it.
func (o *outbound) noteSplice(mark uint64) {
	at := o.standing()
	if n := len(o.splices); n != 0 && o.splices[n-1].position == at {
		return
	}
	n, oldest := 0, o.reader.Cursor()-min(o.reader.Cursor(), uint64(o.file.Shape().Slots))
	for n+1 < len(o.splices) && (o.splices[n+1].position <= oldest || len(o.splices)-n >= splicesMost) {
		n++
	}
	o.splices = append(o.splices[:copy(o.splices, o.splices[n:])], splice{mark, at})
}

// splice returns where the topic stood at a mark. A topic that was opened since, or its ring, stood where it was
// opened. 0 if that is not known any more: then nothing is read, and the lane has all since.
func (o *outbound) splice(mark uint64) uint64 {
	n := sort.Search(len(o.splices), func(i int) bool { return o.splices[i].mark > mark })
	if n == 0 {
		return 0
	}
	return o.splices[n-1].position
}
