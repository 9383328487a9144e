package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A notebook is what a process writes, readable while it writes.
type notebook struct {
	mu   sync.Mutex
	text strings.Builder // guarded by mu
}

func (n *notebook) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

var gatewayLine = regexp.MustCompile(`gateway of domain \S+ at (https?://\S+)/\n`)

// startGateway starts a gateway as a process, at a free port, and returns its address.
func startGateway(t *testing.T, args ...string) (p *process, url string) {
	t.Helper()
	said := &notebook{}
	p = startWith(t, said, append([]string{"gateway", "--port", "0"}, args...)...)
	until(t, "the gateway says where it is", func() bool {
		if m := gatewayLine.FindStringSubmatch(said.String()); m != nil {
			url = m[1]
		}
		return url != ""
	})
	return p, url
}

// TestGateway: the command serves, takes its flags, and ends by a signal in order.
func TestGateway(t *testing.T) {
	dir := t.TempDir()
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte("first\nsecond\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, nil, "serve", "echo", "--shm-dir", dir)
	gateway, url := startGateway(t, "--shm-dir", dir, "--token-file", tokens, "--timeout", "60000")
	ask := func(token string) (int, string) {
		r, err := http.NewRequest("POST", url+"/v1/services/echo", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(b)
	}
	until(t, "the service answers", func() bool { status, body := ask("second"); return status == 200 && body == "hello" })
	if status, _ := ask("third"); status != 401 {
		t.Errorf("another token: %d, want 401", status)
	}
	if err := gateway.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := gateway.wait(); code != exitOK {
		t.Errorf("exit code %d behind a signal, want 0", code)
	}
}

func TestGatewayRefusesFlags(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--port", "70000"}, {"--timeout", "0"}, {"--timeout", "-2"}, {"--timeout", "soon"}, {"--tls-cert", "x"}, {"--tls-key", "x"},
		{"--token-file", empty}, {"--allow-origin", "example.org"}, {"--header-time", "0s"}, {"extra"}, {"--in-flight", "100000"}, {"--bind", "127.0.0.1:9001"},
	} {
		if code, _, said := call(t, "", append([]string{"gateway", "--shm-dir", dir}, args...)...); code != exitUsage || said == "" {
			t.Errorf("%q: exit code %d, %q, want %d", args, code, said, exitUsage)
		}
	}
	for _, args := range [][]string{{"--token-file", filepath.Join(dir, "none")}, {"--bind", "192.0.2.1"}, {"--tls-cert", empty, "--tls-key", empty}} {
		if code, _, said := call(t, "", append([]string{"gateway", "--shm-dir", dir, "--port", "0"}, args...)...); code != exitFailed || said == "" {
			t.Errorf("%q: exit code %d, %q, want %d", args, code, said, exitFailed)
		}
	}
}

// TestGatewayElsewhere: an address that is no one of this host's is told with what is wanted.
func TestGatewayElsewhere(t *testing.T) {
	(&refusal{"an address of nobody here", "", []string{"--shm-dir", t.TempDir(), "gateway", "--port", "0", "--bind", "192.0.2.1"}, exitFailed, []string{"--bind wants"}}).check(t)
}

// TestGatewayPortInUse: who is refused a port is told what to pass.
func TestGatewayPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	(&refusal{"port in use", "", []string{"--shm-dir", t.TempDir(), "gateway", "--port", port}, exitFailed, []string{"address already in use", "--port"}}).check(t)
}
