package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ringcast/ringcast"
)

// An Input says how a program gets the request.
type Input string

// The ways to give a request to a program.
const (
	// InputArgs: each field is an argument, behind the program's own; a raw payload is one, and
	// one without bytes none. The standard input is empty.
	InputArgs Input = "args"
	// InputPlain: the payload is the standard input, fields one behind the other.
	InputPlain Input = "plain"
	// InputLines: each field is a line of the standard input.
	InputLines Input = "lines"
	// InputJSON: the standard input is a JSON array of strings, one a field.
	InputJSON Input = "json"
)

// Inputs are all of them.
var Inputs = []Input{InputArgs, InputPlain, InputLines, InputJSON}

// A Service answers requests with what a program writes. It must not be changed once Answer
// was called, which several goroutines may call.
type Service struct {
	// Program is run for each request.
	Program Program
	// Input is how it gets the request. Empty means InputArgs.
	Input Input
	// DropEmpty leaves fields without bytes away.
	DropEmpty bool
	// Code answers with fields: the output, if any, and then the exit code in digits. Without
	// it another exit code than 0 is an error to the caller.
	Code bool
	// Lines answers with each line as a reply of its own, where the caller takes several, and
	// with a list of lines where he takes one.
	Lines bool
	// Chop takes one newline off the end of the output.
	Chop bool
	// Errors gets what programs write to their standard error, after each run. Nil means nobody.
	Errors io.Writer
	// Log gets a line at each start and end of a run. Nil means nobody.
	Log io.Writer

	mu     sync.Mutex // of Errors and Log
	serial uint64     // guarded by mu: of runs, for Log
}

// Exit codes that are not the program's own, as shells give them.
const (
	codeTimeout = 124
	codeNotRun  = 126
)

// Answer is the ringcast.Handler of the service.
func (s *Service) Answer(ctx context.Context, r *ringcast.Request) error {
	c, err := s.call(r)
	if err != nil {
		return &ringcast.ReplyError{Code: codeNotRun, Text: err.Error()}
	}
	var lines [][]byte
	if s.Lines {
		c.Line = func(line []byte) error {
			if r.Streams() {
				return r.More(line)
			}
			lines = append(lines, bytes.Clone(line))
			return nil
		}
	}
	begun := time.Now()
	number := s.started(r, c)
	result, err := s.Program.Run(ctx, c)
	s.ended(number, result, err, time.Since(begun))
	if err != nil {
		return failure(err, &s.Program)
	}
	return s.reply(r, result, lines)
}

// call is what a run gets of a request.
func (s *Service) call(r *ringcast.Request) (*Call, error) {
	list, err := r.Fields()
	if err != nil {
		return nil, err
	}
	if s.DropEmpty || r.Content() != ringcast.ContentFields {
		list = slices.DeleteFunc(list, func(f []byte) bool { return len(f) == 0 })
	}
	c := &Call{Env: []string{
		"RINGCAST_SERVICE=" + r.Service(),
		"RINGCAST_CALLER=" + r.Source().String(),
		"RINGCAST_FIELDS=" + strconv.Itoa(len(list)),
	}}
	switch s.Input {
	case InputPlain:
		c.Stdin = slices.Concat(list...)
	case InputLines:
		for _, f := range list {
			c.Stdin = append(append(c.Stdin, f...), '\n')
		}
	case InputJSON:
		c.Stdin, err = asJSON(list)
	default:
		for _, f := range list {
			c.Args = append(c.Args, string(f))
		}
	}
	return c, err
}

func asJSON(list [][]byte) ([]byte, error) {
	texts := []string{}
	for _, f := range list {
		texts = append(texts, string(f))
	}
	return json.Marshal(texts)
}

// failure is what a caller is told of a run that did not come to its own end.
func failure(err error, p *Program) error {
	switch {
	case errors.Is(err, ErrTimeout):
		return &ringcast.ReplyError{Code: codeTimeout, Text: fmt.Sprintf("%v after %v", err, p.Timeout)}
	case errors.Is(err, ErrNotRun):
		return &ringcast.ReplyError{Code: codeNotRun, Text: err.Error()}
	case errors.Is(err, ErrOutput):
		return fmt.Errorf("%w: at most %d bytes", err, p.limit())
	}
	return err
}

// reply answers with what a run has left.
func (s *Service) reply(r *ringcast.Request, result *Result, lines [][]byte) error {
	if result.Code != 0 && !s.Code {
		return &ringcast.ReplyError{Code: uint32(result.Code), Text: complaint(result)}
	}
	out := result.Stdout
	if s.Chop {
		out = bytes.TrimSuffix(out, []byte("\n"))
	}
	list := lines
	if !s.Lines && !s.Program.Mute {
		if !s.Code {
			return r.Reply(out)
		}
		list = [][]byte{out}
	}
	if s.Code {
		list = append(list, strconv.AppendInt(nil, int64(result.Code), 10))
	}
	return r.ReplyMarked(ringcast.AppendFields(nil, list...), ringcast.Fielded)
}

// maxComplaint is how much of its standard error tells of a program's failure.
const maxComplaint = 1000

// complaint is what a program says of its failure.
func complaint(result *Result) string {
	if text := bytes.TrimSpace(result.Stderr); len(text) > 0 {
		return string(text[:min(len(text), maxComplaint)])
	}
	if result.Code > 128 {
		return fmt.Sprintf("ended by signal %d", result.Code-128)
	}
	return fmt.Sprintf("exit status %d", result.Code)
}

// started tells of a run, and numbers it.
func (s *Service) started(r *ringcast.Request, c *Call) uint64 {
	if s.Log == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	argv := slices.Concat([]string{s.Program.Path}, s.Program.Args, c.Args)
	_, _ = fmt.Fprintf(s.Log, "%d: request of %d bytes from %v: run %q, %d bytes of input %s\n", s.serial, len(r.Payload()), r.Source(), argv, len(c.Stdin), excerpt(c.Stdin))
	return s.serial
}

// ended tells of the end of a run, and hands on what it wrote to its standard error.
func (s *Service) ended(number uint64, result *Result, err error, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if result != nil && s.Errors != nil {
		_, _ = s.Errors.Write(result.Stderr)
	}
	switch {
	case s.Log == nil:
	case err != nil:
		_, _ = fmt.Fprintf(s.Log, "%d: %v after %v\n", number, err, took)
	default:
		_, _ = fmt.Fprintf(s.Log, "%d: exit code %d after %v, %d bytes of output %s\n", number, result.Code, took, len(result.Stdout), excerpt(result.Stdout))
	}
}

// excerpt is the beginning of some bytes, in quotes.
func excerpt(b []byte) string {
	const most = 200
	if len(b) > most {
		return fmt.Sprintf("%q...", b[:most])
	}
	return fmt.Sprintf("%q", b)
}
