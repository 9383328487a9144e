package bench

import "encoding/binary"

// A scattered payload is one that does not fold: word 0 is the tag, word 1 a time, word k the tag times
// scatterTag plus k times scatterStep, the bytes after the last whole word the low byte of the tag. The words of
// fill differ from their neighbours, and from those of the message before, in a low byte or two: what compresses finds
// an eighth of them new. These have nothing in common with either. They cost the same to write and to check.
const (
	scatterTag  = 0x9e3779b97f4a7c15
	scatterStep = 0xd1342543de82ef95

	// its multiples within 64 bits
	scatter1 = scatterStep
	scatter2 = 2 * scatterStep & (1<<64 - 1)
	scatter3 = 3 * scatterStep & (1<<64 - 1)
	scatter4 = 4 * scatterStep & (1<<64 - 1)
	scatter5 = 5 * scatterStep & (1<<64 - 1)
	scatter6 = 6 * scatterStep & (1<<64 - 1)
	scatter7 = 7 * scatterStep & (1<<64 - 1)
	scatter8 = 8 * scatterStep & (1<<64 - 1)
)

// FillScattered writes every byte of b, 16 bytes or more, for the message of that tag: what ReadScattered checks.
func FillScattered(b []byte, tag, stamp uint64) {
	le := binary.LittleEndian
	le.PutUint64(b, tag)
	le.PutUint64(b[8:], stamp)
	k := scattered(tag, 2)
	rest := b[16:]
	for ; len(rest) >= 64; rest = rest[64:] {
		w := (*[64]byte)(rest)
		le.PutUint64(w[0:], k)
		le.PutUint64(w[8:], k+scatter1)
		le.PutUint64(w[16:], k+scatter2)
		le.PutUint64(w[24:], k+scatter3)
		le.PutUint64(w[32:], k+scatter4)
		le.PutUint64(w[40:], k+scatter5)
		le.PutUint64(w[48:], k+scatter6)
		le.PutUint64(w[56:], k+scatter7)
		k += scatter8
	}
	for ; len(rest) >= 8; rest = rest[8:] {
		le.PutUint64(rest, k)
		k += scatterStep
	}
	for i := range rest {
		rest[i] = byte(tag)
	}
}

// scattered is word k of the message of a tag.
func scattered(tag, k uint64) uint64 { return tag*scatterTag + k*scatterStep }

// ReadScattered reads every byte of a payload that FillScattered wrote, and reports whether it is whole.
func ReadScattered(b []byte) (tag, stamp uint64, whole bool) {
	if len(b) < minSize {
		return 0, 0, false
	}
	tag, stamp = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	n := uint64(len(b) / 8)
	want := tag + stamp + (n-2)*tag*scatterTag + (n*(n-1)/2-1)*scatterStep + uint64(len(b)%8)*uint64(byte(tag))
	return tag, stamp, sum(b) == want
}
