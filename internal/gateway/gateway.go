package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
)

// A Gateway is one participant of a domain that speaks HTTP for others. It is safe for
// concurrent use.
type Gateway struct {
	// Immutable after Open.
	config     Config
	bus        *ringcast.Bus
	access     access
	clients    *clients
	publishers *publishers
	hubs       *hubs
	latencies  *latencies
	metrics    *metrics
	view       *view
	server     *http.Server
	newcomers  newcomers
	schemas    *jsonform.Schemas

	places  places         // one for each request in flight
	streams sync.WaitGroup // readers of topics
	closing chan struct{}  // closed when the gateway stops
	once    sync.Once      // closes it
}

// Open joins a domain. The context bounds only Open itself. Errors: those of
// ringcast.Open, and what is wrong with the configuration.
func Open(ctx context.Context, cfg *Config) (*Gateway, error) {
	c, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	var known *jsonform.Schemas
	if c.Schemas != "" {
		if known, err = jsonform.ReadSchemas(c.Schemas); err != nil {
			return nil, err
		}
	}
	bus, err := ringcast.Open(ctx, &c.Bus)
	if err != nil {
		return nil, err
	}
	g := &Gateway{config: c, bus: bus, schemas: known, access: newAccess(&c), closing: make(chan struct{})}
	g.clients, g.publishers = newClients(bus), newPublishers(bus, c.MaxTopics)
	g.hubs, g.latencies = newHubs(g), newLatencies()
	g.view, g.metrics = newView(g), newMetrics(g)
	g.newcomers.conns = map[net.Conn]bool{}
	g.places.free.Store(int64(c.InFlight))
	g.server = g.newServer()
	return g, nil
}

func (g *Gateway) newServer() *http.Server {
	s := &http.Server{
		Handler: g.Handler(), ReadHeaderTimeout: g.config.HeaderTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		Protocols: new(http.Protocols),
		ConnState: func(c net.Conn, state http.ConnState) {
			g.metrics.connection(state)
			g.newcomers.note(c, state)
		},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250, WriteByteTimeout: g.config.WriteTime},
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	s.RegisterOnShutdown(g.stop)
	return s
}

// stop ends the readers of topics, and connections that nobody has used; requests go on.
func (g *Gateway) stop() {
	g.once.Do(func() { close(g.closing) })
	g.newcomers.close()
}

// Serve answers the connections of a listener until Shutdown. With the files of a
// certificate and its key it speaks TLS. It always returns an error, which is
// http.ErrServerClosed after Shutdown.
func (g *Gateway) Serve(l net.Listener, certificate, key string) error {
	l = netutil.LimitListener(l, g.config.MaxConnections)
	if certificate != "" || key != "" {
		return g.server.ServeTLS(l, certificate, key)
	}
	return g.server.Serve(l)
}

// Shutdown takes no more connections, ends the readers of topics, waits for the answers
// that are under way until the context ends, and leaves the domain. Errors: the context's.
func (g *Gateway) Shutdown(ctx context.Context) error {
	err := g.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, g.server.Close())
	}
	g.stop()
	ended := make(chan struct{})
	go func() {
		g.streams.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	g.publishers.close()
	return errors.Join(err, g.bus.Close())
}

// Handler answers requests. It is what Serve serves, for who has a server.
func (g *Gateway) Handler() http.Handler {
	routes := g.mux()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := time.Now()
		seen := &recorder{ResponseWriter: w}
		defer func() { g.metrics.answered(r, seen, time.Since(begun)) }()
		seen.Header().Set("X-Content-Type-Options", "nosniff")
		routes.ServeHTTP(seen, r)
	})
}
