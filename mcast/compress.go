package mcast

import (
	"github.com/pierrec/lz4/v4"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// Rules of compression (multicast.md, Compression).
const (
	compressMin     = 256  // fewer bytes are never compressed
	compressSave    = 0.12 // what has to be saved
	compressMargin  = 0.9  // of what the last ratio promises is packed
	compressTimes   = 4    // at most so many datagrams' worth goes into one
	compressSkipMax = 1024 // datagrams that are let alone after tries that did not pay
	// splitMost is how many datagrams what was packed for one may take if it does not fold. Two that
	// follow each other hold more than one datagram's worth together, or the first message of the second
	// had gone into the first: of compressTimes' worth there are fewer than compressTimes such pairs.
	splitMost = 2*compressTimes - 1
)

// compressor folds datagrams of a lane where that pays. While it does, messages
// are packed into a buffer that is larger than a datagram; what then does not fold
// into one is sent as several.
type compressor struct {
	limited Time // when Send was last refused for pacing, 0 if never
	raw     []byte
	table   *lz4.Compressor
	ratio   float64 // folded size by raw size, smoothed; 0: not known
	skip    int     // datagrams not to try
	backoff int     // how many at the next failure
}

// active says whether the lane compresses now.
func (c *compressor) active(mode Compression, now Time) bool {
	switch mode {
	case CompressAlways:
		return true
	case CompressPaced:
		return c.limited != 0 && now-c.limited < paceSlow
	}
	return false
}

// packRoom returns how many bytes of messages to pack for the next datagram, whose
// own room is n; 0 means that it is to be packed in its place and sent as it is.
func (l *lane) packRoom(n int, now Time) int {
	c := &l.compress
	if !c.active(l.engine.cfg.Compression, now) {
		return 0
	}
	if c.skip > 0 {
		c.skip--
		return 0
	}
	times := 1.0
	if c.ratio > 0 && c.ratio < compressMargin {
		times = min(compressMargin/c.ratio, compressTimes)
	}
	if !faultSplitOver {
		times = min(times, float64((l.limit-l.head+1)/2)) // what does not fold must not run over the members' limit: see splitMost
	}
	room := min(int(float64(n)*times), wire.RawMax) &^ 7
	if c.raw == nil {
		c.raw = make([]byte, messagesStart+min(compressTimes*n, wire.RawMax)+8)
		c.table = new(lz4.Compressor)
	}
	return max(room, n)
}

// sealPacked ends a datagram that was packed in the compressor's buffer.
func (l *lane) sealPacked(now Time) {
	c, e := &l.compress, l.engine
	raw := c.raw[messagesStart:l.at]
	room := l.whole
	if len(raw) >= compressMin {
		e.count.CompressTried++
		place := l.space()
		n, err := c.table.CompressBlock(raw, place[messagesStart:][:room])
		if err == nil && n > 0 && float64(n) <= (1-compressSave)*float64(len(raw)) {
			e.count.Compressed++
			c.paid(float64(n) / float64(len(raw)))
			l.finish(place[:messagesStart+n], uint16(len(raw)), l.count, layout.FrameFlagLz4, now)
			return
		}
		c.failed()
	}
	l.split(raw, room, now)
}

func (c *compressor) paid(ratio float64) {
	c.backoff = 0
	if c.ratio == 0 {
		c.ratio = ratio
	}
	c.ratio += 0.2 * (ratio - c.ratio)
}

// failed makes tries rarer: after each that does not pay twice as many datagrams
// are let alone, up to a bound.
func (c *compressor) failed() {
	c.ratio = 0
	c.backoff = min(max(1, 2*c.backoff), compressSkipMax)
	c.skip = c.backoff
}

// split sends packed messages as they are, in as many datagrams as they take.
func (l *lane) split(raw []byte, room int, now Time) {
	for first := true; len(raw) > 0; first = false {
		size, count := 0, 0
		for rest := raw; len(rest) > 0; count++ {
			var m wire.Message
			after := wire.NextMessage(rest, &m)
			n := len(rest) - len(after)
			if size+n > room {
				break
			}
			size += n
			rest = after
		}
		if !first {
			l.pace.tokens--
		}
		place := l.space()
		copy(place[messagesStart:], raw[:size])
		l.finish(place[:messagesStart+size], uint16(size), uint16(count), 0, now)
		raw = raw[size:]
	}
}

// decompress unfolds a datagram's messages into a buffer that the next call uses
// again; nil if they are not what the head says.
func (e *Engine) decompress(d *wire.Data) []byte {
	if e.raw == nil {
		e.raw = make([]byte, wire.RawMax)
	}
	n, err := lz4.UncompressBlock(d.Body, e.raw[:d.RawLength])
	if err != nil || n != int(d.RawLength) {
		return nil
	}
	return e.raw[:n]
}
