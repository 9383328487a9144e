package uplink

import (
	"encoding/binary"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// timeMax bounds what a request may have left: less than half the range of a mark.
const timeMax = 30 * time.Minute

// Read takes the address block of a message out of a ring of this node; what it has left
// is lowered by what it has lain there. False: there is none.
func (m *Message) Read(b []byte, now time.Duration) bool {
	if !m.ReadSent(b) {
		return false
	}
	m.Left -= time.Duration(max(0, int32(micros(now)-m.Code))) * time.Microsecond
	return true
}

// ReadSent takes the block of a message that came from another node.
func (m *Message) ReadSent(b []byte) bool {
	if len(b) < layout.AddressBlockSize {
		return false
	}
	le := binary.LittleEndian
	m.Source = shm.ReadAddress(b[layout.AddressBlockSourceOffset:]).Participant()
	m.Destination = shm.ReadAddress(b[layout.AddressBlockDestinationOffset:]).Participant()
	m.Correlation = le.Uint64(b[layout.AddressBlockCorrelationOffset:])
	m.Left = time.Duration(min(le.Uint64(b[layout.AddressBlockTimeLeftNsOffset:]), uint64(timeMax)))
	m.Service = le.Uint64(b[layout.AddressBlockServiceHashOffset:])
	m.Hops = le.Uint32(b[layout.AddressBlockHopsOffset:])
	m.Code = le.Uint32(b[layout.AddressBlockCodeOffset:])
	return true
}

// Write makes the block of a message. mark: it goes into a ring of this node, where the code of a
// request is the time.
func (m *Message) Write(b []byte, now time.Duration, mark bool) {
	le := binary.LittleEndian
	m.Source.Put(b[layout.AddressBlockSourceOffset:])
	m.Destination.Put(b[layout.AddressBlockDestinationOffset:])
	le.PutUint64(b[layout.AddressBlockCorrelationOffset:], m.Correlation)
	le.PutUint64(b[layout.AddressBlockServiceHashOffset:], m.Service)
	le.PutUint32(b[layout.AddressBlockHopsOffset:], m.Hops)
	left, code := time.Duration(0), m.Code
	if m.request() {
		left = max(0, m.Left)
		if mark {
			code = micros(now)
		}
	}
	le.PutUint64(b[layout.AddressBlockTimeLeftNsOffset:], uint64(left))
	le.PutUint32(b[layout.AddressBlockCodeOffset:], code)
}

// Restamp makes the block of a request that came as a message of a topic one of this node.
func Restamp(b []byte, now time.Duration) {
	le := binary.LittleEndian
	le.PutUint32(b[layout.AddressBlockHopsOffset:], le.Uint32(b[layout.AddressBlockHopsOffset:])+1)
	le.PutUint32(b[layout.AddressBlockCodeOffset:], micros(now))
}

// micros is the low half of an instant in microseconds.
func micros(t time.Duration) uint32 { return uint32(t / time.Microsecond) }
