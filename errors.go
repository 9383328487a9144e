package ringcast

import (
	"errors"
	"fmt"
	"os"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// Errors of use, never wrapped: compare with ==.
var (
	// ErrClosed means that this program closed the bus, publisher or subscription before.
	// errors.Is finds [os.ErrClosed] in it, too.
	ErrClosed = shm.ErrClosed
	// ErrFull means that a Try method found no room: the slowest subscription is a ring
	// behind.
	ErrFull = ring.ErrFull
	// ErrEmpty means that a Try method found no message.
	ErrEmpty = ring.ErrEmpty
	// ErrFenced means that a claim was held beyond the commit deadline (50 ms) while others
	// waited for it, and was taken. Nothing was sent: claim again.
	ErrFenced = ring.ErrFenced
	// ErrBusy means that another goroutine is using the subscription, or the publisher with
	// PublisherConfig.Solo, or that such a publisher has a claim open.
	ErrBusy = errors.New("used by another goroutine")
	// ErrClaimEnded means that the claim was already committed or aborted.
	ErrClaimEnded = errors.New("claim has ended")
	// ErrUnfinished means that Finish was not called on the claim's builder.
	ErrUnfinished = errors.New("flatbuffers table is not finished")
)

// Errors of opening, for errors.Is.
var (
	// ErrNotExclusive means that another living publisher owns the exclusive topic.
	ErrNotExclusive = ring.ErrNotExclusive
	// ErrTooManyReaders means that the topic can't have more subscriptions.
	ErrTooManyReaders = ring.ErrTooManyReaders
	// ErrTooManyParticipants means that the node can't have more processes.
	ErrTooManyParticipants = shm.ErrTooManyParticipants
	// ErrBadName means that a name or pattern breaks the rules of names.
	ErrBadName = shm.ErrBadName
	// ErrInvalid means that a configuration asks for something impossible; the text says
	// what is wanted. It is [os.ErrInvalid].
	ErrInvalid = os.ErrInvalid
	// ErrBadRights means that a mode cannot be a file's, or that there is no such user or
	// group.
	ErrBadRights = shm.ErrBadRights
	// ErrMode means that a queue group was asked for on a topic of mode Latest.
	ErrMode = ring.ErrMode
	// ErrGroupFull means that the queue group can't have more members.
	ErrGroupFull = ring.ErrTooManyHands
)

type (
	// A ShapeError says that a topic was written before in another shape than the one asked
	// for, and names both.
	ShapeError = ring.ShapeError
	// An AccessError says which file's rights refuse whom, and what helps. It is fs.ErrPermission.
	AccessError = shm.AccessError
	// An OtherRightsError says that a domain or topic has other rights than those asked
	// for.
	OtherRightsError = shm.OtherRightsError
	// A TooLargeError says that a message does not fit, and which shape would hold it.
	TooLargeError = ring.TooLargeError
	// A DamagedError says where a ring holds bytes that no correct process writes. It is an
	// event: the subscription goes on behind them.
	DamagedError = ring.DamagedError
	// A NotOursError names a file that is not Ringcast's but stands in the place of one of
	// its own. The file is left alone.
	NotOursError = shm.NotOursError
	// A VersionError says that another version of Ringcast uses the file.
	VersionError = shm.VersionError
	// A DamagedFileError says which file cannot be what it says it is. End its users, and
	// remove it.
	DamagedFileError = shm.DamagedError
	// A NoSpaceError says which file does not fit, and what limits it. It is syscall.ENOSPC.
	NoSpaceError = shm.NoSpaceError
	// A NoDomainError says that the domain to look at (Inspect) does not exist, and which
	// do.
	NoDomainError = shm.NoDomainError
	// A NodeError says that a directory belongs to another node than the one asked for.
	NodeError = shm.NodeError
)

// A LaggedError is an event in a subscription's stream: it was too slow, and messages
// passed it by. Reading goes on behind the gap.
type LaggedError struct {
	Topic string
	// Source is whose messages were missed; zero if the whole ring's were.
	Source Address
	// Missed counts positions of the ring, an upper bound of the messages. The sequences of
	// what follows say exactly which were missed.
	Missed uint64
	// First is the first position missed.
	First uint64
}

func (e *LaggedError) Error() string {
	return fmt.Sprintf("topic %q: lagged: %d positions missed", e.Topic, e.Missed)
}

// An AbandonedError is an event in the stream of a queue group's member: another member's
// process died with a message in hand, so nobody knows whether it was handled. The message
// is not handed out again; look for what Taker has done, if you can. One member is told; if
// it dies before its next call, another is.
type AbandonedError struct {
	Topic    string
	Taker    Address // who had it in hand
	Source   Address // whose message it is
	Sequence uint64  // its number from its source
	Position uint64  // where it lay in the ring
}

func (e *AbandonedError) Error() string {
	return fmt.Sprintf("topic %q: message %d of %v was in the hand of %v, which is gone", e.Topic, e.Sequence, e.Source, e.Taker)
}

// A LossError is an event in a subscription's stream: messages of one publisher
// were lost between the nodes, and no repair can bring them back.
type LossError struct {
	Topic  string
	Source Address
	// First and Last are the sequences of the first and last lost message, inclusive.
	First, Last uint64
	// Count is how many were lost.
	Count uint64
	// Reason is why: a layout.LossReason.
	Reason uint32
}

func (e *LossError) Error() string {
	return fmt.Sprintf("topic %q: lost %d messages of %v, sequences %d to %d", e.Topic, e.Count, e.Source, e.First, e.Last)
}

// An EpochError is an event in a subscription's stream: a publisher came back under a new
// address, so its sequences start again. It is reserved: this version reports one in a
// stream, and never puts one there.
type EpochError struct {
	Topic  string
	Source Address // the new one
}

func (e *EpochError) Error() string {
	return fmt.Sprintf("topic %q: %v came back", e.Topic, e.Source)
}

// A DownError is an event in a subscription's stream: a publisher is gone. It is reserved:
// this version reports one in a stream, and never puts one there.
type DownError struct {
	Topic  string
	Source Address
}

func (e *DownError) Error() string { return fmt.Sprintf("topic %q: %v is gone", e.Topic, e.Source) }

// A TopicError is an event in the stream of a pattern's subscription: a topic
// that matches cannot be read. The others go on.
type TopicError struct {
	Topic string
	Err   error
}

func (e *TopicError) Error() string { return fmt.Sprintf("topic %q: %v", e.Topic, e.Err) }

// Unwrap returns the reason.
func (e *TopicError) Unwrap() error { return e.Err }

// IsEvent reports whether an error from a subscription is an event in the
// stream, after which reading goes on. It does not allocate.
func IsEvent(err error) bool {
	switch err.(type) {
	case *LaggedError, *LossError, *EpochError, *DownError, *DamagedError, *TopicError, *AbandonedError:
		return true
	}
	return false
}
