package main

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/script"
	"github.com/spf13/cobra"
)

const scriptExamples = `  ringcast script upper --input plain tr a-z A-Z
  ringcast script -n hello -s /bin/echo 'Hello,'     # the fields of a request are its arguments
  ringcast script --lines --timeout 1m log tail -n 100 -f /var/log/syslog
  ringcast call hello --input args big world`

const scriptHelp = `Run a program for each request to a service, and answer with what it writes to its standard
output, until a signal comes. Flags come first: what follows the program is its own. There
is no shell between: what callers send is never a command.

A request's fields are arguments after those given here, or the standard input:
  --input args    each field is an argument; there is no standard input (default)
  --input plain   the payload as it is, fields one behind the other
  --input lines   each field is a line
  --input json    a JSON array of strings; bytes that are no UTF-8 are replaced
The program's environment has RINGCAST_SERVICE, RINGCAST_CALLER (the caller's address) and
RINGCAST_FIELDS (how many).

Up to --concurrency programs run at once, and up to --queue requests wait. One more is told
that the service is overloaded. Each run is a process group. It is killed, with all that is
left in it, when the program ends, when its time is over (the request's, and --timeout), and
when the caller gives up. It gets SIGTERM and, with --grace, time before SIGKILL. It dies
with this process. On SIGTERM or SIGINT this process waits for what runs.

An exit code other than 0 is an error of that code to the caller, with what was written to
the standard error; 124 is the timeout, 126 a program that can't be run. With --ret-code the
code is the last field of the answer instead. After each run its standard error goes to that
of this process.`

type scriptOptions struct {
	service script.Service
	config  ringcast.ServeConfig
	name    string
	program string
	input   string
	env     []string
	clean   bool
	verbose bool
	drain   time.Duration
}

func (t *tool) scriptCommand() *cobra.Command {
	var o scriptOptions
	cmd := &cobra.Command{
		Use: "script [-n] SERVICE [-s] PROGRAM [ARGUMENT...]", Short: "any program as a service", Long: scriptHelp, Example: scriptExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.complete(args, t); err != nil {
				return err
			}
			return failed(t.script(cmd.Context(), &o))
		},
	}
	p := &o.service.Program
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.StringVarP(&o.name, "name", "n", "", "name of the service (default: the first argument)")
	f.StringVarP(&o.program, "script", "s", "", "file of the program; all other arguments are its own then (default: the next argument; /bin/echo with --name alone)")
	f.BoolVarP(&o.service.Code, "ret-code", "r", false, "append the exit code as last field of the answer")
	f.BoolVarP(&p.Merge, "stderr", "e", false, "put the standard error into the answer, too")
	f.BoolVar(&p.Mute, "no-stdout", false, "put nothing of what the program writes into the answer")
	f.StringVar(&o.input, "input", string(script.InputArgs), "how the program gets the request: args, plain, lines or json")
	f.BoolVar(&o.service.DropEmpty, "drop-empty", false, "leave out fields without bytes")
	f.BoolVar(&o.service.Lines, "lines", false, "each line is a reply of its own (ringcast call --stream), or a field of the one reply")
	f.IntVar(&o.config.Concurrency, "concurrency", runtime.NumCPU(), "programs that run at once")
	f.IntVar(&o.config.Queue, "queue", 0, "requests that may wait, a power of two from 4 (default 256 if the service is new)")
	f.IntVar(&o.config.SlotSize, "slot-size", 0, "bytes that a request may have (default 2048 if the service is new)")
	f.DurationVar(&p.Timeout, "timeout", 0, "time of each run (default: the request's alone)")
	f.DurationVar(&p.Grace, "grace", 0, "time between SIGTERM and SIGKILL (default: SIGKILL at once)")
	f.IntVar(&p.Output, "max-output", script.DefaultOutput, "bytes that a run may write, or a line of it with --lines")
	f.StringArrayVar(&o.env, "env", nil, "NAME=VALUE for the program's environment; may be repeated")
	f.BoolVar(&o.clean, "clean-env", false, "the program gets nothing of this process's environment but PATH")
	f.DurationVar(&o.drain, "drain", stopPatience, "how long the end waits for programs that run")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell of each run: arguments, input, output, exit code")
	return cmd
}

// complete checks the flags, and takes the arguments that no flag gave.
func (o *scriptOptions) complete(args []string, t *tool) error {
	p := &o.service.Program
	if o.name == "" {
		if len(args) == 0 || o.program == "" && len(args) == 1 {
			return usage("script SERVICE PROGRAM [ARGUMENT...]: an argument is missing: the name of the service, or the program")
		}
		o.name, args = args[0], args[1:]
		if o.program == "" {
			o.program, args = args[0], args[1:]
		}
	}
	if o.program == "" {
		o.program = "/bin/echo"
	}
	p.Path, p.Args = o.program, args
	o.service.Input = script.Input(o.input)
	if !slices.Contains(script.Inputs, o.service.Input) {
		return usage("--input %q: want args, plain, lines or json", o.input)
	}
	if o.config.Concurrency < 1 || o.config.Queue < 0 || o.config.SlotSize < 0 || p.Timeout < 0 || p.Grace < 0 || p.Output < 1 || o.drain < 0 {
		return usage("--concurrency and --max-output want 1 or more; --queue, --slot-size, --timeout, --grace and --drain 0 or more")
	}
	o.service.Errors = t.stderr
	if o.verbose {
		o.service.Log = t.stderr
	}
	return o.environment()
}

// environment is the program's.
func (o *scriptOptions) environment() error {
	env := os.Environ()
	if o.clean {
		env = []string{"PATH=" + os.Getenv("PATH")}
	}
	for _, e := range o.env {
		if name, _, ok := strings.Cut(e, "="); !ok || name == "" || strings.IndexByte(e, 0) >= 0 {
			return usage("--env %q: want NAME=VALUE", e)
		}
		env = append(env, e)
	}
	o.service.Program.Env = env
	return nil
}

// script is the command.
func (t *tool) script(ctx context.Context, o *scriptOptions) error {
	p := &o.service.Program
	if err := p.Find(); err != nil {
		return err
	}
	return t.serving(ctx, &serving{name: o.name, config: &o.config, answer: o.service.Answer, patience: o.drain})
}
