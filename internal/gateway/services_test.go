package gateway

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// problemIn reads a problem.
func problemIn(t *testing.T, a answer) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" || p.Status != a.status || p.Detail == "" {
		t.Fatalf("%d %q of %q, %v: want a problem", a.status, a.body, a.header, err)
	}
	return p
}

func (s *site) wantProblem(method, path, body string, status int, code string, ran bool) {
	s.t.Helper()
	a := s.do(method, path, body)
	if p := problemIn(s.t, a); a.status != status || p.Code != code || p.MayHaveRun != ran {
		s.t.Errorf("%s %s: %d %+v, want %d %s, may have run: %v", method, path, a.status, p, status, code, ran)
	}
}

// TestMayHaveRun: whose time was over before anybody had started it has not run for certain.
func TestMayHaveRun(t *testing.T) {
	for _, c := range []struct {
		err error
		ran bool
	}{
		{context.DeadlineExceeded, true},
		{&ringcast.TimedOutError{Name: "slow"}, true},
		{fmt.Errorf("asked: %w", &ringcast.TimedOutError{Name: "slow", DidNotRun: true}), false},
	} {
		if p := problemOf(c.err); p.Status != 504 || p.Code != "timeout" || p.MayHaveRun != c.ran {
			t.Errorf("%v: %+v, want may have run: %v", c.err, p, c.ran)
		}
	}
}

func TestServices(t *testing.T) {
	s := open(t, nil)
	startService(t, s.dir, "echo")
	binary := "\x00\xff{\n"
	a := s.do("POST", "/v1/services/echo", binary)
	if a.body != binary || a.header.Get("Content-Type") != kindBytes || a.header.Get("Ringcast-Content") != "raw" || !strings.HasPrefix(a.header.Get("Ringcast-Source"), "n") {
		t.Errorf("raw: %q of %q", a.body, a.header)
	}
	for _, one := range []struct{ query, body, want string }{
		{"", "", ""},
		{"?content=raw", "[1]", "[1]"},
		{"?type=json", `a"b`, `["a\"b"]`},
		{"?type=values", `{"a": 1}`, `[{"a":1}]`},
		{"?content=fields", `["a",1]`, `["a","1"]`},
		{"?content=fields&type=values", `["a",1,{"b":null},true,""]`, `["a",1,{"b":null},true,""]`},
		{"?content=fields&type=plain", `["a",1]`, `a1`},
		{"?content=flatbuffer", "table", "table"},
		{"?idempotent", "twice", "twice"},
		{"?timeout=60000", "x", "x"},
	} {
		if a := s.do("POST", "/v1/services/echo"+one.query, one.body); a.status != 200 || a.body != one.want {
			t.Errorf("%s %q: %d %q, want %q", one.query, one.body, a.status, a.body, one.want)
		}
	}
	for _, bad := range []string{"?content=x", "?type=html", "?idempotent=maybe", "?stream=2", "?oneway=x", "?timeout=-3", "?%zz"} {
		s.wantProblem("POST", "/v1/services/echo"+bad, "", 400, "bad-request", false)
	}
	s.wantProblem("POST", "/v1/services/echo?content=fields", "x", 400, "bad-request", false)
	s.wantProblem("POST", "/v1/services/a..b", "", 400, "bad-request", false)
	s.wantProblem("POST", "/v1/services/nobody", "", 404, "no-service", false)
	s.wantProblem("PUT", "/v1/services/echo", "", 405, "method", false)
	s.wantProblem("GET", "/v1/nothing", "", 404, "no-route", false)
	s.wantProblem("POST", "/v1/services/echo?type=json", "\xff", 406, "not-text", false)
}

