package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ringcast/ringcast"
)

// contentName is the word for a payload's content.
func contentName(content uint8) string {
	switch content {
	case ringcast.ContentRaw:
		return "raw"
	case ringcast.ContentFields:
		return "fields"
	case ringcast.ContentFlatBuffer:
		return "flatbuffer"
	}
	return "content " + strconv.Itoa(int(content))
}

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
	return appendString(out, field), nil
}

// appendString appends text as a JSON string, in which a script can't end either.
func appendString(out, text []byte) []byte {
	b, err := json.Marshal(string(text))
	if err != nil {
		panic(err) // a string
	}
	return append(out, b...)
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
	if err != nil || f.callback == "" {
		return body{kindJSON, b}, err
	}
	// The comment keeps the first bytes from being the caller's choice.
	script := append([]byte("/**/"+f.callback+"("), b...)
	return body{kindScript, append(script, ");"...)}, nil
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
