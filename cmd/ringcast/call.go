package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
	"github.com/spf13/cobra"
)

const callExamples = `  ringcast call pricing 'AAPL 100'
  ringcast call pricing AAPL 100 --output json   # two fields
  seq 10 | ringcast call squares                 # one request a line
  ringcast call store -i plain < photo.jpg
  echo '["a", {"b": 1}]' | ringcast call store -i json
  ringcast call price '{"item":"tea"}' --schemas schemas   # FlatBuffers: price@request.bfbs, price@reply.bfbs
  ringcast call upper hello --wait-instance      # where somebody is about to serve it
  ringcast call n7-1f03.12.5 hello --timeout 2s  # to the inbox of one process
  ringcast call tail /var/log/x --stream         # replies as they come`

const callHelp = `Send a request to a service, or to the address of one process, and write its reply to the
standard output.

A request is bytes, or a list of fields, each of any bytes:
  one argument      these bytes
  several           a list of fields
  none              each line of the standard input is a request; an error if there is none
  --input args      the arguments are fields, however many
  --input plain     all of the standard input is the request
  --input delimited the standard input is split into fields, at --in-sep
  --input json      a JSON array: strings are fields as they are, anything else its JSON text
  --input lines     each line of the standard input is a request, and there may be none
An empty request is one empty argument: ringcast call NAME ''

A reply that is no list counts as one field. --decoder and --encoder say how the fields of
requests and of replies are written. With --schemas, if the service has a schema, the
request is the JSON of a FlatBuffer, and so is what is written of the reply.

Exit codes: 0 answered; 1 the handler's own error, or anything else; 2 wrong arguments
or input; 4 the time was over; 5 nobody has that name or address; 6 overloaded.`

type callOptions struct {
	name       string
	timeout    patienceFlag
	stream     bool
	idempotent bool
	verbose    bool
	input      fieldsInput
	output     fieldsOutput
	schemas    schemaFolder
	wait       bool
}

// defaultReply is how many bytes a reply may have: more than a program that stays takes,
// since here an inbox lasts for one call.
const defaultReply = 16 << 10

func (t *tool) callCommand() *cobra.Command {
	o := callOptions{timeout: patienceFlag(10 * time.Second)}
	cmd := &cobra.Command{
		Use: "call [-n] SERVICE|ADDRESS [FIELD...]", Short: "send a request and print the reply", Long: callHelp, Example: callExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := o.complete(args)
			if err != nil {
				return err
			}
			return failed(t.call(cmd.Context(), args, &o))
		},
	}
	f := cmd.Flags()
	f.Var(&waitFlag{&t.config.Wait}, "wait", "how to wait: block (sleeps when idle, the default), spin or yield (keep a core busy, for speed)")
	f.StringVarP(&o.name, "name", "n", "", "service or address: all arguments are fields then")
	f.VarP(&o.timeout, "timeout", "t", "time of each request: 10s, 500ms; a number is ms, -1 is as long as it takes (30 minutes)")
	f.BoolVar(&o.stream, "stream", false, "take many replies of one request")
	f.BoolVar(&o.idempotent, "idempotent", false, "the request may run twice: ask another instance if one dies")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell of each request and reply, field by field, on the standard error")
	f.IntVar(&t.config.InboxSlotSize, "max-reply", defaultReply, "bytes that a reply may have")
	f.BoolVar(&o.wait, "wait-instance", false, "begin when somebody serves the name, within the time of a request")
	o.input.flags(cmd)
	o.output.flags(cmd)
	o.schemas.flag(cmd, "JSON in and out, FlatBuffers between")
	return cmd
}

// complete checks the flags, and returns the fields among the arguments.
func (o *callOptions) complete(args []string) ([]string, error) {
	if o.name == "" {
		if len(args) == 0 {
			return nil, usage("call SERVICE|ADDRESS [FIELD...]: an argument is missing, the name of a service or an address")
		}
		o.name, args = args[0], args[1:]
	}
	if o.stream && o.idempotent {
		return nil, usage("--idempotent is for requests with one reply: a stream is sent once")
	}
	if err := o.output.complete(); err != nil {
		return nil, err
	}
	if err := o.input.complete(args); err != nil {
		return nil, err
	}
	if o.schemas.path != "" && o.input.marks() == ringcast.Fielded {
		return nil, usage("--schemas: a FlatBuffer is one JSON text: give one argument, or --input lines or plain")
	}
	return args, o.schemas.read()
}

// call is the command.
func (t *tool) call(ctx context.Context, args []string, o *callOptions) error {
	input, err := o.input.begun(t.stdin)
	if err != nil {
		return err
	}
	bus, err := ringcast.Open(ctx, &t.config)
	if err != nil {
		return err
	}
	defer bus.Close()
	client, err := o.client(bus)
	if err != nil {
		return err
	}
	if o.wait {
		if err := o.awaitInstance(ctx, bus); err != nil {
			return err
		}
	}
	asked := o.schemas.of(o.name, jsonform.AsRequest)
	return o.input.requests(args, input, func(payload []byte) error {
		if asked != nil {
			if payload, err = build(asked, payload); err != nil {
				return err
			}
		}
		ctx, cancel := context.WithTimeout(ctx, time.Duration(o.timeout))
		defer cancel()
		if o.verbose {
			t.dump("request", o.input.marks().Content, payload)
		}
		return o.outcome(o.ask(ctx, client, payload, func(r *ringcast.Reply) error {
			if o.verbose {
				t.dump("reply of "+r.Source().String(), r.Content(), r.Payload())
			}
			return o.show(t.stdout, r)
		}))
	})
}

