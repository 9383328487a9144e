package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
)

// notText is the problem of bytes that JSON can't hold.
func notText(i int) *problem {
	return newProblem(http.StatusNotAcceptable, "not-text", "field %d of the reply is not UTF-8: ask with type=plain", i)
}

// jsonFields writes a list of fields as one line of JSON: as strings, or, with values,
// those that are JSON themselves as what they are.
func jsonFields(list [][]byte, values bool) ([]byte, error) {
	out := []byte{'['}
	for i, field := range list {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendField(out, field, values, i); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

func appendField(out, field []byte, values bool, i int) ([]byte, error) {
	if values {
		var b bytes.Buffer
		if json.Compact(&b, field) == nil && b.Len() > 0 {
			return append(out, b.Bytes()...), nil
		}
	}
	if !utf8.Valid(field) {
		return nil, notText(i)
	}
	return jsonform.AppendString(out, field), nil
}

// A body is an answer as it is to be written.
type body struct {
	kind  string // its Content-Type
	bytes []byte
}

const (
	kindJSON   = "application/json"
	kindText   = "text/plain; charset=utf-8"
	kindScript = "application/javascript; charset=utf-8"
	kindBytes  = "application/octet-stream"
)

// bodyOf writes a reply in the form that was asked for.
func bodyOf(reply *ringcast.Reply, f form) (body, error) {
	if f.bySchema(reply.Content()) {
		b, err := valueOf(reply.Payload(), f)
		return f.wrap(b), err
	}
	if f.kind == "" && reply.Content() != ringcast.ContentFields {
		return body{kindBytes, reply.Payload()}, nil
	}
	list, err := reply.Fields()
	if err != nil {
		return body{}, newProblem(http.StatusBadGateway, "bad-reply", "the reply is malformed: %v", err)
	}
	if f.kind == "plain" {
		return body{kindText, bytes.Join(list, nil)}, nil
	}
	b, err := jsonFields(list, f.kind == "values")
	return f.wrap(b), err
}

// bySchema reports whether a reply is to be JSON by its schema: what is not marked as a list
// is what the schema says.
func (f form) bySchema(content uint8) bool {
	return f.schema != nil && content != ringcast.ContentFields && (f.kind == "json" || f.kind == "values" || f.kind == "" && f.json)
}

// valueOf writes a FlatBuffer as JSON: in the old form, where a reply is a list, as the only
// one of it.
func valueOf(payload []byte, f form) ([]byte, error) {
	var out []byte
	if f.old {
		out = append(out, '[')
	}
	out, err := f.schema.AppendJSON(out, payload, jsonform.Limit(payload))
	if err != nil {
		return nil, ran(newProblem(http.StatusBadGateway, "bad-reply", "the reply is no %s: %v: ask with type=plain for its bytes", f.schema.Root(), err))
	}
	if f.old {
		out = append(out, ']')
	}
	return out, nil
}

// wrap makes JSON the answer, or the script of JSONP.
func (f form) wrap(b []byte) body {
	if f.callback == "" {
		return body{kindJSON, b}
	}
	// The comment keeps the first bytes from being the caller's choice.
	script := append([]byte("/**/"+f.callback+"("), b...)
	return body{kindScript, append(script, ");"...)}
}

// send writes an answer.
func (g *Gateway) send(w http.ResponseWriter, status int, b body) {
	h := w.Header()
	h.Set("Content-Type", b.kind)
	h.Set("Content-Length", strconv.Itoa(len(b.bytes)))
	h.Set("Cache-Control", "no-store")
	g.allowWrite(w)
	w.WriteHeader(status)
	_, _ = w.Write(b.bytes) // who has gone needs no answer
}

// sendJSON writes a value as JSON.
func (g *Gateway) sendJSON(w http.ResponseWriter, status int, value any) {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err) // our own structs
	}
	g.send(w, status, body{kindJSON, append(b, '\n')})
}

// allowWrite gives the next write its time.
func (g *Gateway) allowWrite(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(g.config.WriteTime))
}
