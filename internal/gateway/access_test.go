package gateway

import (
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

func TestTokens(t *testing.T) {
	s := open(t, &Config{Tokens: []string{"first-secret", "second-secret"}})
	s.serve("echo", nil, echo)
	for _, path := range []string{"/v1/services/echo", "/echo", "/v1/topics/x"} {
		for _, bad := range []string{"", "Authorization: Bearer wrong", "Authorization: Basic first-secret", "Authorization: Bearer", "Authorization: Bearer first-secretx"} {
			if a := s.do("POST", path, "[]", bad); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %q: %d", path, bad, a.status)
			}
		}
	}
	for _, path := range []string{"/metrics", "/v1/domain", "/v1/nodes", "/v1/services", "/v1/topics", "/v1/participants", "/v1/topics/x"} {
		s.do("GET", path, "").want(t, path, 401, "Bearer")
	}
	for _, good := range []string{"Authorization: Bearer first-secret", "Authorization: bearer second-secret"} {
		s.do("POST", "/echo", `["in"]`, good).want(t, good, 200, "in")
		s.do("GET", "/v1/nodes", "", good).want(t, good, 200, "this node")
	}
	s.do("GET", "/healthz", "").want(t, "health", 200, "ok")
	s.do("GET", "/openapi.json", "").want(t, "description", 200, "openapi")
	s.dial("/v1/topics/x", "ringcast", "bearer.second-secret")
	if _, response, err := websocket.Dial(t.Context(), "ws://"+s.address+"/v1/topics/x", &websocket.DialOptions{Subprotocols: []string{"ringcast", "bearer.no"}}); err == nil || response == nil || response.StatusCode != 401 {
		t.Errorf("a WebSocket with a wrong token: %v", err)
	}
}

func TestOrigins(t *testing.T) {
	const ours, theirs = "Origin: https://ours.example", "Origin: https://theirs.example"
	s := open(t, &Config{Origins: []string{"https://ours.example"}})
	s.serve("echo", nil, echo)
	a := s.do("POST", "/v1/services/echo", "x", ours)
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "https://ours.example" || a.header.Get("Vary") != "Origin" {
		t.Errorf("ours: %d %q", a.status, a.header)
	}
	if a := s.do("POST", "/v1/services/echo", "x", theirs); a.status != 403 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("theirs: %d %q", a.status, a.header)
	}
	for _, path := range []string{"/echo", "/v1/services/echo"} {
		a = s.do("OPTIONS", path, "", ours, "Access-Control-Request-Method: POST")
		if a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "https://ours.example" || a.header.Get("Access-Control-Allow-Methods") == "" || a.header.Get("Access-Control-Allow-Headers") == "" {
			t.Errorf("preflight of %s: %d %q", path, a.status, a.header)
		}
		s.do("OPTIONS", path, "", theirs, "Access-Control-Request-Method: POST").want(t, "preflight of theirs", 403, "origin")
	}
	s.do("GET", "/echo", "", theirs).want(t, "the old form, theirs", 403, "--allow-origin")
	s.do("GET", "/echo", "", "Origin: http://"+s.address).want(t, "its own page", 200, "[]")
	s.do("GET", "/echo?jsonp=f", "", "Sec-Fetch-Site: cross-site").want(t, "a script of another site", 403, "origin")
	s.do("GET", "/echo?jsonp=f", "", "Sec-Fetch-Site: same-origin").want(t, "its own script", 200, "f(")
	h := http.Header{"Origin": {"https://theirs.example"}}
	if _, response, err := websocket.Dial(t.Context(), "ws://"+s.address+"/v1/topics/x", &websocket.DialOptions{HTTPHeader: h}); err == nil || response == nil || response.StatusCode != 403 {
		t.Errorf("a WebSocket of theirs: %v", err)
	}

	s = open(t, &Config{Origins: []string{"*"}})
	s.serve("echo", nil, echo)
	if a := s.do("GET", "/echo?jsonp=f", "", theirs); a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "https://theirs.example" {
		t.Errorf("any: %d %q", a.status, a.header)
	}
	s.do("GET", "/echo?jsonp=f", "", "Sec-Fetch-Site: cross-site").want(t, "any script", 200, "f(")
}

// TestHost: a gateway for its own host alone is not reached by another name, which a page of
// somebody else's would have.
func TestHost(t *testing.T) {
	s := open(t, &Config{Local: true})
	s.serve("echo", nil, echo)
	for _, good := range []string{"Host: localhost:9001", "Host: localhost", "Host: 127.0.0.1:9001", "Host: [::1]:9001"} {
		s.do("GET", "/echo", "", good).want(t, good, 200, "[]")
	}
	s.do("GET", "/echo", "", "Host: evil.example").want(t, "another name", 421, "--bind")
	s.do("GET", "/v1/nodes", "", "Host: evil.example:9001").want(t, "another name", 421, "--bind")
}
