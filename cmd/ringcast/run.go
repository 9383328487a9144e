package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/modeflag"
	"github.com/ringcast/ringcast/internal/said"
	"github.com/ringcast/ringcast/internal/version"
	"github.com/ringcast/ringcast/shm"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1
	exitUsage   = 2
	exitMissed  = 3 // messages were missed: lagged or lost
	exitTimeout = 4 // --timeout ran out

	exitNobody     = 5 // no service, nobody has the address, or subscribes to what is asked of all
	exitOverloaded = 6 // a queue is full

	exitPipe = 141 // who read the output is gone: what a shell calls the end by SIGPIPE
)

const longHelp = `Ringcast publishes and subscribes to topics, sends and answers requests, shows who is
there, and measures.

Processes talk by the names of topics, dot-separated (orders.eu). On one node a
topic is a ring in shared memory; ringcastd joins the nodes of a network.

Exit codes: 0 all is well, or a signal ended what has no other end; 1 something failed;
2 wrong arguments; 3 messages were missed (too slow, or lost by the network); 4 the time
was over (--timeout); 5 nobody has that name or address (call, send), or subscribes to
that topic (survey); 6 overloaded (call, send); 141 whoever read the output is gone (| head).

All messages to people, errors included, go to the standard error. With --json the standard
output has whole objects of JSON or nothing, even if the exit code is not 0.`

const rootExamples = `  ringcast sub orders.eu
  seq 10 | ringcast pub orders.eu
  ringcast ls
  ringcast serve upper --exec 'tr a-z A-Z'
  ringcast call upper hello
  ringcast watch
  ringcast bench pingpong --size 256`

// An exitError is an error that knows its exit code.
type exitError struct {
	code   int
	err    error
	advice string // what flags help; may be empty
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failed gives an error of a command that has begun its work the code 1, unless
// it has one of its own or what was asked for can't be.
func failed(err error) error {
	var coded *exitError
	if err == nil || errors.As(err, &coded) {
		return err
	}
	for _, wrong := range []error{ringcast.ErrBadName, ringcast.ErrBadRights, ringcast.ErrInvalid, shm.ErrMemory} {
		if errors.Is(err, wrong) {
			return &exitError{code: exitUsage, err: err}
		}
	}
	return &exitError{code: exitFailed, err: err}
}

func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// A tool is one call of the program.
type tool struct {
	config ringcast.Config
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := &tool{stdin: stdin, stdout: stdout, stderr: stderr}
	cmd := t.command()
	cmd.SetArgs(args)
	out := &said.Writer{To: stdout}
	cmd.SetOut(out)
	cmd.SetErr(stderr)
	called, err := cmd.ExecuteContextC(ctx)
	if out.Err != nil {
		err = failed(out.Err)
	}
	if err == nil {
		return exitOK
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitPipe
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = &exitError{code: exitFailed, err: errors.New("interrupted")}
	}
	code := exitUsage // what the flags' own parser refuses has none
	var coded *exitError
	if errors.As(err, &coded) {
		code = coded.code
	}
	_, _ = fmt.Fprintf(stderr, "ringcast: %s\n", strings.TrimSpace(err.Error()))
	advice := advise(err)
	if advice == "" && code == exitUsage {
		advice = helpFor(called)
	}
	if advice != "" {
		_, _ = fmt.Fprintln(stderr, advice)
	}
	return code
}

func (t *tool) command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ringcast", Short: "publish, subscribe, call, serve, look, and measure", Long: longHelp, Example: rootExamples,
		Version: version.String(), SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	dress(cmd)
	f := cmd.PersistentFlags()
	f.StringVar(&t.config.Domain, "domain", "default", "name of the domain")
	f.StringVar(&t.config.Dir, "shm-dir", "", "directory of the domains' shared memory (default $RINGCAST_SHM_DIR, else /dev/shm/ringcast or /dev/shm/ringcast-UID)")
	f.Var(&modeflag.Value{Mode: &t.config.Mode}, "mode", "mode of the domain's files, if it is made now: 600, 660 (the group takes part), 640 (the group looks) ... (default 600; 660 with a group)")
	f.StringVar(&t.config.Group, "group", "", "group of the domain, if it is made now: one of yours (default ringcast at /dev/shm/ringcast, else none)")
	f.StringVar(&t.config.Owner, "owner", "", "user whom the domain belongs to, if root makes it now (default: whoever makes it)")
	f.Var(&memoryFlag{&t.config.Memory}, "memory", "memory of topics: prefault, huge, numa=local, numa=interleave or numa=0+2, with commas between (default $RINGCAST_MEMORY, else as the system does)")
	addGroup(cmd, "Topics", t.completed(otherNames(t.pubCommand(), "publish", "produce"), topicsOf),
		t.completed(otherNames(t.subCommand(), "subscribe", "listen", "consume"), topicsOf))
	addGroup(cmd, "Requests and messages", t.completed(otherNames(t.callCommand(), "request", "ask"), servicesOf), t.serveCommand(), t.scriptCommand(),
		t.completed(t.surveyCommand(), topicsOf), t.sendCommand(), t.inboxCommand())
	addGroup(cmd, "Who and what is there", otherNames(t.lsCommand(), "list", "topics", "info", "status", "top", "stats", "ps"), t.nodesCommand(), t.servicesCommand(),
		otherNames(t.watchCommand(), "presence"))
	addGroup(cmd, "More", t.gatewayCommand(), t.benchCommand(), t.balanceCommand(), t.completionCommand(), t.versionCommand())
	cmd.SetHelpCommandGroupID("More")
	return cmd
}

