package ringcast

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringcast/ringcast/ring"
)

// Outcomes of requests and direct messages, for errors.Is. A deadline is
// context.DeadlineExceeded, as a *TimedOutError, which says more; a request that was given
// up, context.Canceled.
var (
	// ErrNoService means that no instance answers to the name. The request did not run.
	ErrNoService = errors.New("no instance of the service")
	// ErrOverloaded means that a queue is full; *OverloadedError says which. The request
	// did not run.
	ErrOverloaded = errors.New("overloaded")
	// ErrInstanceDied means that whoever had the request in hand is gone. Nobody knows
	// whether it ran.
	ErrInstanceDied = errors.New("instance died with the request in hand")
	// ErrGone means that nobody has the address any more, or ever had it.
	ErrGone = errors.New("participant is gone")
	// ErrNoInbox means that the participant has not asked for messages (Bus.Inbox).
	ErrNoInbox = errors.New("participant reads no inbox")
	// ErrNodeDown means that there is no way to the address's node.
	ErrNodeDown = errors.New("no way to the node")
	// ErrNoReply means that a handler ended without an answer, or broke down.
	ErrNoReply = errors.New("handler gave no reply")
	// ErrReplyTooLarge means that the answer does not fit the caller's inbox
	// (Config.InboxSlotSize).
	ErrReplyTooLarge = errors.New("reply does not fit the caller's inbox")
	// ErrAnswered means that the request already has its last answer.
	ErrAnswered = errors.New("request is answered already")
	// ErrOneReply means that the caller of the request takes only one answer.
	ErrOneReply = errors.New("caller takes one reply: RequestStream takes many")
	// ErrNotAddressed means that a message is no request that can be answered.
	ErrNotAddressed = errors.New("message is no request")
)

// An OverloadedError says what is full. It is ErrOverloaded.
type OverloadedError struct {
	// What says what is full: the queue of a service, the inbox of an address, or the
	// caller's own.
	What string
	// Limit is how many it holds.
	Limit int
}

func (e *OverloadedError) Error() string { return fmt.Sprintf("%s is full (%d)", e.What, e.Limit) }

// Is reports whether the target is ErrOverloaded.
func (e *OverloadedError) Is(target error) bool { return target == ErrOverloaded }

// A ReplyError is a handler's own error, its answer to the request. A handler that returns
// one chooses the code.
type ReplyError struct {
	Code   uint32 // the handler's; 0 if it gives none. At most 2^32 - 257
	Text   string
	Source Address // of the instance
}

func (e *ReplyError) Error() string {
	if e.Code == 0 {
		return e.Text
	}
	return fmt.Sprintf("%s (code %d)", e.Text, e.Code)
}

// A NameKindError says that a name is a topic where a service was asked for, or the
// other way round.
type NameKindError struct {
	Name string
	Is   string // "topic" or "service"
}

func (e *NameKindError) Error() string {
	return fmt.Sprintf("%q is a %s here: choose another name, or end all who use it", e.Name, e.Is)
}

// Codes of answers of kind Error; spec/messaging.md, 9.
const (
	codeNoService       = 1
	codeOverloaded      = 2
	codeInstanceDied    = 3
	codeNodeDown        = 4
	codeDeadline        = 5
	codeCanceled        = 6
	codeNoReply         = 7
	codeTooLarge        = 8
	codeGone            = 9
	codeRequestTooLarge = 10
	codeApplication     = 256
)

var outcomes = map[uint32]error{
	codeNoService: ErrNoService, codeOverloaded: ErrOverloaded, codeInstanceDied: ErrInstanceDied, codeNodeDown: ErrNodeDown,
	codeDeadline: context.DeadlineExceeded, codeCanceled: context.Canceled, codeNoReply: ErrNoReply,
	codeTooLarge: ErrReplyTooLarge, codeGone: ErrGone,
}

// outcomeOf is what an answer of kind Error says.
func outcomeOf(code uint32, text []byte, source Address) error {
	if err := outcomes[code]; err != nil {
		return err
	}
	if code >= codeApplication {
		code -= codeApplication
	}
	return &ReplyError{Code: code, Text: string(text), Source: source}
}

// codeOf is how a handler's error is answered.
func codeOf(err error) (code uint32, text string) {
	var own *ReplyError
	switch {
	case err == nil:
		return codeNoReply, ""
	case errors.As(err, &own):
		return codeApplication + min(own.Code, ^uint32(0)-codeApplication), own.Text
	case errors.Is(err, context.DeadlineExceeded):
		return codeDeadline, ""
	case errors.Is(err, context.Canceled):
		return codeCanceled, ""
	}
	return codeApplication, err.Error()
}

// isTooLarge reports whether a message did not fit.
func isTooLarge(err error) bool {
	if err == nil {
		return false
	}
	var large *TooLargeError
	return errors.As(err, &large)
}

// isRetired reports whether a ring has to be opened anew.
func isRetired(err error) bool {
	var damaged *ring.DamagedError
	return err == ring.ErrRetired || err == ErrClosed || errors.As(err, &damaged)
}
