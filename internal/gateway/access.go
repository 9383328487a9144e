package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// An access decides who is let in: by the name that was asked for, the origin of the page
// that asks, and the bearer token. It is immutable.
type access struct {
	tokens  [][sha256.Size]byte
	origins []string
	any     bool // any origin
	local   bool
}

func newAccess(c *Config) access {
	a := access{origins: c.Origins, any: slices.Contains(c.Origins, "*"), local: c.Local}
	for _, t := range c.Tokens {
		a.tokens = append(a.tokens, sha256.Sum256([]byte(t)))
	}
	return a
}

// tokenProtocol leads a token that a WebSocket of a browser offers, which can't set headers.
const tokenProtocol = "bearer."

// bearer returns the token of a request.
func bearer(r *http.Request) string {
	if kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "Bearer") {
		return strings.TrimSpace(token)
	}
	for _, offered := range r.Header.Values("Sec-WebSocket-Protocol") {
		for one := range strings.SplitSeq(offered, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(one), tokenProtocol); ok {
				return token
			}
		}
	}
	return ""
}

// authorize compares all tokens in a time that says nothing of them.
func (a *access) authorize(r *http.Request) error {
	if len(a.tokens) == 0 {
		return nil
	}
	given, equal := sha256.Sum256([]byte(bearer(r))), 0
	for i := range a.tokens {
		equal |= subtle.ConstantTimeCompare(given[:], a.tokens[i][:])
	}
	if equal == 1 {
		return nil
	}
	return newProblem(http.StatusUnauthorized, "unauthorized", "want the header Authorization: Bearer TOKEN, with a token of this gateway")
}

// checkHost refuses names that are not this host's where only this host is served: a page
// of somebody else's whose name was made to lead here asks under its own.
func (a *access) checkHost(r *http.Request) error {
	if !a.local || len(a.tokens) > 0 {
		return nil
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "localhost" {
		return nil
	}
	return newProblem(http.StatusMisdirectedRequest, "host", "this gateway serves its own host alone, by the name localhost: start it with --bind for others")
}

// checkOrigin refuses pages of other origins that are not let in, and tells browsers which
// are.
func (a *access) checkOrigin(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	switch {
	case origin == "" && (a.any || !crossSite(r)):
		return nil
	case origin == "":
	case sameOrigin(origin, r.Host):
		return nil
	case a.any || slices.Contains(a.origins, origin):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", "Retry-After, Ringcast-Source, Ringcast-Content")
		return nil
	}
	return newProblem(http.StatusForbidden, "origin", "pages of other origins are not let in: start the gateway with --allow-origin")
}

// crossSite reports whether a browser says that a page of another site asks.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// sameOrigin reports whether an origin is that of the host that was asked.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == host
}

// preflight answers a browser that asks what it may ask.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
