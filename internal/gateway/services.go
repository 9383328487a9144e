package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
)

// A clientKey is a service, and how it is called.
type clientKey struct {
	name       string
	marks      ringcast.Marks
	idempotent bool
}

// clients keeps the clients of services. The bus remembers each name that was asked, so
// how many those are is bounded here: beyond the bound only names that are served are
// asked. It is safe for concurrent use.
type clients struct {
	bus  *ringcast.Bus
	most int

	mu    sync.RWMutex
	known map[clientKey]*ringcast.Client // guarded by mu
	names map[string]bool                // guarded by mu: those that the bus was asked for
}

func newClients(bus *ringcast.Bus) *clients {
	return &clients{bus: bus, most: maxNames, known: map[clientKey]*ringcast.Client{}, names: map[string]bool{}}
}

// client finds the client for a key. served says whether somebody serves the name.
func (c *clients) client(key clientKey, served func(string) bool) (*ringcast.Client, error) {
	c.mu.RLock()
	have := c.known[key]
	full := len(c.names) >= c.most && !c.names[key.name]
	c.mu.RUnlock()
	if have != nil {
		return have, nil
	}
	if full && !served(key.name) {
		return nil, ringcast.ErrNoService
	}
	made, err := c.bus.Client(key.name, &ringcast.ClientConfig{Marks: key.marks, Idempotent: key.idempotent})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[key.name], c.known[key] = true, made
	return made, nil
}

// served says whether the present state of the domain has the service.
func (g *Gateway) served(name string) bool {
	s, err := g.look()
	if err != nil {
		return false
	}
	for i := range s.Services {
		if s.Services[i].Service == name {
			return true
		}
	}
	return false
}

// streamPlaces is how many places a request for many replies takes: so many replies may
// be under way (spec/messaging.md, 9).
const streamPlaces = 16

// ask has a service answer an order, once.
func (g *Gateway) ask(ctx context.Context, o *order) (*ringcast.Reply, error) {
	release, err := g.admit(1)
	if err != nil {
		return nil, err
	}
	defer release()
	c, err := g.clients.client(clientKey{o.service, o.marks, o.idempotent}, g.served)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	begun := time.Now()
	if o.oneWay {
		return nil, c.Send(ctx, o.payload)
	}
	reply, err := c.Request(ctx, o.payload)
	if !errors.Is(err, ringcast.ErrNoService) {
		g.latencies.note(o.service, time.Since(begun), err)
	}
	return reply, err
}

// serveOld is the old form: /SERVICE?args=[...].
func (g *Gateway) serveOld(w http.ResponseWriter, r *http.Request) {
	b, err := g.answerOld(w, r)
	if err != nil {
		p := problemOf(err)
		g.allowWrite(w)
		p.writePlain(w)
		return
	}
	g.send(w, http.StatusOK, b)
}

func (g *Gateway) answerOld(w http.ResponseWriter, r *http.Request) (body, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return body{}, notAllowed(r, "GET, POST")
	}
	o, err := g.oldOrder(w, r)
	if err != nil {
		return body{}, err
	}
	reply, err := g.ask(r.Context(), o)
	if err != nil {
		return body{}, err
	}
	return bodyOf(reply, o.form)
}

func notAllowed(r *http.Request, allow string) *problem {
	p := newProblem(http.StatusMethodNotAllowed, "method", "%s is not for %s: want %s", r.Method, clip(r.URL.Path), allow)
	p.allow = allow
	return p
}

// newOrder reads POST /v1/services/NAME.
func (g *Gateway) newOrder(w http.ResponseWriter, r *http.Request) (*order, error) {
	q, err := query(r)
	if err != nil {
		return nil, err
	}
	o := &order{service: r.PathValue("name")}
	if o.form, err = parseForm(q, false); err != nil {
		return nil, err
	}
	if err := g.common(o, q); err != nil {
		return nil, err
	}
	if o.oneWay, err = parseFlag(q, "oneway"); err != nil {
		return nil, err
	}
	if o.stream, err = parseFlag(q, "stream"); err != nil {
		return nil, err
	}
	content := q.Get("content")
	payload, err := g.readBody(w, r)
	if err != nil {
		return nil, err
	}
	o.form.schema = g.schemas.Of(o.service, jsonform.AsReply)
	o.form.json = wantsJSON(r) || g.asJSON(r, content, o.service, jsonform.AsRequest)
	o.payload, o.marks, err = g.payloadFor(r, content, o.service, jsonform.AsRequest, payload)
	return o, err
}

// payloadOf makes a payload of a body: the bytes, or with content=fields those of the
// JSON array that it is.
func payloadOf(content string, b []byte) ([]byte, ringcast.Marks, error) {
	switch content {
	case "", "raw":
		return b, ringcast.Marks{}, nil
	case "flatbuffer":
		return b, ringcast.Marks{Content: ringcast.ContentFlatBuffer}, nil
	case "fields":
		list, err := parseArguments(b)
		return ringcast.AppendFields(nil, list...), ringcast.Fielded, err
	}
	return nil, ringcast.Marks{}, badRequest("content %q: want raw, fields, flatbuffer or json", clip(content))
}

// serveService is POST /v1/services/{name}.
func (g *Gateway) serveService(w http.ResponseWriter, r *http.Request) error {
	o, err := g.newOrder(w, r)
	if err != nil {
		return err
	}
	if o.stream && !o.oneWay {
		return g.serveStream(w, r, o)
	}
	reply, err := g.ask(r.Context(), o)
	switch {
	case err != nil:
		return err
	case o.oneWay:
		g.sendJSON(w, http.StatusAccepted, map[string]string{"service": o.service})
		return nil
	}
	b, err := bodyOf(reply, o.form)
	if err != nil {
		return err
	}
	sourceHeaders(w, reply)
	g.send(w, http.StatusOK, b)
	return nil
}

func sourceHeaders(w http.ResponseWriter, reply *ringcast.Reply) {
	w.Header().Set("Ringcast-Source", reply.Source().String())
	w.Header().Set("Ringcast-Content", jsonform.ContentName(reply.Content()))
}

// serveStream writes each reply of many as it comes: lines of JSON, or with type=plain the
// bytes one behind the other. An error behind the first reply cuts the answer off, so
// that nobody takes it for whole.
func (g *Gateway) serveStream(w http.ResponseWriter, r *http.Request, o *order) error {
	release, err := g.admit(streamPlaces)
	if err != nil {
		return err
	}
	defer release()
	c, err := g.clients.client(clientKey{o.service, o.marks, false}, g.served)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), o.timeout)
	defer cancel()
	begun := false
	for reply, err := range c.RequestStream(ctx, o.payload) {
		var line body
		if err == nil {
			line, err = streamLine(reply, o.form)
		}
		if err != nil && !begun {
			return err
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if !begun {
			begun = true
			w.Header().Set("Content-Type", line.kind)
			w.Header().Set("Cache-Control", "no-store")
			sourceHeaders(w, reply)
		}
		g.allowWrite(w)
		if _, err := w.Write(line.bytes); err != nil {
			return nil // the client has left, and the handler's context ends
		}
		_ = http.NewResponseController(w).Flush()
	}
	if !begun {
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

// streamLine is one reply of many.
func streamLine(reply *ringcast.Reply, f form) (body, error) {
	if f.kind == "" {
		f.kind = "json"
	}
	b, err := bodyOf(reply, f)
	if err == nil && b.kind == kindJSON {
		b = body{"application/x-ndjson", append(b.bytes, '\n')}
	}
	return b, err
}
