package mcast

// pieceBytes bounds a piece of places, unless a single datagram is larger: small beside what
// a lane's window has, large beside what taking one costs.
const pieceBytes = 128 << 10

// places is the memory of a lane's datagrams, one place each. It is taken piece by piece
// as places are written for the first time, and then used again and again: a lane
// has as much as it ever sent, and its whole window at most.
type places struct {
	count  int // datagrams that there is room for
	mtu    int // bytes of one
	shift  int // a piece has 1<<shift places, the last one what is left
	pieces [][]byte
}

func newPlaces(count, mtu int) places {
	p := places{count: count, mtu: mtu}
	for mtu<<(p.shift+1) <= pieceBytes {
		p.shift++
	}
	p.pieces = make([][]byte, (count+1<<p.shift-1)>>p.shift)
	return p
}

// at returns a place. It allocates where that is the first of its piece.
func (p *places) at(i int) []byte {
	piece := i >> p.shift
	if p.pieces[piece] == nil {
		p.grow(piece)
	}
	return p.pieces[piece][(i-piece<<p.shift)*p.mtu:][:p.mtu:p.mtu]
}

func (p *places) grow(piece int) {
	n := min(1<<p.shift, p.count-piece<<p.shift)
	p.pieces[piece] = make([]byte, n*p.mtu)
}
