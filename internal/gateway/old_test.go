package gateway

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// TestOldArguments: args as a JSON array in the query, a form, or the body; strings as they
// are, anything else as its JSON text.
func TestOldArguments(t *testing.T) {
	s := open(t, nil)
	startService(t, s.dir, "echo")
	for _, one := range []struct{ args, want string }{
		{`["hello","world"]`, `["hello","world"]`},
		{`[]`, `[]`},
		{`[""]`, `[""]`},
		{`["tab\tquote\"","ä€😀"]`, `["tab\tquote\"","ä€😀"]`},
		{`[1, 2.50, true, null, {"a": [1, 2]}, "s"]`, `["1","2.50","true","null","{\"a\":[1,2]}","s"]`},
		{`{"object": [1, 2]}`, `["{\"object\":[1,2]}"]`},
		{` ["a"] `, `["a"]`},
	} {
		quoted := url.QueryEscape(one.args)
		s.do("GET", "/echo?args="+quoted, "").want(t, "GET "+one.args, 200, one.want)
		s.do("POST", "/echo?args="+quoted, "").want(t, "POST with a query "+one.args, 200, one.want)
		s.do("POST", "/echo", one.args).want(t, "POST "+one.args, 200, one.want)
		s.do("POST", "/echo", one.args, "Content-Type: application/x-www-form-urlencoded").want(t, "POST as curl -d "+one.args, 200, one.want)
		s.do("POST", "/echo", "args="+quoted, "Content-Type: application/x-www-form-urlencoded").want(t, "form "+one.args, 200, one.want)
	}
	s.do("GET", "/echo", "").want(t, "no args", 200, "[]")
	s.do("POST", "/echo", "type=plain&args="+url.QueryEscape(`["a","b"]`), "Content-Type: application/x-www-form-urlencoded").
		want(t, "other parameters in a form", 200, "ab")
	for _, bad := range []string{`["a"`, `"a"`, `12`, `null`, `[1,]`, `nonsense`, `{"a":}`, `["a"] x`} {
		s.do("GET", "/echo?args="+url.QueryEscape(bad), "").want(t, "args "+bad, 400, "JSON")
		s.do("POST", "/echo", bad).want(t, "body "+bad, 400, "JSON")
	}
}

// TestOldReplies: json is the default, one line of strings; plain is the fields one behind
// the other, whatever bytes they are.
func TestOldReplies(t *testing.T) {
	s := open(t, nil)
	s.serve("parts", nil, func(_ context.Context, r *ringcast.Request) error {
		return r.ReplyMarked(ringcast.AppendFields(nil, []byte("a\n"), nil, []byte("</script>")), ringcast.Fielded)
	})
	s.serve("bytes", nil, func(_ context.Context, r *ringcast.Request) error {
		return r.ReplyMarked(ringcast.AppendFields(nil, []byte{0, 255, 10}, []byte("x")), ringcast.Fielded)
	})
	s.serve("raw", nil, func(_ context.Context, r *ringcast.Request) error {
		list, err := r.Fields()
		if err != nil || r.Content() == ringcast.ContentFields {
			t.Errorf("content=raw asks with content %d, %q, %v", r.Content(), list, err)
		}
		return r.Reply([]byte("one field"))
	})
	check := func(path, kind, body string) {
		t.Helper()
		a := s.do("GET", path, "")
		if a.status != 200 || a.body != body || a.header.Get("Content-Type") != kind || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %q of %q, want %q of %q", path, a.status, a.body, a.header, body, kind)
		}
	}
	check("/parts", kindJSON, `["a\n","","\u003c/script\u003e"]`)
	check("/parts?type=json", kindJSON, `["a\n","","\u003c/script\u003e"]`)
	check("/parts?type=plain", kindText, "a\n</script>")
	check("/parts?type=html", kindText, "a\n</script>")
	check("/bytes?type=plain", kindText, "\x00\xff\nx")
	check("/raw?content=raw&args="+url.QueryEscape(`["a","b"]`), kindJSON, `["one field"]`)
	s.do("GET", "/bytes", "").want(t, "bytes as JSON", 406, "type=plain")
}

// TestOldCallback: JSONP is JavaScript, and its callback a name and nothing else.
func TestOldCallback(t *testing.T) {
	s := open(t, nil)
	s.serve("echo", nil, echo)
	for _, name := range []string{"jsonp", "callback"} {
		a := s.do("GET", "/echo?"+name+"=app.$got_1&args="+url.QueryEscape("[\"\u2028\"]"), "")
		if a.status != 200 || a.body != `/**/app.$got_1(["\u2028"]);` || a.header.Get("Content-Type") != kindScript {
			t.Errorf("%s: %d %q of type %q", name, a.status, a.body, a.header.Get("Content-Type"))
		}
	}
	for _, bad := range []string{"alert(1)", "a;b", "1a", "a..b", ".a", "a.", "a-b", "a b", "a[0]", "<x>", "ä", strings.Repeat("a", 129)} {
		s.do("GET", "/echo?callback="+url.QueryEscape(bad), "").want(t, "callback "+bad, 400, "callback")
	}
	if a := s.do("GET", "/echo?type=plain&callback=f&args="+url.QueryEscape(`["x"]`), ""); a.body != "x" {
		t.Errorf("a callback with type=plain gives %q, want x", a.body)
	}
}

