//go:build clients

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// curl runs curl and returns "STATUS BODY".
func curl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("curl", append([]string{"-sgS", "--max-time", "60", "-w", "\n%{http_code}"}, args...)...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("curl %q: %v: %s", args, err, exit.Stderr)
	} else if err != nil {
		t.Fatalf("the package curl: %v", err)
	}
	text := string(out)
	at := strings.LastIndexByte(text, '\n')
	return text[at+1:] + " " + text[:at]
}

// wantCurl checks the beginning of what curl gets.
func wantCurl(t *testing.T, want string, args ...string) {
	t.Helper()
	if got := curl(t, args...); !strings.HasPrefix(got, want) {
		t.Errorf("curl %q: %q, want %q", args, got, want)
	}
}

// served waits until a service answers through a gateway.
func served(t *testing.T, url, service string) {
	t.Helper()
	until(t, service+" is served", func() bool {
		return strings.HasPrefix(curl(t, "-d", "x", url+"/v1/services/"+service), "200")
	})
}

// TestCurlOldForm: waha's conventions, by curl against the programs.
func TestCurlOldForm(t *testing.T) {
	dir := t.TempDir()
	start(t, nil, "serve", "shout.loud", "--shm-dir", dir, "--exec", "tr a-z A-Z")
	start(t, nil, "serve", "slow", "--shm-dir", dir, "--delay", "1h")
	start(t, nil, "serve", "fails", "--shm-dir", dir, "--exec", "echo no paper >&2; exit 3")
	_, url := startGateway(t, "--shm-dir", dir, "--timeout", "60000", "--max-body", "1000", "--allow-origin", "*")
	served(t, url, "shout.loud")
	until(t, "all are served", func() bool { return strings.Count(curl(t, url+"/v1/services"), `"service":`) == 3 })

	wantCurl(t, `200 ["HELLO"]`, url+`/shout/loud?content=raw&args=["hello"]`)
	wantCurl(t, `200 ["A1"]`, "-G", "--data-urlencode", `args=["a",1]`, url+"/shout.loud?content=raw")
	wantCurl(t, `200 ["B"]`, "-d", `["b"]`, url+"/shout/loud?content=raw")
	wantCurl(t, `200 ["C"]`, "--data-urlencode", `args=["c"]`, url+"/shout/loud?content=raw")
	wantCurl(t, `200 D`, url+`/shout/loud?content=raw&type=plain&args=["d"]`)
	wantCurl(t, `200 /**/show(["E"]);`, url+`/shout/loud?content=raw&jsonp=show&args=["e"]`)
	wantCurl(t, `200 /**/show(["E"]);`, url+`/shout/loud?content=raw&callback=show&args=["e"]`)
	wantCurl(t, `400 callback`, url+`/shout/loud?jsonp=alert(1)`)
	wantCurl(t, `400 invalid JSON arguments`, url+`/shout/loud?args=[1`)
	wantCurl(t, `400 timeout`, url+`/shout/loud?timeout=soon`)
	wantCurl(t, `404 no instance of the service`, url+"/nobody")
	wantCurl(t, `404`, url+"/favicon.ico")
	wantCurl(t, `405`, "-X", "DELETE", url+"/slow")
	wantCurl(t, `413`, "-d", strings.Repeat("x", 2000), url+"/slow")
	wantCurl(t, `500 no paper`, url+"/fails")
	wantCurl(t, `504 no answer in time`, url+"/slow?timeout=50")
}

// TestCurlTopics: a message is published by curl, and read by curl.
func TestCurlTopics(t *testing.T) {
	dir := t.TempDir()
	_, url := startGateway(t, "--shm-dir", dir)
	read := &notebook{}
	cmd := exec.Command("curl", "-sgN", "--max-time", "60", url+"/v1/topics/orders.>")
	cmd.Stdout = read
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	until(t, "curl reads", func() bool { return strings.Contains(read.String(), "event: open") })
	for i := range 10 {
		wantCurl(t, `202 {"topic":"orders.eu"}`, "-d", fmt.Sprintf("order %d", i), url+"/v1/topics/orders.eu")
	}
	until(t, "the last message is read", func() bool {
		return strings.Contains(read.String(), `"sequence":10,"content":"raw","payload":"order 9"`)
	})
}

