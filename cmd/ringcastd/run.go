package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/ringcast/ringcast/internal/flagerror"
	"github.com/ringcast/ringcast/internal/forward"
	"github.com/ringcast/ringcast/internal/modeflag"
	"github.com/ringcast/ringcast/internal/said"
	"github.com/ringcast/ringcast/internal/version"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/shm"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // the network or the segments failed while running
	exitUsage   = 2 // arguments are wrong
	exitRunning = 3 // this node has a forwarder already
	exitAccess  = 4 // no right to the directory or the segments
)

const longHelp = `Ringcastd joins the rings of this node to the other nodes of the domain.

One runs on each node. It needs no configuration on a LAN: group and port come
from the domain's name, the interface from a rule that --explain states. It tells
the other nodes what the programs here subscribe to, sends what others asked for,
and puts what arrives into the local rings. Stop it with SIGTERM: it says goodbye
and prints what it did.

Exit codes: 0 stopped by a signal, 1 failed while running, 2 wrong arguments,
3 this node has a forwarder already, 4 no right to the shared memory directory.`

const examples = `  ringcastd
  ringcastd --domain plant --interface eth1
  ringcastd --explain
  # two nodes on one host, 1 % of the datagrams lost on arrival:
  ringcastd --shm-dir /dev/shm/a --interface lo
  ringcastd --shm-dir /dev/shm/b --interface lo --fault loss=0.01,seed=7`

// options are the flags as they stand.
type options struct {
	config      forward.Config
	fault       string
	seeds       []string
	limits      []string
	compression string
	explain     bool
	quiet       bool
	json        bool
	report      time.Duration
}

// run is main without the process: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	code := exitOK
	cmd := &cobra.Command{
		Use: "ringcastd", Short: "join this node's rings to the network", Long: longHelp, Example: examples,
		Args: noArguments, Version: version.String(), SilenceUsage: true, SilenceErrors: true,
		RunE: func(*cobra.Command, []string) error {
			var err error
			code, err = serve(ctx, &o, stdout, stderr)
			return err
		},
	}
	o.flags(cmd)
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 100"))
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return errors.New(flagerror.Text(err)) })
	cmd.SetArgs(args)
	words := &said.Writer{To: stdout}
	cmd.SetOut(words)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	if words.Err != nil {
		code, err = exitFailed, words.Err
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "ringcastd: %v\n", err)
		if code == exitOK {
			_, _ = fmt.Fprintln(stderr, "Run ringcastd --help for the flags, with examples.")
			return exitUsage
		}
	}
	return code
}

// noArguments refuses what is no flag.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%q: want flags alone, as --domain NAME", args[0])
	}
	return nil
}

func (o *options) flags(cmd *cobra.Command) {
	f, c := cmd.Flags(), &o.config
	f.StringVar(&c.Domain.Domain, "domain", "default", "name of the domain to join")
	f.StringVar(&c.Domain.Base, "shm-dir", "", "directory of the domains' shared memory (default $RINGCAST_SHM_DIR, else /dev/shm/ringcast or /dev/shm/ringcast-UID)")
	f.Var(&modeflag.Value{Mode: &c.Domain.Mode}, "mode", "mode of the domain's files, if it is made now: 600, 660 (the group takes part), 640 (the group looks) ... (default 600; 660 with a group)")
	f.StringVar(&c.Domain.Group, "group", "", "group of the domain, if it is made now: one of yours (default ringcast at /dev/shm/ringcast, else none)")
	f.StringVar(&c.Domain.Owner, "owner", "", "user whom the domain belongs to, if root makes it now (default: whoever makes it)")
	f.Uint32Var(&c.Domain.Node, "node", 0, "id of this node, for a directory that is made now (default: made from the machine's id)")
	f.StringVar(&c.Net.Interface, "interface", "", "interface, or its IPv4 address (default: by rule, see --explain)")
	f.StringSliceVar(&o.seeds, "seed", nil, "IP address of another node that multicast does not reach, with :PORT if its forwarder is not the first of its machine; may be repeated")
	f.IntVar(&c.Net.MTU, "mtu", 0, "largest datagram in bytes of UDP payload; one above 1408 is sent while all nodes show that they receive it (default 1408; 8932 on loopback, and if the interface carries jumbo frames)")
	f.IntVar(&c.Window, "window", 0, "bytes of sent datagrams that stay repairable (default 32 MiB)")
	f.Float64Var(&c.Rate, "rate", 0, "most datagrams sent in a second (default 400,000)")
	f.IntVar(&c.UplinkSlots, "uplink-slots", 0, "how many messages for other nodes may wait, a power of two (default 1024)")
	f.IntVar(&c.UplinkSlotSize, "uplink-slot-size", 0, "bytes of a message for another node that fit one slot; longer ones take several, up to half of all (default 2048)")
	f.DurationVar(&c.Linger, "linger", 0, "how long a datagram that has room waits for more messages, up to 50us, e.g. 20us (default: not at all)")
	f.StringSliceVar(&o.limits, "limit", nil, "what one source may send before it is refused or ignored, as requests=50000/10000 (a second/at once), or off; kinds and defaults: doc/operations.md")
	f.StringVar(&o.compression, "compress", "paced", "LZ4: paced (while the network is the limit), always, never")
	f.BoolVar(&c.NoDirected, "no-directed", false, "send to all, by multicast, even what only one node wants, and have others do so for this node (default: to that node, by unicast)")
	f.StringVar(&o.fault, "fault", "", "lose, duplicate, reorder or delay datagrams on purpose, e.g. loss=0.01,dup=0.001,reorder=0.01,seed=7")
	f.BoolVar(&c.DropNAK, "fault-no-nak", false, "drop this node's NAKs: what is lost stays lost")
	f.BoolVar(&o.explain, "explain", false, "say which interface, group and port would be used and why, then stop")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "say nothing on stderr but errors")
	f.BoolVar(&o.json, "json", false, "print what it did as one JSON object at the end, and each --report; also what --explain says")
	f.DurationVar(&o.report, "report", 0, "how often to print what it did (default: only at the end)")
}

