package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/examples/schema/orders"
	"github.com/ringcast/ringcast/internal/jsonform"
)

// The schemas of these tests, as flatc wrote them.
const (
	orderSchema = "testdata/order.bfbs"           // of examples/schema/order.fbs
	allSchema   = "../flatjson/testdata/all.bfbs" // everything that a schema may have
	allPayload  = "../flatjson/testdata/all.bin"  // a payload of it
	orderText   = `{"number":7,"customer":"ada","lines":[{"item":"tea","quantity":2,"cents":450}]}`
	asJSONType  = "Content-Type: application/json"
	likesJSON   = "Accept: application/json"
)

// schemaFolder has copies of schemas under other names.
func schemaFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, from := range files {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// orderOf builds an order with the generated code.
func orderOf(number uint64, customer string) []byte {
	b := flatbuffers.NewBuilder(0)
	name := b.CreateString(customer)
	orders.OrderStart(b)
	orders.OrderAddNumber(b, number)
	orders.OrderAddCustomer(b, name)
	b.Finish(orders.OrderEnd(b))
	return b.FinishedBytes()
}

// TestSchemaTopic: JSON is published as a FlatBuffer that generated code reads, and one that
// generated code built is read as JSON.
func TestSchemaTopic(t *testing.T) {
	s := open(t, &Config{Schemas: schemaFolder(t, map[string]string{"orders.>.bfbs": orderSchema, "orders.odd.bfbs": allSchema})})
	sub, err := s.bus.Subscribe("orders.eu", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	next, leave := s.events("/v1/topics/orders.*")
	defer leave()
	for i, path := range []string{"/v1/topics/orders.eu", "/v1/topics/orders.eu?content=json"} {
		header := asJSONType
		if i == 1 {
			header = "" // the query says it
		}
		s.do("POST", path, orderText, header).want(t, path, 202, "orders.eu")
		m, err := sub.Next(t.Context())
		if err != nil || m.Content() != ringcast.ContentFlatBuffer {
			t.Fatalf("%v, %v", m, err)
		}
		var line orders.Line
		o := orders.GetRootAsOrder(m.Payload(), 0)
		if !o.Lines(&line, 0) || o.Number() != 7 || string(o.Customer()) != "ada" || string(line.Item()) != "tea" || line.Quantity() != 2 || line.Cents() != 450 {
			t.Errorf("the order is %x", m.Payload())
		}
		if text := next(); !strings.Contains(text, `"content":"flatbuffer","value":`+orderText) {
			t.Errorf("read as %s", text)
		}
	}
	for _, query := range []string{"", "?content=flatbuffer"} { // marked or not: the schema says what it is
		s.do("POST", "/v1/topics/orders.eu"+query, string(orderOf(8, "bob"))).want(t, query, 202, "")
		if text := next(); !strings.Contains(text, `"value":{"number":8,"customer":"bob"}`) {
			t.Errorf("built by generated code: %s", text)
		}
	}
	s.do("POST", "/v1/topics/orders.eu", "plain text").want(t, "no order", 202, "")
	if m := parseTold(t, next()); m.Payload != "plain text" || !strings.HasPrefix(m.Problem, "no orders.Order: ") {
		t.Errorf("what is none: %+v", m)
	}
	s.do("POST", "/v1/topics/orders.odd", `{"name":"n","any_type":"Point","any":{"x":1,"y":2}}`, asJSONType).want(t, "the closer schema", 202, "")
	if text := next(); !strings.Contains(text, `"any_type":"Point","any":{"x":1,"y":2}`) {
		t.Errorf("by the closer schema: %s", text)
	}
	for path, schema := range map[string]string{"orders.eu": "orders.Order", "orders.odd": "all.All"} {
		if !strings.Contains(s.do("GET", "/v1/topics", "").body, fmt.Sprintf(`"topic":%q,"schema":%q`, path, schema)) {
			t.Errorf("/v1/topics does not say that %s has %s", path, schema)
		}
	}
}

// TestSchemaRefuses: bad JSON is a 400 that names the field, and nothing is published.
func TestSchemaRefuses(t *testing.T) {
	s := open(t, &Config{Schemas: schemaFolder(t, map[string]string{"orders.*.bfbs": orderSchema})})
	for body, part := range map[string]string{
		`{"number":-1}`:                     "orders.Order: number: -1 is no integer from 0 to 18446744073709551615",
		`{"lines":[{},{"quantity":"two"}]}`: "orders.Order: lines[1].quantity: two is no integer",
		`{"lines":[{"price":1}]}`:           `lines[0]: orders.Line has no field \"price\"`,
		`{"number":`:                        "not JSON",
		`[]`:                                "want an object",
	} {
		s.do("POST", "/v1/topics/orders.eu", body, asJSONType).want(t, body, 400, part)
	}
	s.wantProblem("POST", "/v1/topics/other?content=json", "{}", 400, "bad-request", false)
	s.do("POST", "/v1/topics/other", "{}", asJSONType).want(t, "JSON without a schema is bytes", 202, "")
	if d := s.domain(); len(d.Topics) != 1 || d.Topics[0].Topic != "other" {
		t.Errorf("topics behind refused messages: %+v", d.Topics)
	}
}

// TestSchemaService: a service has JSON for its callers, of one schema in, of another out.
func TestSchemaService(t *testing.T) {
	s := open(t, &Config{Schemas: schemaFolder(t, map[string]string{"price@request.bfbs": orderSchema, "*@reply.bfbs": allSchema})})
	reply, err := os.ReadFile(allPayload)
	if err != nil {
		t.Fatal(err)
	}
	s.serve("price", nil, func(_ context.Context, r *ringcast.Request) error {
		o := orders.GetRootAsOrder(r.Payload(), 0)
		marks := ringcast.Marks{Content: ringcast.ContentFlatBuffer}
		switch string(o.Customer()) {
		case "broken":
			return r.ReplyMarked(reply[:100], marks)
		case "two":
			if err := r.MoreMarked(reply, marks); err != nil {
				return err
			}
		}
		return r.ReplyMarked(reply, marks)
	})
	const part = `"double":-0.125,"color":"blue","sides":"left top"`
	ask := func(what, body, path string, headers ...string) answer {
		t.Helper()
		a := s.do("POST", path, body, headers...)
		if a.status == http.StatusOK && strings.HasPrefix(a.header.Get("Content-Type"), kindJSON) && !json.Valid([]byte(a.body)) {
			t.Errorf("%s: not JSON: %s", what, a.body)
		}
		return a
	}
	ask("JSON in, JSON out", orderText, "/v1/services/price", asJSONType).want(t, "JSON in, JSON out", 200, part)
	ask("by the query", orderText, "/v1/services/price?content=json").want(t, "by the query", 200, part)
	ask("bytes in", string(orderOf(1, "ada")), "/v1/services/price?type=json").want(t, "bytes in, JSON out", 200, part)
	ask("bytes in", string(orderOf(1, "ada")), "/v1/services/price", likesJSON).want(t, "bytes in, JSON out by Accept", 200, part)
	if a := ask("bytes out", orderText, "/v1/services/price?content=json&type=plain"); a.status != 200 || a.body != string(reply) {
		t.Errorf("JSON in, bytes out: %d, %d bytes", a.status, len(a.body))
	}
	if a := ask("bytes", string(orderOf(1, "ada")), "/v1/services/price"); a.status != 200 || a.body != string(reply) || a.header.Get("Ringcast-Content") != "flatbuffer" {
		t.Errorf("bytes in, bytes out: %d, %d bytes", a.status, len(a.body))
	}
	ask("bad", `{"lines":[{"cents":"x"}]}`, "/v1/services/price", asJSONType).want(t, "bad JSON", 400, "lines[0].cents")
	broken := ask("broken", `{"customer":"broken"}`, "/v1/services/price", asJSONType)
	if p := problemIn(t, broken); broken.status != 502 || p.Code != "bad-reply" || !p.MayHaveRun || !strings.Contains(p.Detail, "all.All") {
		t.Errorf("a reply that does not verify: %d %s", broken.status, broken.body)
	}
	if a := ask("stream", `{"customer":"two"}`, "/v1/services/price?stream", asJSONType); a.status != 200 || strings.Count(a.body, part) != 2 || strings.Count(a.body, "\n") != 2 {
		t.Errorf("a stream: %d %s", a.status, a.body)
	}
	old := s.do("GET", "/price?jsonp=show&args="+strings.ReplaceAll(orderText, `"`, "%22"), "")
	old.want(t, "the old form", 200, part)
	if !strings.HasPrefix(old.body, "/**/show([{") || !strings.HasSuffix(old.body, "}]);") {
		t.Errorf("the old form: %s", old.body)
	}
	s.do("GET", "/price?content=json&args=[1]", "").want(t, "the old form, no object", 400, "want one object")
}

// TestSchemaFolder is what a gateway does not begin with.
func TestSchemaFolder(t *testing.T) {
	for _, one := range []struct {
		files map[string]string
		want  string
	}{
		{nil, "no file NAME.bfbs"},
		{map[string]string{"orders.bfbs": "schemas_test.go"}, "schema orders.bfbs: not a binary schema"},
		{map[string]string{"a b.bfbs": orderSchema}, "schema a b.bfbs: pattern"},
		{map[string]string{"orders@answer.bfbs": orderSchema}, "want @request or @reply"},
	} {
		_, err := Open(t.Context(), &Config{Bus: ringcast.Config{Dir: t.TempDir()}, Schemas: schemaFolder(t, one.files)})
		if err == nil || !strings.Contains(err.Error(), one.want) {
			t.Errorf("%v: %v, want %q", one.files, err, one.want)
		}
	}
	s, err := jsonform.ReadSchemas(schemaFolder(t, map[string]string{
		"a.>.bfbs": orderSchema, "a.*.bfbs": allSchema, "a.b.bfbs": orderSchema, "a.*@reply.bfbs": orderSchema, "README": orderSchema}))
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct{ name, role, want string }{
		{"a.b", jsonform.AsMessage, "orders.Order"}, {"a.c", jsonform.AsMessage, "all.All"}, {"a.c", jsonform.AsReply, "orders.Order"}, {"a.c", jsonform.AsRequest, "all.All"},
		{"a.c.d", jsonform.AsMessage, "orders.Order"}, {"a", jsonform.AsMessage, ""}, {"b", jsonform.AsReply, ""},
	} {
		if got := s.Root(one.name, one.role); got != one.want {
			t.Errorf("%s%s: %q, want %q", one.name, one.role, got, one.want)
		}
	}
}

// TestLast: a reader begins so many messages back, misses none of what follows, and takes
// as long as it wants over them.
func TestLast(t *testing.T) {
	s := open(t, &Config{QueueBytes: 2000})
	p, err := s.bus.Publisher("ticks", &ringcast.PublisherConfig{Slots: 1024})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	publish := func(from, to int) {
		for i := from; i <= to; i++ {
			if err := p.Publish(t.Context(), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(1, 300)
	next, leave := s.events("/v1/topics/ticks?last=200")
	publish(301, 400)
	for i := 101; i <= 400; i++ {
		if m := parseTold(t, next()); m.Payload != fmt.Sprint(i) || m.Sequence != uint64(i) {
			t.Fatalf("%+v, want message %d", m, i)
		}
	}
	leave()
	fresh, done := s.events("/v1/topics/ticks")
	defer done()
	publish(401, 401)
	if m := parseTold(t, fresh()); m.Payload != "401" {
		t.Errorf("without last: %+v, want message 401", m)
	}
	s.wantProblem("GET", "/v1/topics/ticks?last=-1", "", 400, "bad-request", false)
	s.wantProblem("GET", "/v1/topics/ticks?last=all", "", 400, "bad-request", false)
	await(t, "the first reader is let go", func() bool { return s.gateway.state().Readers == 1 })
	for range maxBack {
		_, leave := s.events("/v1/topics/ticks?last=1")
		defer leave()
	}
	s.wantProblem("GET", "/v1/topics/ticks?last=1", "", 503, "overloaded", false)
}
