package ringcast

import (
	"encoding/binary"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// eventOf decodes a message of kind Event, whose payload is an EventRecord. An
// event that this version does not know is nil: a later one may have more.
func eventOf(m *ring.Message, topic string) error {
	b := m.Payload
	if len(b) < layout.EventRecordSize {
		return &DamagedError{Position: m.Position, Reason: "event record cut off"}
	}
	le := binary.LittleEndian
	source := shm.ReadAddress(b[layout.EventRecordSourceOffset:])
	count := le.Uint64(b[layout.EventRecordCountOffset:])
	first := le.Uint64(b[layout.EventRecordFirstOffset:])
	switch le.Uint32(b[layout.EventRecordCodeOffset:]) {
	case layout.EventCodeLoss:
		return &LossError{
			Topic: topic, Source: source, Count: count, First: first,
			Last:   le.Uint64(b[layout.EventRecordLastOffset:]),
			Reason: le.Uint32(b[layout.EventRecordReasonOffset:]),
		}
	case layout.EventCodeLagged:
		return &LaggedError{Topic: topic, Source: source, Missed: count, First: first}
	case layout.EventCodeEpoch:
		return &EpochError{Topic: topic, Source: source}
	case layout.EventCodeDown:
		return &DownError{Topic: topic, Source: source}
	}
	return nil
}
