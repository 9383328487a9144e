package gateway

import (
	"net/http"
	"strings"
)

// A route is one address of the modern surface. Its error is the answer where it has one.
type route struct {
	pattern string
	open    bool // without a token
	serve   func(http.ResponseWriter, *http.Request) error
}

// routes are all addresses but those of the old form.
func (g *Gateway) routes() []route {
	return []route{
		{"GET /healthz", true, g.serveHealth},
		{"GET /metrics", false, g.serveMetrics},
		{"GET /openapi.json", true, serveOpenAPI},
		{"POST /v1/services/{name}", false, g.serveService},
		{"POST /v1/topics/{name}", false, g.servePublish},
		{"GET /v1/topics/{name}", false, g.serveRead},
		{"GET /v1/domain", false, g.serveDomain},
		{"GET /v1/nodes", false, g.serveNodes},
		{"GET /v1/participants", false, g.serveParticipants},
		{"GET /v1/services", false, g.serveServices},
		{"GET /v1/topics", false, g.serveTopics},
	}
}

// mux finds the handler of an address.
func (g *Gateway) mux() *http.ServeMux {
	m := http.NewServeMux()
	methods := map[string][]string{}
	for _, one := range g.routes() {
		m.Handle(one.pattern, g.guard(one.open, one.serve))
		method, path, _ := strings.Cut(one.pattern, " ")
		methods[path] = append(methods[path], method)
	}
	for path, list := range methods {
		m.Handle(path, g.guard(true, func(_ http.ResponseWriter, r *http.Request) error {
			return notAllowed(r, strings.Join(list, ", "))
		}))
	}
	m.Handle("/v1/", g.guard(true, func(_ http.ResponseWriter, r *http.Request) error {
		return newProblem(http.StatusNotFound, "no-route", "nothing is at %s: /openapi.json lists what there is", clip(r.URL.Path))
	}))
	g.addPage(m)
	m.Handle("/", http.HandlerFunc(g.guardOld))
	return m
}

// check is what comes before every handler. It reports whether that may go on.
func (g *Gateway) check(w http.ResponseWriter, r *http.Request, open bool) error {
	if err := g.access.checkHost(r); err != nil {
		return err
	}
	if err := g.access.checkOrigin(w, r); err != nil || open {
		return err
	}
	return g.access.authorize(r)
}

// isPreflight reports whether a browser asks what it may ask.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// guard makes a handler of one that may fail.
func (g *Gateway) guard(open bool, serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := g.check(w, r, open || isPreflight(r))
		if err == nil && isPreflight(r) {
			preflight(w)
			return
		}
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			g.allowWrite(w)
			problemOf(err).write(w)
		}
	})
}

// guardOld is guard of the old form, whose errors are plain text.
func (g *Gateway) guardOld(w http.ResponseWriter, r *http.Request) {
	err := g.check(w, r, isPreflight(r))
	switch {
	case err != nil:
		problemOf(err).writePlain(w)
	case isPreflight(r):
		preflight(w)
	case r.URL.Path == "/favicon.ico":
		newProblem(http.StatusNotFound, "no-service", "no such file").writePlain(w)
	default:
		g.serveOld(w, r)
	}
}

// serveHealth says whether the gateway takes requests.
func (g *Gateway) serveHealth(w http.ResponseWriter, _ *http.Request) error {
	select {
	case <-g.closing:
		return unavailable("closing", "the gateway is stopping")
	default:
	}
	g.sendJSON(w, http.StatusOK, map[string]string{"status": "ok", "domain": g.bus.Domain(), "address": g.bus.Address().String()})
	return nil
}