func TestServiceErrors(t *testing.T) {
	s := open(t, &Config{MaxReply: 4096})
	s.serve("fails", nil, func(context.Context, *ringcast.Request) error {
		return &ringcast.ReplyError{Code: 7, Text: "out of paper"}
	})
	s.serve("silent", nil, func(context.Context, *ringcast.Request) error { return nil })
	s.serve("large", nil, func(_ context.Context, r *ringcast.Request) error { return r.Reply(make([]byte, 10000)) })
	a := s.do("POST", "/v1/services/fails", "")
	if p := problemIn(t, a); a.status != 500 || p.Code != "application" || p.ApplicationCode == nil || *p.ApplicationCode != 7 || p.Detail != "out of paper" {
		t.Errorf("application error: %d %s", a.status, a.body)
	}
	s.wantProblem("POST", "/v1/services/silent", "", 502, "no-reply", true)
	s.wantProblem("POST", "/v1/services/large", "", 502, "reply-too-large", true)
	s.wantProblem("POST", "/v1/services/silent", strings.Repeat("x", 3000), 413, "message-too-large", false)
	if _, err := s.bus.Subscribe("topic", nil); err != nil {
		t.Fatal(err)
	}
	s.wantProblem("POST", "/v1/services/topic", "", 404, "no-service", false)
}

func TestOneWay(t *testing.T) {
	s := open(t, nil)
	got := make(chan string, 1)
	s.serve("log", nil, func(_ context.Context, r *ringcast.Request) error {
		if !r.OneWay() {
			t.Error("a one-way request waits for an answer")
		}
		got <- string(r.Payload())
		return nil
	})
	s.do("POST", "/v1/services/log?oneway", "line").want(t, "one way", 202, "log")
	if line := <-got; line != "line" {
		t.Errorf("the service got %q", line)
	}
	s.wantProblem("POST", "/v1/services/nobody?oneway=true", "", 404, "no-service", false)
}