// TestOldPath: the path is the service's name, slashes are dots, and some paths are none.
func TestOldPath(t *testing.T) {
	s := open(t, nil)
	s.serve("prices.eu.spot", nil, echo)
	for _, path := range []string{"/prices/eu/spot", "/prices.eu.spot", "/prices/eu.spot/"} {
		s.do("GET", path+"?args=[1]", "").want(t, path, 200, `["1"]`)
	}
	s.do("GET", "/favicon.ico", "").want(t, "favicon", 404, "")
	s.do("GET", "/a%20b", "").want(t, "a name with a space", 400, "name")
	s.do("GET", "/a..b", "").want(t, "an empty token", 400, "name")
	s.do("GET", "/orders/*", "").want(t, "a pattern", 400, "name")
	s.do("GET", "/"+strings.Repeat("a", 300), "").want(t, "a long name", 400, "name")
}

func TestOldStatus(t *testing.T) {
	s := open(t, nil)
	s.serve("fails", nil, func(context.Context, *ringcast.Request) error {
		return &ringcast.ReplyError{Code: 7, Text: "out of paper"}
	})
	s.serve("silent", nil, func(context.Context, *ringcast.Request) error { return nil })
	s.do("GET", "/nobody", "").want(t, "no service", 404, "no instance")
	s.do("GET", "/fails", "").want(t, "application error", 500, "out of paper")
	s.do("GET", "/silent", "").want(t, "no reply", 502, "no reply")
	s.do("PUT", "/fails", "").want(t, "PUT", 405, "GET, POST")
	s.do("GET", "/fails?args=%zz", "").want(t, "a bad query", 400, "query")
	for _, bad := range []string{"0", "-2", "1s", "x", "9999999999999999999"} {
		s.do("GET", "/fails?timeout="+bad, "").want(t, "timeout="+bad, 400, "timeout")
	}
	if a := s.do("DELETE", "/fails", ""); a.header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow is %q", a.header.Get("Allow"))
	}
}

// TestOldTimeout: a request ends with 504 after its own time, or the gateway's; -1 is as
// long as it takes.
func TestOldTimeout(t *testing.T) {
	s := open(t, &Config{Timeout: 30 * time.Millisecond})
	left := make(chan time.Duration, 1)
	s.serve("slow", nil, func(ctx context.Context, _ *ringcast.Request) error {
		<-ctx.Done()
		return ctx.Err()
	})
	s.serve("left", nil, func(ctx context.Context, r *ringcast.Request) error {
		end, _ := ctx.Deadline()
		left <- time.Until(end)
		return r.Reply(nil)
	})
	s.do("GET", "/slow", "").want(t, "the gateway's time", 504, "no answer in time")
	s.do("GET", "/slow?timeout=20", "").want(t, "its own time", 504, "no answer in time")
	s.do("GET", "/left?timeout=-1", "").want(t, "no limit", 200, "")
	if got := <-left; got < maxTimeout-patience {
		t.Errorf("with timeout=-1 the service has %v, want %v", got, maxTimeout)
	}
	s.do("GET", "/left?timeout=1000000", "").want(t, "a long time", 200, "")
	if got := <-left; got < 1000*time.Second-patience || got > 1000*time.Second {
		t.Errorf("with timeout=1000000 the service has %v, want 1000 s", got)
	}
}

// TestNotThreadBound: many requests are open at once, over as many connections.
func TestNotThreadBound(t *testing.T) {
	const many = 64
	s := open(t, nil)
	var all sync.WaitGroup
	all.Add(many)
	s.serve("meet", &ringcast.ServeConfig{Concurrency: many}, func(_ context.Context, r *ringcast.Request) error {
		all.Done()
		all.Wait() // until all of them are here
		return r.Reply([]byte("met"))
	})
	var ended sync.WaitGroup
	for range many {
		ended.Go(func() { s.do("GET", "/meet", "").want(t, "one of many", 200, "met") })
	}
	ended.Wait()
}

// TestKeepAlive: requests one after the other use one connection.
func TestKeepAlive(t *testing.T) {
	s := open(t, nil)
	s.serve("echo", nil, echo)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for i := range 3 {
		reused := false
		trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused }}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", "http://"+s.address+"/echo", strings.NewReader(`["x"]`))
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := response.Write(&b); err != nil {
			t.Fatal(err)
		}
		if reused != (i > 0) {
			t.Errorf("request %d on a connection of before: %v", i, reused)
		}
	}
}
