package layout

import (
	"encoding/binary"
	"testing"
)

func TestMagicSpellsTheName(t *testing.T) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], Magic)
	if string(b[:]) != "RINGCAST" {
		t.Fatalf("magic bytes = %q, want RINGCAST", b)
	}
}

// Sizes that other parts compute with: a change of one is a change of the format.
func TestSizesFitTogether(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"segment header", SegmentHeaderSize, 128},
		{"end of the first line", SegmentHeaderBootHashOffset + 8, CacheLine},
		{"state begins a line", SegmentHeaderStateOffset % CacheLine, 0},
		{"participant record", ParticipantRecordSize, 256},
		{"doorbell begins a line", ParticipantRecordDoorbellOffset % CacheLine, 0},
		{"info room", ParticipantInfoCapacity, 3840},
		{"info room in words", ParticipantInfoCapacity % 8, 0},
		{"counter row", CounterRowSize, CacheLine},
		{"counter label", CounterLabelSize, 48},
		{"cursor row", ForwarderCursorSize, CacheLine},
		{"stream row", ForwarderStreamSize, CacheLine},
		{"peer row", ForwarderPeerSize, CacheLine},
		{"slot header", SlotHeaderSize, CacheLine},
		{"claim word", LapBits + OwnerBits + StateBits, 64},
		{"segment word", SegmentIDBits + StateBits, 64},
		{"commit deadline within the stall budget", boolean(2*DefaultCommitDeadlineNs <= DefaultStallBudgetNs), 1},
	} {
		if c.got != c.want {
			t.Errorf("%s = %d, want %d", c.what, c.got, c.want)
		}
	}
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