// TestStream: replies come one by one, each before the next is made.
func TestStream(t *testing.T) {
	s := open(t, nil)
	step := make(chan bool)
	s.serve("count", nil, func(_ context.Context, r *ringcast.Request) error {
		for _, one := range []string{"one", "two"} {
			if err := r.More([]byte(one)); err != nil {
				return err
			}
			<-step
		}
		if string(r.Payload()) == "break" {
			return &ringcast.ReplyError{Text: "broken"}
		}
		return r.Reply([]byte("three"))
	})
	post := func(path, body string) *http.Response {
		response, err := http.Post("http://"+s.address+path, "", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		return response
	}
	response := post("/v1/services/count?stream", "")
	lines := bufio.NewReader(response.Body)
	for i, want := range []string{"[\"one\"]\n", "[\"two\"]\n", "[\"three\"]\n"} {
		if line, err := lines.ReadString('\n'); err != nil || line != want {
			t.Errorf("line %d is %q, %v, want %q", i, line, err, want)
		}
		if i < 2 {
			step <- true
		}
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("behind the last line: %q, %v", rest, err)
	}
	go func() { step <- true; step <- true; step <- true; step <- true }()
	if b, err := io.ReadAll(post("/v1/services/count?stream&type=plain", "").Body); string(b) != "onetwothree" || err != nil {
		t.Errorf("plain: %q, %v", b, err)
	}
	if b, err := io.ReadAll(post("/v1/services/count?stream", "break").Body); err == nil {
		t.Errorf("a stream that broke off ends as whole: %q", b)
	}
	s.wantProblem("POST", "/v1/services/nobody?stream", "", 404, "no-service", false)
}

// TestClientLeaves: the handler's context ends when the HTTP client has gone.
func TestClientLeaves(t *testing.T) {
	s := open(t, nil)
	begun, ended := make(chan bool), make(chan error, 1)
	s.serve("slow", nil, func(ctx context.Context, _ *ringcast.Request) error {
		begun <- true
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", "http://"+s.address+"/v1/services/slow?timeout=-1", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-begun
		cancel()
	}()
	if _, err := http.DefaultClient.Do(r); err == nil {
		t.Fatal("a request that was given up was answered")
	}
	if err := <-ended; err != context.Canceled {
		t.Errorf("the handler's context ended with %v, want canceled", err)
	}
	await(t, "status 499 is counted", func() bool {
		return strings.Contains(s.do("GET", "/metrics", "").body, `ringcast_gateway_requests_total{status="499",surface="services"} 1`)
	})
}

// TestInstanceDies: a caller is told at once, or another instance answers.
func TestInstanceDies(t *testing.T) {
	s := open(t, nil)
	sub, err := s.bus.Subscribe("in.hand", nil)
	if err != nil {
		t.Fatal(err)
	}
	inHand := func() {
		t.Helper()
		if _, err := sub.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := startService(t, s.dir, "work")
	got := make(chan answer)
	go func() { got <- s.do("POST", "/v1/services/work?timeout=-1", "wait") }()
	inHand()
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if a := <-got; a.status != 502 || problemIn(t, a).Code != "instance-died" || !problemIn(t, a).MayHaveRun {
		t.Errorf("the instance was killed: %d %s", a.status, a.body)
	}
	second := startService(t, s.dir, "work")
	go func() { got <- s.do("POST", "/v1/services/work?timeout=-1&idempotent", "wait, whoever you are") }()
	inHand()
	s.serve("work", nil, echo)
	if err := second.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	(<-got).want(t, "the instance of an idempotent request was killed", 200, "whoever")
}

// TestKilledUnderLoad: of many callers each has an answer or an error, and none waits for ever.
func TestKilledUnderLoad(t *testing.T) {
	s := open(t, nil)
	victim := startService(t, s.dir, "work")
	startService(t, s.dir, "work")
	var answered, died atomic.Uint64
	begun := time.Now()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 40 {
				switch a := s.do("POST", "/v1/services/work?timeout=-1", "x"); {
				case a.status == 200 && a.body == "x":
					answered.Add(1)
				case a.status == 502 && problemIn(t, a).Code == "instance-died":
					died.Add(1)
				default:
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	await(t, "the load is on", func() bool { return answered.Load() > 100 })
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	t.Logf("%d answered, %d told that the instance died, all in %v", answered.Load(), died.Load(), time.Since(begun).Round(time.Millisecond))
}

// TestOverloaded: what does not fit the queue gets 503 at once with a time to come back,
// and what fits is answered.
func TestOverloaded(t *testing.T) {
	s := open(t, nil)
	release := make(chan bool)
	s.serve("busy", &ringcast.ServeConfig{Queue: 64}, func(_ context.Context, r *ringcast.Request) error {
		<-release
		return r.Reply([]byte("done"))
	})
	const many = 120
	answers := make(chan answer, many)
	var all sync.WaitGroup
	for range many {
		all.Go(func() { answers <- s.do("POST", "/v1/services/busy?timeout=-1", "x") })
	}
	const most = 64 + 2 // that wait, one in hand, and one that is just being taken
	await(t, "the rest is refused", func() bool { return len(answers) >= many-most })
	close(release)
	all.Wait()
	close(answers)
	done := 0
	for a := range answers {
		switch {
		case a.status == 200 && a.body == "done":
			done++
		case a.status != 503 || a.header.Get("Retry-After") == "" || problemIn(t, a).Code != "overloaded":
			t.Errorf("%d %q", a.status, a.body)
		}
	}
	if done == 0 || done > most {
		t.Errorf("%d of %d answered, where 64 may wait", done, many)
	}
}

// TestNamesAreBounded: names that nobody serves do not pile up, and those that somebody
// serves are found all the same.
func TestNamesAreBounded(t *testing.T) {
	s := open(t, nil)
	s.gateway.clients.most = 4
	for range 3 {
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			s.wantProblem("POST", "/v1/services/"+name, "", 404, "no-service", false)
		}
	}
	if n := len(s.gateway.clients.names); n != 4 {
		t.Errorf("%d names are remembered, want 4", n)
	}
	s.serve("late", nil, echo)
	await(t, "the new service is seen", func() bool { return s.gateway.served("late") })
	s.do("POST", "/v1/services/late", "x").want(t, "a name beyond the bound", 200, "x")
}
