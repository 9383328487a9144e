package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// patience bounds every wait of these tests: nothing here is about time, unless it says so.
const patience = 60 * time.Second

// serviceVariable makes the test's binary a service of that name.
const serviceVariable = "RINGCAST_TEST_SERVICE"

func TestMain(m *testing.M) {
	if name := os.Getenv(serviceVariable); name != "" {
		os.Exit(beService(name))
	}
	os.Exit(m.Run())
}

// beService serves a name in a process of its own until a signal comes: an echo, which
// waits for ever where it is asked to, and says so on the topic in.hand.
func beService(name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	bus, err := ringcast.Open(ctx, nil)
	if err != nil {
		return 1
	}
	defer bus.Close()
	inHand, err := bus.Publisher("in.hand", nil)
	if err != nil {
		return 1
	}
	s, err := bus.Serve(name, func(ctx context.Context, r *ringcast.Request) error {
		if strings.Contains(string(r.Payload()), "wait") {
			if err := inHand.Publish(ctx, nil); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		}
		return r.ReplyMarked(r.Payload(), ringcast.Marks{Content: r.Content()})
	}, &ringcast.ServeConfig{Concurrency: 16})
	if err != nil {
		return 1
	}
	<-ctx.Done()
	if s.Stop(context.Background()) != nil {
		return 1
	}
	return 0
}

// startService starts a service as a process, and waits until it is there.
func startService(t *testing.T, dir, name string) *exec.Cmd {
	t.Helper()
	before := instancesOf(t, dir, name)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serviceVariable+"="+name, "RINGCAST_SHM_DIR="+dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	await(t, name+" is served", func() bool { return instancesOf(t, dir, name) > before })
	return cmd
}

func instancesOf(t *testing.T, dir, name string) int {
	t.Helper()
	s, err := ringcast.Inspect(&ringcast.Config{Dir: dir})
	if err != nil {
		return 0 // no domain yet
	}
	n := 0
	for i := range s.Participants {
		for _, one := range s.Participants[i].Info.Services {
			if one.Name == name && s.Participants[i].Alive {
				n++
			}
		}
	}
	return n
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// A site is a gateway that serves a free port, with a bus beside it in the same domain.
type site struct {
	t       *testing.T
	dir     string
	bus     *ringcast.Bus
	gateway *Gateway
	address string // host:port
}

// open starts a gateway.
func open(t *testing.T, cfg *Config) *site {
	t.Helper()
	var c Config
	if cfg != nil {
		c = *cfg
	}
	s := &site{t: t, dir: t.TempDir()}
	c.Bus.Dir = s.dir
	if c.Timeout == 0 {
		c.Timeout = patience
	}
	g, err := Open(t.Context(), &c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.gateway, s.address = g, l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- g.Serve(l, "", "") }()
	if s.bus, err = ringcast.Open(t.Context(), &ringcast.Config{Dir: s.dir, Name: "beside"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serving ended with %v", err)
		}
		_ = s.bus.Close()
	})
	return s
}

// serve serves a name beside the gateway.
func (s *site) serve(name string, cfg *ringcast.ServeConfig, handler ringcast.Handler) *ringcast.Instance {
	s.t.Helper()
	one, err := s.bus.Serve(name, handler, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return one
}

// echo answers with what it was asked, marks included.
func echo(_ context.Context, r *ringcast.Request) error {
	return r.ReplyMarked(r.Payload(), ringcast.Marks{Content: r.Content()})
}

// An answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request. Headers are "Name: value".
func (s *site) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ": ")
		if !ok {
			continue
		}
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(b)}
}

// want checks a status and a part of the body.
func (a answer) want(t *testing.T, what string, status int, part string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, part) {
		t.Errorf("%s: %d %q, want %d with %q", what, a.status, a.body, status, part)
	}
}

// events reads server-sent events from a path. Each is "name data", the name of a message
// is empty. The first, open, is checked.
func (s *site) events(path string) (next func() string, leave func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		s.t.Fatalf("%s: %d of type %q", path, response.StatusCode, response.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 32<<20)
	next = func() string {
		s.t.Helper()
		name, data := "", ""
		for lines.Scan() {
			switch line := lines.Text(); {
			case strings.HasPrefix(line, "event: "):
				name = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				data = line[len("data: "):]
			case line == "" && data != "":
				return name + " " + data
			}
		}
		return "end"
	}
	if first := next(); !strings.HasPrefix(first, "open ") {
		s.t.Fatalf("%s begins with %q, want the event open", path, first)
	}
	return next, func() { cancel(); _ = response.Body.Close() }
}
