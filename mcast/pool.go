package mcast

// pool keeps datagrams past holes. Its pieces are of one size and re-used, the
// last freed first, so that what is hot stays so; memory is what was once needed.
type pool struct {
	stride int
	pieces [][]byte
	spare  []int32
}

// put copies a datagram and returns its number, never 0.
func (p *pool) put(b []byte) int32 {
	if len(p.pieces) == 0 {
		p.pieces = append(p.pieces, nil)
	}
	var i int32
	if n := len(p.spare); n > 0 {
		i = p.spare[n-1]
		p.spare = p.spare[:n-1]
	} else {
		i = int32(len(p.pieces))
		p.pieces = append(p.pieces, make([]byte, 0, p.stride))
	}
	p.pieces[i] = append(p.pieces[i][:0], b...)
	return i
}

func (p *pool) get(i int32) []byte { return p.pieces[i] }

func (p *pool) free(i int32) { p.spare = append(p.spare, i) }
