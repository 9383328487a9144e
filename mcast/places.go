package mcast

// pieceBytes bounds a piece of places, unless a single datagram is larger: small beside what
// a lane's window has, large beside what taking one costs.
const pieceBytes = 128 << 10

// places is the memory of a lane's datagrams. A small datagram takes one place, a large one
// span of them, from a multiple of span on. It is taken piece by piece as places are written
// for the first time, and then used again and again: a lane has as much as it ever sent, and
// its whole window at most.
type places struct {
	count  int // a multiple of span
	unit   int // bytes of one
	span   int // places of a large datagram; 1: all datagrams take one
	each   int // places of a piece, a multiple of span; the last one has what is left
	pieces [][]byte
}

func newPlaces(count, unit, span int) places {
	p := places{count: (count + span - 1) / span * span, unit: unit, span: span}
	p.each = max(pieceBytes/(unit*span), 1) * span
	p.pieces = make([][]byte, (p.count+p.each-1)/p.each)
	return p
}

// at returns the first bytes of the places from i on. It allocates where they are the first of
// their piece.
func (p *places) at(i, bytes int) []byte {
	piece := i / p.each
	if p.pieces[piece] == nil {
		p.grow(piece)
	}
	return p.pieces[piece][(i-piece*p.each)*p.unit:][:bytes:bytes]
}

func (p *places) grow(piece int) {
	n := min(p.each, p.count-piece*p.each)
	p.pieces[piece] = make([]byte, n*p.unit)
}

// claim gives the next datagram its places, with which the oldest ones end that lie there.
func (l *lane) claim() {
	if l.places.span == 1 {
		l.claimOne()
		return
	}
	n, count, at := uint64(l.span), uint64(l.places.count), l.laid
	if n > 1 {
		at = (at + n - 1) / n * n
	}
	for l.floor < l.head && l.starts[l.low]+count < at+n {
		l.floor++
		l.low = l.places.after(l.low, 1)
	}
	l.starts[l.slot] = at
	l.spot = l.places.after(l.edge, int(at-l.laid))
}

// claimOne is claim where all datagrams take one place: that of a sequence is where its other things are kept.
func (l *lane) claimOne() {
	if l.spot = l.slot; l.head-l.floor >= uint64(l.places.count) {
		l.floor++
	}
}

// after is the place n behind i, where n is no more than there are.
func (p *places) after(i, n int) int {
	if i += n; i >= p.count {
		i -= p.count
	}
	return i
}

// settle keeps what is written to the places of the next datagram, and goes on to the one after.
func (l *lane) settle(length int) {
	l.lengths[l.slot] = int32(length)
	if l.places.span > 1 {
		l.laid, l.edge = l.starts[l.slot]+uint64(l.span), l.places.after(l.spot, l.span)
	}
	l.head++
	if l.slot++; l.slot == l.places.count {
		l.slot = 0
	}
	if l.places.span == 1 {
		l.claimOne()
	} else {
		l.claim()
	}
}

// bytesOf returns the first bytes of the places of a sequence in [floor, head).
func (l *lane) bytesOf(seq uint64, n int) []byte {
	if l.places.span == 1 {
		return l.places.at(l.place(seq), n)
	}
	return l.places.at(int(l.starts[l.place(seq)]%uint64(l.places.count)), n)
}

// space returns the places of the next datagram.
func (l *lane) space() []byte { return l.places.at(l.spot, l.mtu) }

// lag is how many places lie between a sequence and the head: of a lane whose datagrams are
// all small, as many as datagrams.
func (l *lane) lag(seq uint64) uint64 {
	switch {
	case seq >= l.head:
		return 0
	case l.places.span <= 1:
		return l.head - seq
	case seq < l.floor:
		return l.lag(l.floor) + l.floor - seq
	}
	return l.starts[l.slot] - l.starts[l.place(seq)]
}

// reach is the first sequence that may not be sent while all from taken on has to stay in the window.
func (l *lane) reach(taken uint64) uint64 {
	all := taken + l.window
	if l.places.span <= 1 || l.span == 1 && l.laid == l.head {
		return all
	}
	full := (l.window + uint64(l.places.span)) / uint64(l.places.span) * uint64(l.places.span)
	free := full - min(l.lag(max(taken, l.floor)), full)
	return min(all, l.head+max(free/uint64(l.span), 1)-1)
}