// TestCurlSecure: TLS with HTTP/2, tokens, and HTTP/2 without TLS.
func TestCurlSecure(t *testing.T) {
	dir := t.TempDir()
	certificate, key := certificate(t, dir)
	tokens := filepath.Join(dir, "tokens")
	if err := os.WriteFile(tokens, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, url := startGateway(t, "--shm-dir", dir, "--tls-cert", certificate, "--tls-key", key, "--token-file", tokens)
	got := curl(t, "--cacert", certificate, "-H", "Authorization: Bearer secret", "-w", "%{http_version}\n%{http_code}", url+"/v1/nodes")
	if !strings.HasPrefix(got, "200 ") || !strings.HasSuffix(got, "2") {
		t.Errorf("TLS: %q, want 200 by HTTP/2", got)
	}
	wantCurl(t, "401", "--cacert", certificate, url+"/v1/nodes")
	_, plain := startGateway(t, "--shm-dir", dir)
	wantCurl(t, "200", "--http2-prior-knowledge", plain+"/healthz")
}

// certificate makes one for this host that it signs itself.
func certificate(t *testing.T, dir string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a gateway that is tested"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("gateway.crt", "CERTIFICATE", signed), write("gateway.key", "PRIVATE KEY", encoded)
}

// TestCurlAcrossNodes: the gateway is on one node, the service and the publisher on another;
// a forwarder runs on each.
func TestCurlAcrossNodes(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	program := filepath.Join(t.TempDir(), "ringcastd")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/ringcast/ringcast/cmd/ringcastd").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	domain := fmt.Sprintf("gateway-%d", os.Getpid())
	for i, dir := range []string{here, there} {
		cmd := exec.Command(program, "--shm-dir", dir, "--domain", domain, "--interface", "lo", "--node", fmt.Sprint(i+1))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Signal(os.Interrupt)
			_ = cmd.Wait()
		})
		until(t, "the forwarder has made its node", func() bool {
			s, err := ringcast.Inspect(&ringcast.Config{Dir: dir, Domain: domain})
			return err == nil && s.Forwarder
		})
	}
	start(t, nil, "serve", "shout", "--shm-dir", there, "--domain", domain, "--exec", "tr a-z A-Z")
	start(t, nil, "script", "--shm-dir", there, "--domain", domain, "hello", "/bin/echo", "Hello,")
	_, url := startGateway(t, "--shm-dir", here, "--domain", domain)
	served(t, url, "shout")
	served(t, url, "hello")
	wantCurl(t, `200 ["Hello, big world\n"]`, url+`/hello?args=["big","world"]`)
	wantCurl(t, "200 HELLO", "-d", "hello", url+"/v1/services/shout")
	wantCurl(t, `200 ["HELLO"]`, url+`/shout?content=raw&args=["hello"]`)
	until(t, "the page's JSON has the other node and its service", func() bool {
		d := curl(t, url+"/v1/domain")
		return strings.Contains(d, `"node":2,`) && strings.Contains(d, `"service":"shout"`)
	})
	sub := start(t, nil, "sub", "news", "--shm-dir", there, "--domain", domain, "--count", "1", "--raw", "--timeout", "60s")
	until(t, "the subscription is known here", func() bool { return strings.Contains(curl(t, url+"/v1/nodes"), `"news"`) })
	wantCurl(t, "202", "-d", "over the network", url+"/v1/topics/news")
	if code := sub.wait(); code != exitOK || !strings.Contains(sub.out.String(), "over the network") {
		t.Errorf("the subscriber of the other node: exit code %d, %q", code, sub.out.String())
	}
}
