package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ringcast/ringcast"
)

// TestWatch shows a publisher that is there, in words and as JSON.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir, Name: "desk"})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if _, err := bus.Publisher("orders.eu", nil); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, "", "watch", "--shm-dir", dir, "orders.*", "--kind", "publisher", "--count", "1")
	if code != exitOK || !strings.Contains(out, "up publisher orders.eu of desk") {
		t.Errorf("exit code %d, %q, %s", code, out, errs)
	}
	code, out, errs = call(t, "", "watch", "--shm-dir", dir, "--json", "--now")
	var e watchedEvent
	first, _, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(first), &e); err != nil || code != exitOK || !e.Up || !e.First || e.Kind != "participant" || e.Name != "desk" {
		t.Errorf("exit code %d, %q, %s, %v", code, out, errs, err)
	}
}

// TestNodesAndServices shows a node that is alone.
func TestNodesAndServices(t *testing.T) {
	dir := t.TempDir()
	bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	code, out, errs := call(t, "", "nodes", "--shm-dir", dir)
	if code != exitOK || !strings.Contains(out, "this node") || !strings.Contains(errs, "ringcastd") {
		t.Errorf("nodes: exit code %d, %q, %q", code, out, errs)
	}
	var nodes []listedNode
	code, out, errs = call(t, "", "nodes", "--shm-dir", dir, "--json")
	if err := json.Unmarshal([]byte(out), &nodes); err != nil || code != exitOK || len(nodes) != 1 || !nodes[0].Self || nodes[0].Node == 0 {
		t.Errorf("nodes --json: exit code %d, %q, %s, %v", code, out, errs, err)
	}
	if code, out, errs = call(t, "", "services", "--shm-dir", dir, "--json"); code != exitOK || strings.TrimSpace(out) != "[]" {
		t.Errorf("services: exit code %d, %q, %s", code, out, errs)
	}
}

func TestWatchRefuses(t *testing.T) {
	for _, r := range []refusal{
		{"kind", "", []string{"watch", "--kind", "ghost"}, exitUsage, []string{"ghost", "participant"}},
		{"name", "", []string{"watch", "--shm-dir", t.TempDir(), "a..b"}, exitUsage, []string{"a..b"}},
		{"two names", "", []string{"watch", "a", "b"}, exitUsage, []string{"--help"}},
		{"nowhere", "", []string{"nodes", "--shm-dir", "/nowhere"}, exitFailed, []string{"/nowhere"}},
	} {
		r.check(t)
	}
}