// outcome is outcome of a request, with the flag that gives it more time.
func (o *callOptions) outcome(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &exitError{code: exitTimeout, err: err, advice: fmt.Sprintf("--timeout gives it more time; it had %v.", time.Duration(o.timeout))}
	}
	return outcome(o.name, err)
}

// show writes a reply, by its schema where it has one.
func (o *callOptions) show(w io.Writer, r *ringcast.Reply) error {
	if schema := o.schemas.of(o.name, jsonform.AsReply); schema != nil && r.Content() != ringcast.ContentFields {
		line, err := show(schema, r.Payload(), o.output.pretty)
		if err == nil {
			_, err = w.Write(line)
		}
		return err
	}
	list, err := r.Fields()
	if err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return o.output.write(w, list)
}

// awaitInstance waits until somebody serves the name.
func (o *callOptions) awaitInstance(ctx context.Context, bus *ringcast.Bus) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(o.timeout))
	defer cancel()
	instances := &ringcast.WatchConfig{Name: o.name, Kinds: []ringcast.PresenceKind{ringcast.PresenceInstance}}
	for e, err := range bus.Watch(ctx, instances) {
		if errors.Is(err, context.DeadlineExceeded) {
			return &exitError{code: exitTimeout, err: fmt.Errorf("service %q: nobody has served it for %v", o.name, time.Duration(o.timeout))}
		}
		if err != nil {
			return err
		}
		if e.Up {
			return nil
		}
	}
	return ringcast.ErrClosed
}

// client is whoever was named: an address contains a dash and dots, and parses.
func (o *callOptions) client(bus *ringcast.Bus) (*ringcast.Client, error) {
	cfg := &ringcast.ClientConfig{Idempotent: o.idempotent, Marks: o.input.marks()}
	if o.schemas.of(o.name, jsonform.AsRequest) != nil {
		cfg.Marks = flatBuffer
	}
	address, err := ringcast.ParseAddress(o.name)
	if err != nil {
		return bus.Client(o.name, cfg)
	}
	if o.stream || o.idempotent || o.wait {
		return nil, usage("--stream, --idempotent and --wait-instance are for services, not for addresses")
	}
	return bus.ClientTo(address, cfg)
}

// ask makes one request and hands its replies on.
func (o *callOptions) ask(ctx context.Context, c *ringcast.Client, payload []byte, reply func(*ringcast.Reply) error) error {
	if !o.stream {
		r, err := c.Request(ctx, payload)
		if err != nil {
			return err
		}
		return reply(r)
	}
	for r, err := range c.RequestStream(ctx, payload) {
		if err != nil {
			return err
		}
		if err := reply(r); err != nil {
			return err
		}
	}
	return nil
}

// dump tells of a message, field by field: as text, and in digits what is none.
func (t *tool) dump(what string, content uint8, payload []byte) {
	list := [][]byte{payload}
	if content == ringcast.ContentFields {
		parsed, err := ringcast.ParseFields(payload)
		if err == nil {
			list = parsed
		}
	}
	_, _ = fmt.Fprintf(t.stderr, "%s: %d bytes, %d fields\n", what, len(payload), len(list))
	for i, f := range list {
		form := "%4d: %q\n"
		if !utf8.Valid(f) {
			form = "%4d: %x\n"
		}
		_, _ = fmt.Fprintf(t.stderr, form, i+1, f)
	}
}

// A patienceFlag is the time of a request.
type patienceFlag time.Duration

// mostPatience is what a request has at most.
const mostPatience = 30 * time.Minute

func (p *patienceFlag) String() string { return time.Duration(*p).String() }
func (p *patienceFlag) Type() string   { return "duration" }

// Set reads a duration, or a number of milliseconds.
func (p *patienceFlag) Set(text string) error {
	d, err := time.ParseDuration(text)
	if ms, isNumber := strconv.ParseInt(text, 10, 32); isNumber == nil {
		d, err = time.Duration(ms)*time.Millisecond, nil
		if ms == -1 {
			d = mostPatience
		}
	}
	if err != nil || d < time.Millisecond {
		return errors.New("want 1ms or more, a number of ms, or -1")
	}
	*p = patienceFlag(min(d, mostPatience))
	return nil
}

// payloads calls fn with the argument, or with each line of the standard input.
func (t *tool) payloads(args []string, fn func([]byte) error) error {
	if len(args) > 0 {
		return fn([]byte(strings.Join(args, " ")))
	}
	return eachLine(t.stdin, fn)
}

// outcome gives the ends of a request, or a message, to somebody their exit codes.
func outcome(to string, err error) error {
	switch err {
	case ringcast.ErrNodeDown, ringcast.ErrGone, ringcast.ErrNoInbox, ringcast.ErrInstanceDied: // they name nobody
		err = fmt.Errorf("%s: %w", to, err)
	}
	var tooLarge *ringcast.TooLargeError
	switch {
	case errors.Is(err, ringcast.ErrNoService), errors.Is(err, ringcast.ErrGone), errors.Is(err, ringcast.ErrNoInbox):
		return &exitError{code: exitNobody, err: err}
	case errors.As(err, &tooLarge):
		advice := fmt.Sprintf("End all who serve it, and start them with --slot-size %d; an inbox takes what Config.InboxSlotSize of its owner says.", tooLarge.Size)
		return &exitError{code: exitFailed, err: err, advice: advice}
	case errors.Is(err, ringcast.ErrOverloaded):
		return &exitError{code: exitOverloaded, err: err}
	}
	return timedOut(err)
}

// timedOut gives the end of the time its exit code.
func timedOut(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &exitError{code: exitTimeout, err: err}
	}
	return err
}
