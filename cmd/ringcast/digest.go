package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// A digest is the SHA-256 of a sequence of messages in canonical form: for each
// its length, four bytes, little endian, then its bytes. It belongs to one goroutine.
type digest struct {
	sum  hash.Hash
	buf  *bufio.Writer
	head [4]byte
}

func newDigest() *digest {
	d := &digest{sum: sha256.New()}
	d.buf = bufio.NewWriterSize(d.sum, 64<<10)
	return d
}

// add takes one message; a nil digest takes none.
func (d *digest) add(payload []byte) {
	if d == nil {
		return
	}
	binary.LittleEndian.PutUint32(d.head[:], uint32(len(payload)))
	_, _ = d.buf.Write(d.head[:])
	_, _ = d.buf.Write(payload)
}

// hex is the digest of what was added so far; empty for a nil one.
func (d *digest) hex() string {
	if d == nil {
		return ""
	}
	_ = d.buf.Flush()
	return hex.EncodeToString(d.sum.Sum(nil))
}
