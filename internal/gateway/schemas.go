package gateway

import (
	"mime"
	"net/http"
	"strings"

	"github.com/ringcast/ringcast"
)

// asJSON says whether a body is JSON to be turned into a FlatBuffer: where the client says
// so, or says that it is JSON and the name has a schema.
func (g *Gateway) asJSON(r *http.Request, content, name, role string) bool {
	if content != "" {
		return content == "json"
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == kindJSON && g.schemas.Of(name, role) != nil
}

// payloadFor makes a payload of a body that is for a name.
func (g *Gateway) payloadFor(r *http.Request, content, name, role string, b []byte) ([]byte, ringcast.Marks, error) {
	if g.asJSON(r, content, name, role) {
		return g.buildPayload(name, role, b)
	}
	return payloadOf(content, b)
}

// buildPayload makes a FlatBuffer of JSON.
func (g *Gateway) buildPayload(name, role string, text []byte) ([]byte, ringcast.Marks, error) {
	marks := ringcast.Marks{Content: ringcast.ContentFlatBuffer}
	schema := g.schemas.Of(name, role)
	if schema == nil {
		return nil, marks, badRequest("content json: no schema is registered for %s (ringcast gateway --schemas)", clip(name))
	}
	b, err := schema.Build(text, maxPayload)
	if err != nil {
		return nil, marks, badRequest("%s: %v", schema.Root(), err)
	}
	return b, marks, nil
}

// wantsJSON reports whether a client asks for JSON by its header.
func wantsJSON(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if kind, _, _ := strings.Cut(part, ";"); strings.TrimSpace(kind) == kindJSON {
			return true
		}
	}
	return false
}
