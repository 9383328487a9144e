package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/ringcast/ringcast"
)

// A problem is why a request is not answered with what it asked for: an error with a
// status, a word for programs, and a reason for people. On the wire it is an RFC 9457
// problem, or the reason alone where the old form was spoken.
type problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// ApplicationCode is the handler's own, of code application.
	ApplicationCode *uint32 `json:"application_code,omitempty"`
	// MayHaveRun says that the service may have begun with the request.
	MayHaveRun bool `json:"may_have_run,omitempty"`

	retry int    // seconds of Retry-After; 0: none
	allow string // of 405
}

func (p *problem) Error() string { return p.Detail }

// statusGone is what is noted of a request whose client has left; nobody sees it.
const statusGone = 499

func newProblem(status int, code, format string, args ...any) *problem {
	return &problem{Status: status, Title: http.StatusText(status), Code: code, Detail: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *problem {
	return newProblem(http.StatusBadRequest, "bad-request", format, args...)
}

func unavailable(code, format string, args ...any) *problem {
	p := newProblem(http.StatusServiceUnavailable, code, format, args...)
	p.retry = 1
	return p
}

// problemOf says what an error of the bus is to a client.
func problemOf(err error) *problem {
	var known *problem
	var body *http.MaxBytesError
	var large *ringcast.TooLargeError
	var reply *ringcast.ReplyError
	var kind *ringcast.NameKindError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &body):
		return newProblem(http.StatusRequestEntityTooLarge, "body-too-large", "body of more than %d bytes, which this gateway takes", body.Limit)
	case errors.As(err, &large):
		return newProblem(http.StatusRequestEntityTooLarge, "message-too-large", "message of %d bytes, where %d fit", large.Size, large.Limit)
	case errors.As(err, &reply):
		p := newProblem(http.StatusInternalServerError, "application", "%s", reply.Text)
		p.ApplicationCode, p.MayHaveRun = &reply.Code, true
		return p
	case errors.As(err, &kind):
		return newProblem(http.StatusConflict, "name-kind", "%v", kind)
	case errors.Is(err, ringcast.ErrBadName):
		return badRequest("%v", err)
	}
	return outcomeOf(err)
}

// outcomeOf is problemOf for the outcomes of requests.
func outcomeOf(err error) *problem {
	switch {
	case errors.Is(err, ringcast.ErrNoService):
		return newProblem(http.StatusNotFound, "no-service", "no instance of the service")
	case errors.Is(err, ringcast.ErrOverloaded):
		return unavailable("overloaded", "%v", err)
	case errors.Is(err, ringcast.ErrTooManyReaders), errors.Is(err, ringcast.ErrTooManyParticipants):
		return unavailable("overloaded", "%v", err)
	case errors.Is(err, context.DeadlineExceeded):
		p := newProblem(http.StatusGatewayTimeout, "timeout", "no answer in time")
		var late *ringcast.TimedOutError
		p.MayHaveRun = !errors.As(err, &late) || !late.DidNotRun
		return p
	case errors.Is(err, context.Canceled):
		return ran(newProblem(statusGone, "canceled", "the client has left"))
	case errors.Is(err, ringcast.ErrInstanceDied):
		return ran(newProblem(http.StatusBadGateway, "instance-died", "the instance died with the request in hand"))
	case errors.Is(err, ringcast.ErrNoReply):
		return ran(newProblem(http.StatusBadGateway, "no-reply", "the service gave no reply"))
	case errors.Is(err, ringcast.ErrReplyTooLarge):
		return ran(newProblem(http.StatusBadGateway, "reply-too-large", "the reply is larger than this gateway takes (--max-reply)"))
	case errors.Is(err, ringcast.ErrNodeDown):
		return ran(newProblem(http.StatusBadGateway, "node-down", "no way to the node"))
	case errors.Is(err, ringcast.ErrClosed):
		return unavailable("closing", "the gateway is stopping")
	}
	return newProblem(http.StatusInternalServerError, "internal", "%v", err)
}

// ran marks a problem of a request that may have run.
func ran(p *problem) *problem {
	p.MayHaveRun = true
	return p
}

// head writes what goes before the reason.
func (p *problem) head(w http.ResponseWriter, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retry))
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="ringcast"`)
	}
	w.WriteHeader(p.Status)
}

// write answers with a problem.
func (p *problem) write(w http.ResponseWriter) {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers
	}
	p.head(w, "application/problem+json")
	_, _ = w.Write(append(b, '\n')) // who has gone needs no reason
}

// writePlain answers with the reason alone, as the old form has it.
func (p *problem) writePlain(w http.ResponseWriter) {
	p.head(w, "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, p.Detail)
}
