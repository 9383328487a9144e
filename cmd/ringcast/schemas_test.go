package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// orderSchemas is a folder with the schema of an order, as flatc wrote it, under these names.
func orderSchemas(t *testing.T, names ...string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range names {
		copyFile(t, "../../internal/gateway/testdata/order.bfbs", filepath.Join(folder, name+".bfbs"))
	}
	return folder
}

const (
	orderJSON  = `{"number":7,"customer":"ada","lines":[{"item":"tea","quantity":2}]}`
	orderShown = `{"number":7,"customer":"ada","lines":[{"item":"tea","quantity":2,"cents":0}]}`
)

// TestTopicBySchema: JSON is published as a FlatBuffer, and one is read as JSON.
func TestTopicBySchema(t *testing.T) {
	dir, folder := t.TempDir(), orderSchemas(t, "orders.>")
	sub := start(t, nil, "--shm-dir", dir, "sub", "orders.*", "--schemas", folder, "--count", "2")
	plain := start(t, nil, "--shm-dir", dir, "sub", "orders.eu", "--json-lines", "--count", "2")
	await(t, dir, "orders.eu", 2)
	code, _, errs := call(t, orderJSON+"\n", "--shm-dir", dir, "pub", "orders.eu", "--schemas", folder)
	if code != exitOK {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	if code, _, errs := call(t, "text\n", "--shm-dir", dir, "pub", "orders.eu"); code != exitOK {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	var lines []map[string]any
	for _, p := range []*process{sub, plain} {
		if code := p.wait(); code != exitOK {
			t.Fatalf("exit code %d, %s", code, p.errors.String())
		}
		for line := range strings.Lines(p.out.String()) {
			var m map[string]any
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err, line)
			}
			lines = append(lines, m)
		}
	}
	if len(lines) != 4 {
		t.Fatalf("%v", lines)
	}
	var want any
	if err := json.Unmarshal([]byte(orderShown), &want); err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(lines[0]["value"]); !sameJSON(t, got, orderShown) || lines[0]["topic"] != "orders.eu" || lines[0]["sequence"] != 1.0 {
		t.Errorf("by the schema: %v", lines[0])
	}
	if lines[1]["payload"] != "text" || !strings.Contains(lines[1]["problem"].(string), "no orders.Order") {
		t.Errorf("what is none: %v", lines[1])
	}
	if lines[2]["content"] != "flatbuffer" || lines[2]["base64"] == nil || lines[3]["payload"] != "text" {
		t.Errorf("without schemas: %v", lines[2:])
	}
}

// sameJSON compares what two texts say.
func sameJSON(t *testing.T, a []byte, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// TestCallBySchema: JSON in and out, FlatBuffers between; a service that knows none sees bytes.
func TestCallBySchema(t *testing.T) {
	dir, folder := t.TempDir(), orderSchemas(t, "echo")
	start(t, nil, "--shm-dir", dir, "serve", "echo")
	awaitServing(t, dir, "echo")
	code, out, errs := call(t, "", "--shm-dir", dir, "call", "echo", orderJSON, "--schemas", folder)
	if code != exitOK || !sameJSON(t, []byte(out), orderShown) {
		t.Fatalf("exit code %d, %q, %s", code, out, errs)
	}
	code, raw, errs := call(t, "", "--shm-dir", dir, "call", "echo", orderJSON, "--schemas", orderSchemas(t, "echo@request"), "--encoder", "hex")
	if code != exitOK || !strings.Contains(raw, "616461") { // ada
		t.Errorf("the request alone: exit code %d, %q, %s", code, raw, errs)
	}
	code, out, errs = call(t, "", "--shm-dir", dir, "call", "echo", strings.TrimSpace(raw), "--decoder", "hex", "--pretty", "--schemas", orderSchemas(t, "echo@reply"))
	if code != exitOK || !strings.Contains(out, "\n  \"number\": 7,\n") {
		t.Errorf("the reply alone: exit code %d, %q, %s", code, out, errs)
	}
}

// TestSchemaRefuses: what is wrong is told with its place, and nothing is sent.
func TestSchemaRefuses(t *testing.T) {
	dir, folder := t.TempDir(), orderSchemas(t, "orders.eu")
	empty := t.TempDir()
	for _, r := range []refusal{
		{"no folder", "", []string{"sub", "orders.eu", "--schemas", folder + "/none"}, exitUsage, []string{"--schemas", "no such file"}},
		{"no schema", "", []string{"sub", "orders.eu", "--schemas", empty}, exitUsage, []string{"no file NAME.bfbs"}},
		{"another form", "", []string{"sub", "orders.eu", "--schemas", folder, "--binary"}, exitUsage, []string{"choose one"}},
		{"no schema of the topic", "", []string{"pub", "orders.us", "--schemas", folder}, exitUsage, []string{"orders.us.bfbs"}},
		{"generated", "", []string{"pub", "orders.eu", "--schemas", folder, "--size", "9", "--count", "1"}, exitUsage, []string{"--size"}},
		{"a wrong field", orderJSON + "\n" + `{"number":"x"}`, []string{"--shm-dir", dir, "pub", "orders.eu", "--schemas", folder}, exitUsage,
			[]string{"message 2 of the input is no orders.Order", "number"}},
		{"fields", "", []string{"call", "orders.eu", "a", "b", "--schemas", folder}, exitUsage, []string{"one JSON text"}},
		{"a wrong request", "", []string{"--shm-dir", dir, "call", "orders.eu", "{", "--schemas", folder}, exitUsage, []string{"no orders.Order"}},
	} {
		r.check(t)
	}
}
