package script

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// A Program is what is run. It must not be changed once Run was called, and Run may be
// called by several goroutines.
type Program struct {
	// Path is its file. Find looks for a name without a slash in PATH.
	Path string
	// Args come before those of a call.
	Args []string
	// Env is its environment, NAME=VALUE each. Nil means this process's own.
	Env []string
	// Timeout bounds each run. Zero means that the context alone does.
	Timeout time.Duration
	// Grace is what a run has between SIGTERM and SIGKILL, where its time is over or nobody
	// wants its answer any more. Zero means SIGKILL at once.
	Grace time.Duration
	// Output bounds its standard output in bytes, or each line where lines are taken one by
	// one; as much is kept of its standard error. Zero means DefaultOutput.
	Output int
	// Merge puts its standard error into its standard output.
	Merge bool
	// Mute throws away its standard output, and its standard error where Merge is set.
	Mute bool
}

// DefaultOutput is how many bytes a run may write if nobody says otherwise.
const DefaultOutput = 1 << 20

// Outcomes of a run besides its exit code.
var (
	// ErrTimeout means that a run was killed at the end of Program.Timeout.
	ErrTimeout = errors.New("time of the program is over")
	// ErrOutput means that a run was killed for writing more than Program.Output.
	ErrOutput = errors.New("program writes more than is taken")
	// ErrNotRun means that the program could not be started.
	ErrNotRun = errors.New("program can't be run")
)

// A Call is what one run gets.
type Call struct {
	// Args come after the program's own.
	Args []string
	// Env comes after the program's own.
	Env []string
	// Stdin is its standard input. Nil means that there is none: it ends at once.
	Stdin []byte
	// Line takes the standard output line by line, without the newline, as it is written;
	// then the Result has none. The program waits while it does not return, and is killed
	// where it returns an error, which Run returns then. It is called by Run's goroutine,
	// and must not keep the line.
	Line func(line []byte) error
}

// A Result is what a run that has come to its end has left.
type Result struct {
	Stdout, Stderr []byte
	// Code is its exit code, and 128 and the number where a signal has ended it.
	Code int
}

// Find completes the path as a shell does, and says what is wrong with a program that
// could never be run. Errors: ErrNotRun.
func (p *Program) Find() error {
	path, err := exec.LookPath(p.Path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	p.Path = path
	return nil
}

// Run runs the program once, and returns when it has ended and was reaped.
//
// Errors: the context's, ErrTimeout, ErrOutput, ErrNotRun, that of Line. Another exit code
// than 0 is none.
func (p *Program) Run(ctx context.Context, c *Call) (*Result, error) {
	if err := p.checkArgs(c); err != nil {
		return nil, err
	}
	if p.Timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, p.Timeout, ErrTimeout)
		defer cancel()
		ctx = limited
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	// The kernel takes the death of the thread that has started a process for that of its
	// parent (PR_SET_PDEATHSIG): the thread stays as long as the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := &run{program: p, call: c, input: c.Stdin}
	if err := r.start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { r.end(context.Cause(ctx), p.Grace) })
	defer stop()
	return r.finish()
}

// checkArgs says which argument no process can be given.
func (p *Program) checkArgs(c *Call) error {
	for i, a := range c.Args {
		if strings.IndexByte(a, 0) >= 0 {
			return fmt.Errorf("%w: field %d has a zero byte, which no argument can have: give the request to its standard input", ErrNotRun, i+1)
		}
	}
	return nil
}

// limit is the bound of the output.
func (p *Program) limit() int {
	if p.Output == 0 {
		return DefaultOutput
	}
	return p.Output
}
