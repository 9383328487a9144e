package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/ringcast/ringcast/shm"
)

// payloadHead is what a payload says of itself: a checksum, whose it is, its
// sequence, and when it was sent.
const payloadHead = 40

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writeHead fills the first bytes of a payload but for the checksum.
func writeHead(b []byte, from shm.Address, sequence, sentNs uint64) {
	le := binary.LittleEndian
	le.PutUint32(b[4:], uint32(len(b)))
	le.PutUint32(b[8:], from.Node)
	le.PutUint32(b[12:], from.Generation)
	le.PutUint16(b[16:], from.Index)
	le.PutUint16(b[18:], from.Handle)
	le.PutUint32(b[20:], 0)
	le.PutUint64(b[24:], sequence)
	le.PutUint64(b[32:], sentNs)
}

// writeBody fills b[from:to] of a payload behind its head.
func writeBody(b []byte, sequence uint64, from, to int) {
	for i := max(from, payloadHead); i < to; i++ {
		b[i] = byte(sequence) + byte(i)*7
	}
}

// sealPayload sets the checksum.
func sealPayload(b []byte) {
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
}

// makePayload writes a whole payload.
func makePayload(b []byte, from shm.Address, sequence, sentNs uint64) {
	writeHead(b, from, sequence, sentNs)
	writeBody(b, sequence, 0, len(b))
	sealPayload(b)
}

// checkPayload says what is wrong with the bytes of a message.
func checkPayload(b []byte, from shm.Address, sequence uint64) error {
	le := binary.LittleEndian
	switch {
	case len(b) < payloadHead:
		return fmt.Errorf("message %d of %v: torn: %d bytes", sequence, from, len(b))
	case int(le.Uint32(b[4:])) != len(b):
		return fmt.Errorf("message %d of %v: torn: %d bytes instead of %d", sequence, from, len(b), le.Uint32(b[4:]))
	case le.Uint32(b) != crc32.Checksum(b[4:], castagnoli):
		return fmt.Errorf("message %d of %v: torn: checksum", sequence, from)
	case le.Uint64(b[24:]) != sequence, le.Uint16(b[16:]) != from.Index, le.Uint32(b[12:]) != from.Generation,
		le.Uint16(b[18:]) != from.Handle, le.Uint32(b[8:]) != from.Node:
		return fmt.Errorf("message %d of %v: foreign bytes: message %d of index %d, generation %d, handle %d",
			sequence, from, le.Uint64(b[24:]), le.Uint16(b[16:]), le.Uint32(b[12:]), le.Uint16(b[18:]))
	}
	return nil
}

// sentAt is when a message was sent.
func sentAt(b []byte) uint64 { return binary.LittleEndian.Uint64(b[32:]) }
