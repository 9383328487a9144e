package gateway

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// pulse is how often a client is told that nothing is there: by it the gateway learns that
// one has gone, and proxies that the connection is in use.
const pulse = 15 * time.Second

// maxLast is how far back a reader may begin: no ring has more slots.
const maxLast = 1 << 20

// serveRead is GET /v1/topics/{name}, which may be a pattern: server-sent events, or a
// WebSocket where the client asks for one.
func (g *Gateway) serveRead(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return notAllowed(r, "GET, POST")
	}
	q, err := query(r)
	if err != nil {
		return err
	}
	key := hubKey{pattern: r.PathValue("name")}
	switch q.Get("mode") {
	case "", "latest":
	case "reliable":
		key.reliable = true
	default:
		return badRequest("mode %q: want latest or reliable", clip(q.Get("mode")))
	}
	if text := q.Get("last"); text != "" {
		if key.last, err = strconv.Atoi(text); err != nil || key.last < 0 || key.last > maxLast {
			return badRequest("last %q: want how many messages to begin back, 0 to %d", clip(text), maxLast)
		}
	}
	g.streams.Add(1)
	defer g.streams.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	one, err := g.hubs.join(ctx, key)
	if err != nil {
		return err
	}
	defer g.hubs.leave(one)
	if seen, ok := w.(*recorder); ok {
		seen.reads = true
	}
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return g.serveWebSocket(w, r, one)
	}
	return g.serveEvents(ctx, w, one)
}

// A sink is how one client gets what it reads.
type sink interface {
	// write sends items; it blocks while the client takes nothing, for WriteTime at most.
	write(list []item) error
	// beat shows that the connection stands.
	beat() error
}

// pump moves items from a reader to a client until one of them ends. It reports whether the
// gateway ended it.
func (g *Gateway) pump(ctx context.Context, one *reader, to sink) (stopped bool) {
	beats := time.NewTicker(pulse)
	defer beats.Stop()
	var list []item
	opened := (&Note{Event: "open", Topic: one.hub.key.pattern}).item(0)
	if to.write([]item{opened}) != nil {
		return false
	}
	for {
		open := true
		select {
		case <-ctx.Done():
			return false
		case <-g.closing:
			return true
		case <-beats.C:
			if to.beat() != nil {
				return false
			}
			continue
		case <-one.news:
			list, open = one.take(list)
		}
		if len(list) > 0 && to.write(list) != nil {
			return false
		}
		if !open {
			return true
		}
	}
}

// An eventSink writes server-sent events.
type eventSink struct {
	gateway *Gateway
	w       http.ResponseWriter
	buffer  []byte
}

// serveEvents writes server-sent events: messages without a name, so that onmessage of a
// browser gets them, events under theirs.
func (g *Gateway) serveEvents(ctx context.Context, w http.ResponseWriter, one *reader) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s := &eventSink{gateway: g, w: w}
	if g.pump(ctx, one, s) {
		closing := Note{Event: "closing", Detail: "the gateway is stopping"}
		_ = s.write([]item{closing.item(0)}) // who has gone needs no farewell
	}
	return nil
}

func (s *eventSink) write(list []item) error {
	s.buffer = s.buffer[:0]
	for _, i := range list {
		if i.event != "" {
			s.buffer = append(append(append(s.buffer, "event: "...), i.event...), '\n')
		}
		s.buffer = append(append(append(s.buffer, "data: "...), i.json...), "\n\n"...)
	}
	return s.send()
}

func (s *eventSink) beat() error {
	s.buffer = append(s.buffer[:0], ": nothing new\n\n"...)
	return s.send()
}

func (s *eventSink) send() error {
	s.gateway.allowWrite(s.w)
	if _, err := s.w.Write(s.buffer); err != nil {
		return err
	}
	return http.NewResponseController(s.w).Flush()
}

// A socketSink writes text messages of a WebSocket.
type socketSink struct {
	gateway *Gateway
	ctx     context.Context
	conn    *websocket.Conn
}

// serveWebSocket sends each message and each event as one text message; what the client
// sends ends it.
func (g *Gateway) serveWebSocket(w http.ResponseWriter, r *http.Request, one *reader) error {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // checkOrigin was there before
		Subprotocols:       []string{"ringcast"},
	})
	if err != nil {
		return nil // it has answered
	}
	if seen, ok := w.(*recorder); ok {
		seen.status = http.StatusSwitchingProtocols
	}
	defer conn.CloseNow()
	ctx := conn.CloseRead(context.WithoutCancel(r.Context()))
	if g.pump(ctx, one, &socketSink{g, ctx, conn}) {
		_ = conn.Close(websocket.StatusGoingAway, "the gateway is stopping")
	}
	return nil
}

func (s *socketSink) write(list []item) error {
	for _, i := range list {
		ctx, cancel := context.WithTimeout(s.ctx, s.gateway.config.WriteTime)
		err := s.conn.Write(ctx, websocket.MessageText, i.json)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *socketSink) beat() error {
	ctx, cancel := context.WithTimeout(s.ctx, s.gateway.config.WriteTime)
	defer cancel()
	return s.conn.Ping(ctx)
}