func (t *tool) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(t.stdout, "ringcast", version.String())
			return failed(err)
		},
	}
}

// advise says what flags help against an error.
func advise(err error) string {
	var coded *exitError
	if errors.As(err, &coded) && coded.advice != "" {
		return coded.advice
	}
	var tooLarge *ringcast.TooLargeError
	var shape *ringcast.ShapeError
	switch {
	case errors.As(err, &tooLarge):
		return largeAdvice(tooLarge)
	case errors.As(err, &shape):
		return fmt.Sprintf("Leave --slots, --slot-size, --latest and --exclusive away to publish into the topic as it is (%v), "+
			"or end all who use it: it is made anew then.", shape.Have)
	case errors.Is(err, ringcast.ErrNoService):
		return "ringcast services shows which there are; call --wait-instance waits for one."
	case errors.Is(err, ringcast.ErrGone), errors.Is(err, ringcast.ErrNoInbox):
		return "An address is valid as long as its process runs; ringcast inbox prints its own, ringcast watch who is there."
	case errors.Is(err, ringcast.ErrOverloaded):
		return "Ask again later, or start more instances; --queue of serve and script says how many requests may wait."
	case errors.Is(err, ringcast.ErrNodeDown):
		return "Is ringcastd running on both nodes? ringcast nodes shows which are up."
	case errors.Is(err, ringcast.ErrReplyTooLarge):
		return "Pass a larger --max-reply."
	case errors.Is(err, ringcast.ErrNotExclusive):
		return "The topic takes one publisher at a time: end the other one."
	case errors.Is(err, ringcast.ErrBadName):
		return "A name is dot-separated tokens of A-Z a-z 0-9 _ -; patterns, which sub and watch take, may have * and > as tokens."
	}
	return ""
}

// largeAdvice names flags with which a message fits: it may have half of the ring, whose slots stay as many.
func largeAdvice(e *ringcast.TooLargeError) string {
	if e.Size > maxMessage {
		return fmt.Sprintf("No message may be larger than %d bytes.", maxMessage)
	}
	slots, size := e.Slots, e.Payload
	if slots/2*size < e.Size {
		size = (2*e.Size/slots + 63) &^ 63
	}
	return fmt.Sprintf("Pass --slots %d --slot-size %d to pub, before anybody has published on the topic.", slots, size)
}

// maxMessage is the largest message that there is, in bytes.
const maxMessage = 16 << 20
