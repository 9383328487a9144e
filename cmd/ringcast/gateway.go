package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/internal/gateway"
	"github.com/spf13/cobra"
)

const gatewayExamples = `  ringcast gateway
  curl -g 'http://localhost:9001/upper?args=["hello"]'
  curl --data-binary @order.bin http://localhost:9001/v1/topics/orders.eu
  curl -N http://localhost:9001/v1/topics/'orders.>'
  ringcast gateway --bind 0.0.0.0 --token-file tokens --tls-cert gateway.crt --tls-key gateway.key`

const gatewayHelp = `Serve the domain over HTTP/1.1 and 2: services by GET and POST, topics by POST,
server-sent events and WebSocket, what there is as JSON, and a page that shows it.
doc/gateway.md is the guide, /openapi.json the description for programs.

Without --bind only this host reaches it. Whoever reaches it may use the whole domain,
unless --token-file names those who may. A signal ends it, after it has finished the
answers that are under way.`

type gatewayOptions struct {
	config      gateway.Config
	bind        string
	port        int
	timeout     millisFlag
	tokenFile   string
	certificate string
	key         string
	verbose     bool
}

// A millisFlag is a time as waha's tools take it, in milliseconds with -1 for no limit, or
// with a unit.
type millisFlag time.Duration

func (f *millisFlag) String() string { return strconv.FormatInt(time.Duration(*f).Milliseconds(), 10) }
func (f *millisFlag) Type() string   { return "ms" }

func (f *millisFlag) Set(text string) error {
	d, err := time.ParseDuration(text)
	if ms, numeric := strconv.ParseInt(text, 10, 64); numeric == nil {
		d, err = time.Duration(ms)*time.Millisecond, nil
	}
	if err != nil || d == 0 || d < 0 && d != -time.Millisecond {
		return errors.New("want milliseconds, as 5000, or a time, as 5s, or -1 for no limit")
	}
	*f = millisFlag(d)
	return nil
}

func (t *tool) gatewayCommand() *cobra.Command {
	o := gatewayOptions{timeout: millisFlag(5 * time.Second)}
	cmd := &cobra.Command{
		Use: "gateway", Short: "serve the domain over HTTP, with a web page", Long: gatewayHelp, Example: gatewayExamples,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.complete(t); err != nil {
				return err
			}
			return failed(t.gateway(cmd.Context(), &o))
		},
	}
	f, c := cmd.Flags(), &o.config
	f.StringVar(&o.bind, "bind", "127.0.0.1", "address to listen at: 0.0.0.0 or :: for the network")
	f.IntVarP(&o.port, "port", "p", 9001, "port to listen at; 0 takes a free one")
	f.VarP(&o.timeout, "timeout", "t", "how long a request may take if it does not say, in milliseconds or with a unit; -1 for no limit")
	f.StringVar(&o.tokenFile, "token-file", "", "file of bearer tokens, one a line: only clients that have one are let in")
	f.StringSliceVar(&c.Origins, "allow-origin", nil, "web origin whose pages may use the gateway, as https://example.org, or * for any (default its own page alone)")
	f.StringVar(&o.certificate, "tls-cert", "", "file of the certificate, for TLS")
	f.StringVar(&o.key, "tls-key", "", "file of its key")
	f.IntVar(&c.InFlight, "in-flight", 384, "requests that may be open at once, at most 4096; more get 503")
	f.Int64Var(&c.MaxBody, "max-body", 1<<20, "bytes that a request may have")
	f.IntVar(&c.MaxReply, "max-reply", 32<<10, "bytes that a reply may have: shared memory holds one such place for each request")
	f.IntVar(&c.MaxConnections, "max-connections", 4096, "connections at once")
	f.IntVar(&c.MaxStreams, "max-streams", 256, "clients that may read topics at once")
	f.DurationVar(&c.HeaderTime, "header-time", 5*time.Second, "how long a client may take for the header of a request")
	f.DurationVar(&c.BodyTime, "body-time", 30*time.Second, "how long a client may take for its body")
	f.StringVar(&c.Schemas, "schemas", "", "folder of binary schemas NAME.bfbs, NAME@request.bfbs, NAME@reply.bfbs: these FlatBuffers go as JSON")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "a line for each request on standard error")
	return cmd
}

// bindable reports whether --bind is an address or could be a name: what has a port with it is neither.
func (o *gatewayOptions) bindable() bool {
	_, err := netip.ParseAddr(o.bind)
	return err == nil || !strings.ContainsAny(o.bind, ":/ ")
}

// complete reads what the flags name.
func (o *gatewayOptions) complete(t *tool) error {
	switch {
	case o.port < 0 || o.port > 65535:
		return usage("--port %d: want 0 to 65535", o.port)
	case !o.bindable():
		return usage("--bind %s: want an address of this host, as 127.0.0.1, ::1 or 0.0.0.0, or its name; the port is --port", o.bind)
	case (o.certificate == "") != (o.key == ""):
		return usage("--tls-cert and --tls-key come together")
	case o.config.HeaderTime <= 0 || o.config.BodyTime <= 0:
		return usage("--header-time and --body-time want a time above 0")
	}
	if o.certificate != "" { // before anything is told of an address
		if _, err := tls.LoadX509KeyPair(o.certificate, o.key); err != nil {
			return failed(fmt.Errorf("--tls-cert %s, --tls-key %s: %w", o.certificate, o.key, err))
		}
	}
	for _, origin := range o.config.Origins {
		if origin != "*" && !strings.Contains(origin, "://") {
			return usage("--allow-origin %q: want scheme://host, as https://example.org, or *", origin)
		}
	}
	if o.tokenFile != "" {
		b, err := os.ReadFile(o.tokenFile)
		if err != nil {
			return failed(fmt.Errorf("--token-file: %w", err))
		}
		if o.config.Tokens = strings.Fields(string(b)); len(o.config.Tokens) == 0 {
			return usage("--token-file %s: no token in it", o.tokenFile)
		}
	}
	o.config.Bus, o.config.Timeout = t.config, time.Duration(o.timeout)
	if o.config.Bus.Name == "" {
		o.config.Bus.Name = "gateway"
	}
	a, err := netip.ParseAddr(o.bind)
	o.config.Local = o.bind == "localhost" || err == nil && a.IsLoopback()
	if o.verbose {
		o.config.Log = t.stderr
	}
	return nil
}

// gateway is the command.
func (t *tool) gateway(ctx context.Context, o *gatewayOptions) error {
	g, err := gateway.Open(ctx, &o.config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(o.bind, strconv.Itoa(o.port)))
	if err != nil {
		err = errors.Join(err, g.Shutdown(context.WithoutCancel(ctx)))
		if errors.Is(err, syscall.EADDRINUSE) {
			return &exitError{code: exitFailed, err: err, advice: "Pass another --port; 0 takes a free one."}
		}
		if errors.Is(err, syscall.EACCES) {
			return &exitError{code: exitFailed, err: err, advice: "Ports below 1024 are root's as a rule: pass another --port."}
		}
		var unknown *net.DNSError
		if errors.As(err, &unknown) || errors.Is(err, syscall.EADDRNOTAVAIL) {
			return &exitError{code: exitFailed, err: err, advice: "--bind wants an address of this host, as 127.0.0.1, ::1 or 0.0.0.0 (`ip addr` lists them), or its name."}
		}
		return err
	}
	scheme := "http"
	if o.certificate != "" {
		scheme = "https"
	}
	_, _ = fmt.Fprintf(t.stderr, "gateway of domain %s at %s://%s/\n", o.config.Bus.Domain, scheme, listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(listener, o.certificate, o.key) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, g.Shutdown(last))
}