// complete turns the texts among the flags into values.
func (o *options) complete(stderr io.Writer) error {
	fault, err := udp.ParseFault(o.fault)
	if err != nil {
		return err
	}
	o.config.Net.Fault = fault
	for _, text := range o.seeds {
		seed, err := forward.ParseSeed(text)
		if err != nil {
			return fmt.Errorf("--seed: %w", err)
		}
		o.config.Seeds = append(o.config.Seeds, seed)
	}
	for _, text := range o.limits {
		if err := o.config.Limits.Set(text); err != nil {
			return fmt.Errorf("--limit: %w", err)
		}
	}
	if o.report < 0 {
		return fmt.Errorf("--report %v: want a time above 0", o.report)
	}
	o.config.Version = version.String()
	if o.config.Compression, err = forward.ParseCompression(o.compression); err != nil {
		return fmt.Errorf("--compress: %w", err)
	}
	if !o.quiet {
		o.config.Log = func(format string, args ...any) {
			_, _ = fmt.Fprintf(stderr, "%s %s\n", time.Now().Format("15:04:05.000"), fmt.Sprintf(format, args...))
		}
	}
	return nil
}

// serve runs the forwarder until ctx ends.
func serve(ctx context.Context, o *options, stdout, stderr io.Writer) (int, error) {
	if err := o.complete(stderr); err != nil {
		return exitUsage, err
	}
	if o.explain {
		net := o.config.Net
		net.Domain = o.config.Domain.Domain
		return o.tell(&net, stdout)
	}
	f, err := forward.New(o.config)
	if err != nil {
		return codeOf(err), err
	}
	done := make(chan struct{})
	go o.reports(f, stdout, done)
	err = f.Run(ctx)
	close(done)
	o.print(f.Stats(), stdout)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return exitFailed, err
	}
	return exitOK, nil
}

// tell says what the network would be.
func (o *options) tell(net *udp.Config, stdout io.Writer) (int, error) {
	e, err := udp.Explain(net)
	if err != nil {
		return exitUsage, err
	}
	if o.json {
		err = json.NewEncoder(stdout).Encode(e)
	} else {
		_, err = fmt.Fprintln(stdout, e)
	}
	if err != nil {
		return exitFailed, err
	}
	return exitOK, nil
}

// codeOf maps what New refused to an exit code.
func codeOf(err error) int {
	var config *udp.ConfigError
	var iface *udp.InterfaceError
	var node *shm.NodeError
	var other *shm.OtherRightsError
	switch {
	case errors.Is(err, shm.ErrForwarderRunning):
		return exitRunning
	case errors.Is(err, fs.ErrPermission):
		return exitAccess
	case errors.As(err, &config), errors.As(err, &iface), errors.As(err, &node),
		errors.Is(err, fs.ErrInvalid), errors.Is(err, shm.ErrBadName), errors.Is(err, shm.ErrBadRights), errors.As(err, &other),
		errors.Is(err, forward.ErrConfig):
		return exitUsage
	}
	return exitFailed
}

// reports prints the figures every so often until done.
func (o *options) reports(f *forward.Forwarder, stdout io.Writer, done <-chan struct{}) {
	if o.report <= 0 {
		return
	}
	tick := time.NewTicker(o.report)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			o.print(f.Stats(), stdout)
		}
	}
}

// print writes the figures as JSON, or as lines of name and value that are not zero.
func (o *options) print(s forward.Stats, stdout io.Writer) {
	if o.json {
		_ = json.NewEncoder(stdout).Encode(s.Map())
		return
	}
	if o.quiet {
		return
	}
	for _, row := range s {
		if row.Value != 0 {
			_, _ = fmt.Fprintf(stdout, "%-28s %14d  %s\n", row.Label, row.Value, row.Unit)
		}
	}
}
