package shm

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
)

// An Address names a participant, on every node of the domain, for ever: one of
// an earlier epoch or generation is gone and never reaches anybody else. It is
// a comparable value.
type Address struct {
	Node       uint32
	Epoch      uint32
	Generation uint32
	Index      uint16
	Handle     uint16 // which publisher of the participant; 0: the participant itself
}

// String returns the text form, n7-1f03.12.5: node 7, epoch 1f03 (hexadecimal),
// index 12, generation 5; with a handle, :3 follows.
func (a Address) String() string {
	b := make([]byte, 0, 40)
	b = append(b, 'n')
	b = strconv.AppendUint(b, uint64(a.Node), 10)
	b = append(b, '-')
	b = strconv.AppendUint(b, uint64(a.Epoch), 16)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(a.Index), 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(a.Generation), 10)
	if a.Handle != 0 {
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(a.Handle), 10)
	}
	return string(b)
}

// IsZero reports whether the address names nobody.
func (a Address) IsZero() bool { return a == Address{} }

// Participant returns the address without its handle.
func (a Address) Participant() Address {
	a.Handle = 0
	return a
}

// ParseAddress reads what String wrote, and nothing else. The error is [ErrBadAddress].
func ParseAddress(text string) (Address, error) {
	a, ok := parseAddress(text)
	if !ok || a.String() != text {
		return Address{}, fmt.Errorf("address %q: %w: want n7-1f03.12.5", clip(text), ErrBadAddress)
	}
	return a, nil
}

func parseAddress(text string) (a Address, ok bool) {
	rest, ok := strings.CutPrefix(text, "n")
	if !ok {
		return a, false
	}
	node, rest, ok1 := strings.Cut(rest, "-")
	epoch, rest, ok2 := strings.Cut(rest, ".")
	index, rest, ok3 := strings.Cut(rest, ".")
	generation, handle, _ := strings.Cut(rest, ":")
	if handle == "" {
		handle = "0"
	}
	fields := [...]struct {
		text       string
		base, bits int
		value      uint64
	}{{node, 10, 32, 0}, {epoch, 16, 32, 0}, {index, 10, 16, 0}, {generation, 10, 32, 0}, {handle, 10, 16, 0}}
	for i := range fields {
		f, err := &fields[i], error(nil)
		if f.value, err = strconv.ParseUint(f.text, f.base, f.bits); err != nil {
			return a, false
		}
	}
	a = Address{Node: uint32(fields[0].value), Epoch: uint32(fields[1].value), Index: uint16(fields[2].value),
		Generation: uint32(fields[3].value), Handle: uint16(fields[4].value)}
	return a, ok1 && ok2 && ok3
}

// AppendTo appends the 16 bytes of the address as segments and frames carry it.
func (a Address) AppendTo(b []byte) []byte {
	var w [layout.AddressSize]byte
	a.Put(w[:])
	return append(b, w[:]...)
}

// Put writes the 16 bytes of the address to the begin of b. It does not allocate.
func (a Address) Put(b []byte) {
	_ = b[layout.AddressSize-1]
	le := binary.LittleEndian
	le.PutUint32(b[layout.AddressNodeOffset:], a.Node)
	le.PutUint32(b[layout.AddressEpochOffset:], a.Epoch)
	le.PutUint32(b[layout.AddressGenerationOffset:], a.Generation)
	le.PutUint16(b[layout.AddressIndexOffset:], a.Index)
	le.PutUint16(b[layout.AddressHandleOffset:], a.Handle)
}

// ReadAddress reads the 16 bytes at the begin of b; b must have as many. It does not allocate.
func ReadAddress(b []byte) Address {
	_ = b[layout.AddressSize-1]
	le := binary.LittleEndian
	return Address{
		Node:       le.Uint32(b[layout.AddressNodeOffset:]),
		Epoch:      le.Uint32(b[layout.AddressEpochOffset:]),
		Generation: le.Uint32(b[layout.AddressGenerationOffset:]),
		Index:      le.Uint16(b[layout.AddressIndexOffset:]),
		Handle:     le.Uint16(b[layout.AddressHandleOffset:]),
	}
}
