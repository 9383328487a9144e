package gateway

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/flatjson"
	"github.com/ringcast/ringcast/internal/jsonform"
)

// An order is what a client asks of a service.
type order struct {
	service    string
	payload    []byte
	marks      ringcast.Marks
	timeout    time.Duration
	idempotent bool
	oneWay     bool
	stream     bool
	form       form
}

// A form is how an answer is to be written.
type form struct {
	kind     string           // json, values, plain, or empty: by the content
	callback string           // of JSONP
	schema   *flatjson.Schema // of the reply; nil: none is registered
	json     bool             // where kind is empty: JSON if there is a schema
	old      bool
}

// callbackName is what may stand before the bracket of JSONP: names with dots between,
// so that nothing else can be made of the script.
var callbackName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$`)

// maxCallback bounds the name of a JSONP callback, in bytes.
const maxCallback = 128

// parseTimeout reads milliseconds; -1 is the longest there is.
func parseTimeout(text string, fallback time.Duration) (time.Duration, error) {
	if text == "" {
		return fallback, nil
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || ms == 0 || ms < -1:
		return 0, badRequest("timeout %q: want milliseconds, or -1 for no limit", clip(text))
	case ms == -1 || ms > maxTimeout.Milliseconds():
		return maxTimeout, nil
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// parseFlag reads a yes or no of a query: a bare name is yes.
func parseFlag(q url.Values, name string) (bool, error) {
	if !q.Has(name) {
		return false, nil
	}
	text := q.Get(name)
	if text == "" {
		return true, nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return false, badRequest("%s %q: want true or false", name, clip(text))
	}
	return yes, nil
}

// parseForm reads how the answer is to be written. In the old form anything but json is
// plain, as it was.
func parseForm(q url.Values, old bool) (form, error) {
	f := form{kind: q.Get("type"), old: old}
	switch {
	case old && f.kind == "":
		f.kind = "json"
	case old && f.kind != "json":
		f.kind = "plain"
	case !old && f.kind != "" && f.kind != "json" && f.kind != "values" && f.kind != "plain":
		return f, badRequest("type %q: want json, values or plain", clip(f.kind))
	}
	if !old {
		return f, nil
	}
	for _, name := range []string{"jsonp", "callback"} {
		if q.Get(name) != "" {
			f.callback = q.Get(name)
		}
	}
	if f.callback != "" && (len(f.callback) > maxCallback || !callbackName.MatchString(f.callback)) {
		return f, badRequest("callback %q: want a name of a JavaScript function, of %d letters at most", clip(f.callback), maxCallback)
	}
	return f, nil
}

// parseArguments reads a JSON array: strings as they are, anything else as its JSON text.
// An object is one argument.
func parseArguments(text []byte) ([][]byte, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, nil
	}
	if text[0] == '{' {
		var object bytes.Buffer
		if err := json.Compact(&object, text); err != nil {
			return nil, badRequest("invalid JSON arguments: %v", err)
		}
		return [][]byte{object.Bytes()}, nil
	}
	list, err := jsonform.ParseArray(text)
	if err != nil {
		return nil, badRequest("invalid JSON arguments: want an array, as [\"a\", 1], or an object: %v", err)
	}
	return list, nil
}

// oldOrder reads a request of the old form: GET with args in the query, or POST with them
// there, in a form, or as the body.
func (g *Gateway) oldOrder(w http.ResponseWriter, r *http.Request) (*order, error) {
	q, err := query(r)
	if err != nil {
		return nil, err
	}
	arguments := []byte(q.Get("args"))
	if r.Method == http.MethodPost {
		body, err := g.readBody(w, r)
		if err != nil {
			return nil, err
		}
		if err := mergeForm(q, r, body); err != nil {
			return nil, err
		}
		if arguments = []byte(q.Get("args")); len(arguments) == 0 && !isForm(r, body) {
			arguments = body
		}
	}
	o := &order{service: serviceOfPath(r.URL.Path), marks: ringcast.Fielded}
	if o.form, err = parseForm(q, true); err != nil {
		return nil, err
	}
	if err := g.common(o, q); err != nil {
		return nil, err
	}
	fields, err := parseArguments(arguments)
	if err != nil {
		return nil, err
	}
	o.form.schema = g.schemas.Of(o.service, jsonform.AsReply)
	return o, g.setFields(o, fields, q.Get("content"))
}

// setFields makes the payload of a list: as fields, or where raw bytes are asked for as
// the bytes of all of them. One object is a FlatBuffer where the service has a schema.
func (g *Gateway) setFields(o *order, fields [][]byte, content string) (err error) {
	object := len(fields) == 1 && len(fields[0]) > 0 && fields[0][0] == '{'
	if object && content == "" && g.schemas.Of(o.service, jsonform.AsRequest) != nil {
		content = "json"
	}
	switch content {
	case "json":
		if !object {
			return badRequest("content json: want one object, as args={...}")
		}
		o.payload, o.marks, err = g.buildPayload(o.service, jsonform.AsRequest, fields[0])
		return err
	case "", "fields":
		o.payload, o.marks = ringcast.AppendFields(nil, fields...), ringcast.Fielded
	case "raw":
		o.payload, o.marks = bytes.Join(fields, nil), ringcast.Marks{}
	default:
		return badRequest("content %q: want fields, raw or json", clip(content))
	}
	return nil
}

// common reads what both forms have.
func (g *Gateway) common(o *order, q url.Values) (err error) {
	if o.timeout, err = parseTimeout(q.Get("timeout"), g.config.Timeout); err != nil {
		return err
	}
	o.idempotent, err = parseFlag(q, "idempotent")
	return err
}

// isForm says whether a body is a form: also curl's -d says that it is one, so a body that
// begins as JSON is none.
func isForm(r *http.Request, body []byte) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/x-www-form-urlencoded" {
		return false
	}
	body = bytes.TrimSpace(body)
	return len(body) > 0 && body[0] != '[' && body[0] != '{'
}

// mergeForm adds the values of a form to those of the query, which come first.
func mergeForm(q url.Values, r *http.Request, body []byte) error {
	if !isForm(r, body) {
		return nil
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return badRequest("form: %v", err)
	}
	for name, list := range values {
		q[name] = append(q[name], list...)
	}
	return nil
}

// query reads the query of a request, all of it or nothing.
func query(r *http.Request) (url.Values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("query: %v", err)
	}
	return q, nil
}

// serviceOfPath is the service of a path of the old form: its slashes are dots.
func serviceOfPath(path string) string {
	return strings.ReplaceAll(strings.Trim(path, "/"), "/", ".")
}

// clip shortens what a client sent before it is shown back.
func clip(text string) string {
	const most = 60
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
