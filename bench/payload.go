package bench

import "encoding/binary"

// A payload is words of 64 bits, little endian: word 0 is the tag, word 1 a time
// in nanoseconds or 0, word k the tag plus k; the bytes after the last whole word
// are the low byte of the tag. So every byte is written anew for every message,
// and the sum of all words tells whether every byte came.

// lastMark is set in the tag of a producer's last message, which counts for nothing.
const lastMark = 1 << 63

// tagOf makes the tag of message seq, from 1, of a producer.
func tagOf(producer int, seq uint64) uint64 { return uint64(producer)<<48 | seq }

// LastMark is set in the tag of a sender's last message.
const LastMark = uint64(lastMark)

// Fill writes every byte of b, 16 bytes or more, for the message of that tag: what Read checks.
func Fill(b []byte, tag, stamp uint64) { fill(b, tag, stamp) }

// Read reads every byte of a payload that Fill wrote, and reports whether it is whole.
func Read(b []byte) (tag, stamp uint64, whole bool) { return read(b) }

// splitTag is the inverse of tagOf.
func splitTag(tag uint64) (producer int, seq uint64, last bool) {
	return int(tag >> 48 & 0x7fff), tag & (1<<48 - 1), tag&lastMark != 0
}

// fill writes all of b, which has at least 16 bytes, and each byte once: what is stored twice
// waits twice for its line.
func fill(b []byte, tag, stamp uint64) {
	if len(b) < 64 {
		fillShort(b, tag, stamp)
		return
	}
	le := binary.LittleEndian
	w := (*[64]byte)(b)
	le.PutUint64(w[0:], tag)
	le.PutUint64(w[8:], stamp)
	le.PutUint64(w[16:], tag+2)
	le.PutUint64(w[24:], tag+3)
	le.PutUint64(w[32:], tag+4)
	le.PutUint64(w[40:], tag+5)
	le.PutUint64(w[48:], tag+6)
	le.PutUint64(w[56:], tag+7)
	k := tag + 8
	for b = b[64:]; len(b) >= 64; b = b[64:] {
		w := (*[64]byte)(b)
		le.PutUint64(w[0:], k)
		le.PutUint64(w[8:], k+1)
		le.PutUint64(w[16:], k+2)
		le.PutUint64(w[24:], k+3)
		le.PutUint64(w[32:], k+4)
		le.PutUint64(w[40:], k+5)
		le.PutUint64(w[48:], k+6)
		le.PutUint64(w[56:], k+7)
		k += 8
	}
	fillRest(b, k, byte(tag))
}

// fillShort is fill of less than 64 bytes.
func fillShort(b []byte, tag, stamp uint64) {
	binary.LittleEndian.PutUint64(b, tag)
	binary.LittleEndian.PutUint64(b[8:], stamp)
	fillRest(b[16:], tag+2, byte(tag))
}

// fillRest writes word k and those behind it, and last in the bytes that are no word.
func fillRest(b []byte, k uint64, last byte) {
	for ; len(b) >= 8; k++ {
		binary.LittleEndian.PutUint64(b, k)
		b = b[8:]
	}
	for i := range b {
		b[i] = last
	}
}

// sum adds up all words of b and, of the bytes after the last, their values.
func sum(b []byte) uint64 {
	le := binary.LittleEndian
	var s0, s1, s2, s3 uint64
	for len(b) >= 64 {
		w := (*[64]byte)(b)
		s0 += le.Uint64(w[0:]) + le.Uint64(w[8:])
		s1 += le.Uint64(w[16:]) + le.Uint64(w[24:])
		s2 += le.Uint64(w[32:]) + le.Uint64(w[40:])
		s3 += le.Uint64(w[48:]) + le.Uint64(w[56:])
		b = b[64:]
	}
	for len(b) >= 8 {
		s0 += le.Uint64(b)
		b = b[8:]
	}
	for _, c := range b {
		s1 += uint64(c)
	}
	return s0 + s1 + s2 + s3
}

// expected is what sum gives for a payload that fill wrote.
func expected(size int, tag, stamp uint64) uint64 {
	words, rest := uint64(size/8), uint64(size%8)
	return words*tag + words*(words-1)/2 - (tag + 1) + stamp + rest*uint64(byte(tag))
}

// read reads all of b, and reports whether it is whole.
func read(b []byte) (tag, stamp uint64, whole bool) {
	if len(b) < minSize {
		return 0, 0, false
	}
	tag, stamp = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	return tag, stamp, sum(b) == expected(len(b), tag, stamp)
}
