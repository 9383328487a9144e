package gateway

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// TestBodyLimit: a body is refused by its declared length, and by its real one.
func TestBodyLimit(t *testing.T) {
	s := open(t, &Config{MaxBody: 1000})
	s.serve("echo", nil, echo)
	s.do("POST", "/v1/services/echo", strings.Repeat("x", 1000)).want(t, "all that is allowed", 200, "xxx")
	s.wantProblem("POST", "/v1/services/echo", strings.Repeat("x", 1001), 413, "body-too-large", false)
	s.do("POST", "/echo", `["`+strings.Repeat("x", 1001)+`"]`).want(t, "the old form", 413, "1000 bytes")
	s.wantProblem("POST", "/v1/topics/x", strings.Repeat("x", 1001), 413, "body-too-large", false)
	r, err := http.NewRequest("POST", "http://"+s.address+"/v1/services/echo", io.LimitReader(endless{}, 100_000)) // chunked
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 413 {
		t.Errorf("a body without a length: %d, want 413", response.StatusCode)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// raw opens a connection and writes to it.
func (s *site) raw(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// TestSlowHeader: who takes too long for a header is cut off, while others are served.
func TestSlowHeader(t *testing.T) {
	s := open(t, &Config{HeaderTime: 100 * time.Millisecond})
	s.serve("echo", nil, echo)
	slow := s.raw("GET /echo HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	s.do("GET", "/echo", "").want(t, "beside a slow one", 200, "[]")
	b, err := io.ReadAll(slow) // ends when the gateway closes the connection
	if err != nil || strings.Contains(string(b), "200") {
		t.Errorf("a header without an end: %q, %v", b, err)
	}
}

// TestSlowBody: who takes too long for a body gets 408.
func TestSlowBody(t *testing.T) {
	s := open(t, &Config{BodyTime: 100 * time.Millisecond})
	s.serve("echo", nil, echo)
	slow := s.raw("POST /v1/services/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
	response, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 408 {
		t.Errorf("half of a body: %d, want 408", response.StatusCode)
	}
}

// TestSlowService: the time for header and body is not the time for the answer.
func TestSlowService(t *testing.T) {
	s := open(t, &Config{HeaderTime: 50 * time.Millisecond, BodyTime: 50 * time.Millisecond})
	s.serve("slow", nil, func(ctx context.Context, r *ringcast.Request) error {
		time.Sleep(300 * time.Millisecond)
		if ctx.Err() != nil {
			t.Error("the request was given up")
		}
		return r.Reply([]byte("late"))
	})
	s.do("POST", "/v1/services/slow", "x").want(t, "a slow service", 200, "late")
}

func TestLargeHeader(t *testing.T) {
	s := open(t, nil)
	c := s.raw("GET /x HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("a large header: %q, %v, want 431", line, err)
	}
}

// TestInFlight: the gateway's own limit is 503 at once, and frees its places.
func TestInFlight(t *testing.T) {
	s := open(t, &Config{InFlight: 4})
	release := make(chan bool)
	s.serve("slow", &ringcast.ServeConfig{Concurrency: 8}, func(_ context.Context, r *ringcast.Request) error {
		<-release
		return r.Reply([]byte("done"))
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { s.do("POST", "/v1/services/slow", "").want(t, "within the limit", 200, "done") })
	}
	await(t, "4 are in flight", func() bool { return s.gateway.inFlight() == 4 })
	s.wantProblem("POST", "/v1/services/slow", "", 503, "overloaded", false)
	s.do("GET", "/slow", "").want(t, "the old form", 503, "as it may")
	close(release)
	all.Wait()
	await(t, "all is free", func() bool { return s.gateway.inFlight() == 0 })
	s.do("POST", "/v1/services/slow", "").want(t, "behind them", 200, "done")
}

// TestConnections: connections beyond the limit wait until one is closed.
func TestConnections(t *testing.T) {
	s := open(t, &Config{MaxConnections: 1})
	const ask = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	first := s.raw(ask)
	if line, err := bufio.NewReader(first).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("the first connection: %q, %v", line, err)
	}
	second := s.raw(ask)
	_ = second.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := second.Read(make([]byte, 1)); err == nil {
		t.Errorf("the second connection is served beside the first: %d", n)
	}
	_ = second.SetReadDeadline(time.Now().Add(patience))
	_ = first.Close()
	if line, err := bufio.NewReader(second).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Errorf("the second connection behind the first: %q, %v", line, err)
	}
}

// TestShutdown: what is under way is finished, readers are told, and nobody is taken any more.
func TestShutdown(t *testing.T) {
	s := open(t, nil)
	begun, release := make(chan bool), make(chan bool)
	s.serve("slow", nil, func(_ context.Context, r *ringcast.Request) error {
		begun <- true
		<-release
		return r.Reply([]byte("finished"))
	})
	next, _ := s.events("/v1/topics/x")
	socket := s.dial("/v1/topics/x")
	got := make(chan answer)
	go func() { got <- s.do("POST", "/v1/services/slow", "") }()
	<-begun
	stopped := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		stopped <- s.gateway.Shutdown(ctx)
	}()
	if last := next(); !strings.HasPrefix(last, "closing ") {
		t.Errorf("the reader is told %q, want closing", last)
	}
	if _, b, err := socket.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("the WebSocket is told %q, %v", b, err)
	}
	await(t, "no connection is taken", func() bool {
		c, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(release)
	(<-got).want(t, "under way", 200, "finished")
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// TestShutdownOfNewcomers: a connection that asks for nothing does not hold the end up.
func TestShutdownOfNewcomers(t *testing.T) {
	s := open(t, nil)
	idle := s.raw("")
	await(t, "it is taken", func() bool { return s.gateway.state().Connections == 1 })
	s.gateway.stop()
	if b, err := io.ReadAll(idle); len(b) > 0 || err != nil {
		t.Errorf("the connection ends with %q, %v", b, err)
	}
	if late, err := net.Dial("tcp", s.address); err == nil {
		_ = late.SetDeadline(time.Now().Add(patience))
		if b, err := io.ReadAll(late); len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a late connection ends with %q, %v", b, err)
		}
		_ = late.Close()
	}
}

// TestHTTP2: without TLS by prior knowledge, and with it.
func TestHTTP2(t *testing.T) {
	s := open(t, nil)
	s.serve("echo", nil, echo)
	plain := &http.Transport{Protocols: new(http.Protocols)}
	plain.Protocols.SetUnencryptedHTTP2(true)
	defer plain.CloseIdleConnections()
	checkHTTP2(t, plain, "http://"+s.address)

	other := httptest.NewUnstartedServer(s.gateway.Handler())
	other.Config.Protocols = s.gateway.server.Protocols
	other.Config.ErrorLog = log.New(io.Discard, "", 0) // connections that the client does not need after all
	other.TLS = &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	other.StartTLS()
	defer other.Close()
	trusting := other.Client().Transport.(*http.Transport).Clone()
	trusting.ForceAttemptHTTP2 = true
	defer trusting.CloseIdleConnections()
	checkHTTP2(t, trusting, other.URL)
}

func checkHTTP2(t *testing.T, transport *http.Transport, url string) {
	t.Helper()
	client := &http.Client{Transport: transport, Timeout: patience}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			text := fmt.Sprintf("request %d", i)
			response, err := client.Post(url+"/v1/services/echo", "", strings.NewReader(text))
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if b, err := io.ReadAll(response.Body); err != nil || string(b) != text || response.ProtoMajor != 2 {
				t.Errorf("%s: %q by %s, %v", text, b, response.Proto, err)
			}
		})
	}
	all.Wait()
}

func TestConfigRefused(t *testing.T) {
	for _, c := range []Config{{InFlight: 5000}, {InFlight: -1}, {MaxBody: 17 << 20}, {MaxReply: -5}, {MaxStreams: -1}, {MaxTopics: -1}, {QueueBytes: -1}, {MaxConnections: -1}} {
		c.Bus.Dir = t.TempDir()
		if g, err := Open(t.Context(), &c); err == nil {
			t.Errorf("%+v is taken", c)
			_ = g.Shutdown(t.Context())
		}
	}
}
