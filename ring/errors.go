package ring

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// Errors of the hot path, never wrapped, compared with ==.
var (
	// ErrFull means that the slowest reader has not released enough slots yet.
	ErrFull = errors.New("ring full")
	// ErrEmpty means that there is nothing to read yet.
	ErrEmpty = errors.New("ring empty")
	// ErrFenced means that the writer was so slow that its claim was taken from
	// it; the message was not sent.
	ErrFenced = errors.New("claim was taken: writer slower than the commit deadline")
	// ErrStalled means that every slot was held by stopped or pinning processes.
	ErrStalled = errors.New("ring stalled: all slots are quarantined or pinned")
)

// Errors of opening and of a ring's end.
var (
	// ErrRetired means that another ring has taken this one's place, or that it
	// was found damaged. Open the name again.
	ErrRetired = errors.New("ring retired")
	// ErrNotExclusive means that another living producer owns the exclusive ring.
	ErrNotExclusive = errors.New("exclusive ring has another producer")
	// ErrTooManyReaders means that all entries of the ring are in use.
	ErrTooManyReaders = errors.New("ring has no free reader entry")
	// ErrMode means that a reader asked a latest ring to wait for it.
	ErrMode = errors.New("reliable reading of a latest ring")
	// ErrClosed means that the reader was closed. errors.Is finds os.ErrClosed in it.
	ErrClosed = shm.ErrClosed
	// ErrClaimEnded means that a claim was committed or aborted before.
	ErrClaimEnded = errors.New("claim was ended before")
	// ErrClaimsOpen means that the producer's Claims have not ended yet.
	ErrClaimsOpen = errors.New("claims of this producer are open: commit or abort them first")
)

// A LaggedError says that positions passed the reader by because it was too slow.
// It is an event in the stream, not the end of it: reading goes on behind the gap.
type LaggedError struct {
	// Missed counts positions from First on: an upper bound of the messages,
	// whose sequences say which producer's are missing.
	Missed uint64
	First  uint64
}

func (e *LaggedError) Error() string {
	return fmt.Sprintf("reader lagged: %d positions missed from position %d", e.Missed, e.First)
}

// A TooLargeError says that a message does not fit the ring, and which shape would hold it.
type TooLargeError struct {
	Size, Limit int
	Slots       int // slots of the present payload size that would hold it
	Payload     int
	Group       bool // a queue group reads the ring, so that a message must fit one slot
}

func (e *TooLargeError) Error() string {
	if e.Size > layout.MaxMessage {
		return fmt.Sprintf("message of %d bytes exceeds the limit of all messages, %d", e.Size, layout.MaxMessage)
	}
	if e.Group {
		return fmt.Sprintf("message of %d bytes exceeds a slot's %d, and a queue group reads the ring: ask for %d slots of %d bytes",
			e.Size, e.Limit, e.Slots, e.Payload)
	}
	return fmt.Sprintf("message of %d bytes exceeds the ring's limit of %d: ask for %d slots of %d bytes",
		e.Size, e.Limit, e.Slots, e.Payload)
}

// A ShapeError says that a ring that was already written, or that belongs to a
// living exclusive producer, has another shape than the one asked for.
type ShapeError struct{ Have, Want Shape }

func (e *ShapeError) Error() string {
	var differ []string
	note := func(field string, have, want any) {
		if have != want {
			differ = append(differ, fmt.Sprintf("%s %v instead of %v", field, want, have))
		}
	}
	note("slots", e.Have.Slots, e.Want.Slots)
	note("slot size", e.Have.Payload, e.Want.Payload)
	note("mode", e.Have.Mode, e.Want.Mode)
	note("kind", e.Have.Kind, e.Want.Kind)
	note("purpose", e.Have.Purpose, e.Want.Purpose)
	note("history", e.Have.History, e.Want.History)
	note("commit deadline", e.Have.CommitDeadline, e.Want.CommitDeadline)
	note("stall budget", e.Have.StallBudget, e.Want.StallBudget)
	return fmt.Sprintf("ring is %v and in use already: cannot have %s", e.Have, strings.Join(differ, ", "))
}

// A DamagedError says where a ring holds bytes that no correct process writes.
type DamagedError struct {
	Position uint64
	Reason   string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("ring damaged at position %d: %s", e.Position, e.Reason)
}
