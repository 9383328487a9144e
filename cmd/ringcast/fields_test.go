package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// mirrorService answers a request with the same bytes and the same marks.
func mirrorService(t *testing.T, dir string) *ringcast.Bus {
	t.Helper()
	bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bus.Close() })
	_, err = bus.Serve("mirror", func(_ context.Context, r *ringcast.Request) error {
		marks := ringcast.Marks{Content: r.Content()}
		if r.Streams() {
			if err := r.MoreMarked(r.Payload(), marks); err != nil {
				return err
			}
		}
		return r.ReplyMarked(r.Payload(), marks)
	}, &ringcast.ServeConfig{SlotSize: 8192})
	if err != nil {
		t.Fatal(err)
	}
	return bus
}

// TestCallForms: each form of input and of output, as waha's console client has them.
func TestCallForms(t *testing.T) {
	dir := t.TempDir()
	mirrorService(t, dir)
	for _, c := range []struct{ args, stdin, want string }{
		{"mirror one", "", "one\n"},
		{"mirror one two", "", "one\ntwo\n"},
		{"mirror", "a\n\nb", "a\n\nb\n"}, // three requests
		{"-n mirror -i args", "", ""},
		{"-n mirror -i args -o json", "", "[]\n"},
		{"-n mirror -i args -o json one", "", `["one"]` + "\n"},
		{"-n mirror one two -o json", "", `["one","two"]` + "\n"},
		{"mirror -i plain -o json", "a\nb\n", `["a\nb\n"]` + "\n"},
		{"mirror -i plain -o plain", "a\x00\xff\n", "a\x00\xff\n"},
		{"mirror -i delimited -o json", "a\nb\n\nc", `["a","b","","c"]` + "\n"},
		{"mirror -i delimited -o json", "a\nb\n", `["a","b"]` + "\n"},
		{"mirror -i delimited -o json", "", "[]\n"},
		{`mirror -i delimited --in-sep \0 -o json`, "a\nb\x00c\x00", `["a\nb","c"]` + "\n"},
		{"mirror -i delimited --in-sep :: -o json", "a:b::c", `["a:b","c"]` + "\n"},
		{"mirror -i delimited -d base64 -o plain", "YQ==\n/w==\n", "a\xff"},
		{"mirror -i delimited -d hex -o delimited -e base64", "61\nff\n", "YQ==\n/w==\n"},
		{`mirror -i json -o json`, ` ["a <b>", 1.50, null, {"x": [1, 2]}, true, "é"] `, `["a <b>","1.50","null","{\"x\":[1,2]}","true","é"]` + "\n"},
		{"mirror -i json -o json -p", `["a"]`, "[\n  \"a\"\n]\n"},
		{`mirror a b -o delimited --out-sep ,\t`, "", "a,\tb,\t"},
		{"mirror a b -o plain", "", "ab"},
		{"mirror a b -o empty", "", ""},
		{"mirror a b -o json -e hex", "", `["61","62"]` + "\n"},
		{"mirror 6162 63 -d hex", "", "ab\nc\n"},
		{"mirror a b --stream -o json", "", `["a","b"]` + "\n" + `["a","b"]` + "\n"},
		{"mirror a -t 20000", "", "a\n"},
		{"mirror a -t -1", "", "a\n"},
		{"mirror -- -x", "", "-x\n"},
	} {
		args := append([]string{"--shm-dir", dir, "call"}, strings.Fields(c.args)...)
		if code, out, errs := call(t, c.stdin, args...); code != exitOK || out != c.want {
			t.Errorf("%s: exit code %d, %q, want %q; %s", c.args, code, out, c.want, errs)
		}
	}
}

// TestCallRefuses: what can't be meant is said, and nothing is sent or written instead.
func TestCallRefuses(t *testing.T) {
	dir := t.TempDir()
	mirrorService(t, dir)
	for _, c := range []struct {
		args, stdin string
		code        int
		says        string
	}{
		{"", "", exitUsage, "an argument is missing"},
		{"mirror -i xml", "", exitUsage, "want args, plain, delimited, json or lines"},
		{"mirror -o xml", "", exitUsage, "want delimited, plain, json or empty"},
		{"mirror -d rot13 a", "", exitUsage, "want plain, base64 or hex"},
		{"mirror -e rot13 a", "", exitUsage, "want plain, base64 or hex"},
		{"mirror -d hex xyz", "", exitUsage, "field 1: no hex"},
		{"mirror -i plain a", "", exitUsage, "leave the arguments"},
		{"mirror -i json", `{"a": 1}`, exitUsage, "want a JSON array"},
		{"mirror -i json", "null", exitUsage, "want a JSON array"},
		{"mirror -i json", "", exitUsage, "want a JSON array"},
		{"mirror -i json", `["a"] x`, exitUsage, "want a JSON array"},
		{`mirror --in-sep \q a`, "", exitUsage, "--in-sep"},
		{"mirror -t 0 a", "", exitUsage, "want 1ms or more"},
		{"mirror -t soon a", "", exitUsage, "want 1ms or more"},
		{"mirror a --stream --idempotent", "", exitUsage, "a stream is sent once"},
		{"mirror -i delimited -d hex -o json", "ff", exitFailed, "--encoder base64"},
		{"mirror -i plain --max-reply 1024", strings.Repeat("x", 4000), exitFailed, "Pass a larger --max-reply"},
		{"mirror -i plain", strings.Repeat("x", 9000), exitFailed, "--slot-size 9000"},
		{"nobody a", "", exitNobody, "no instance"},
	} {
		args := append([]string{"--shm-dir", dir, "call"}, strings.Fields(c.args)...)
		if code, out, errs := call(t, c.stdin, args...); code != c.code || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit code %d, want %d with %q; %q, %s", c.args, code, c.code, c.says, out, errs)
		}
	}
}

// TestCallVerbose: every field is told of, in both directions.
func TestCallVerbose(t *testing.T) {
	dir := t.TempDir()
	mirrorService(t, dir)
	code, out, errs := call(t, "61\nff", "--shm-dir", dir, "call", "-v", "mirror", "-i", "delimited", "-d", "hex", "-o", "empty")
	for _, want := range []string{"request: 10 bytes, 2 fields", `   1: "a"`, "   2: ff", "reply of n"} {
		if code != exitOK || out != "" || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, %q; %q is not in %q", code, out, want, errs)
		}
	}
}

// TestSurveyTimes: the time is of each question, not of all together.
func TestSurveyTimes(t *testing.T) {
	dir := t.TempDir()
	bus := mirrorService(t, dir)
	sub, err := bus.Subscribe("asked", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for m, err := range sub.Messages(t.Context()) {
			if err != nil {
				return
			}
			_ = m.Reply(m.Payload())
		}
	}()
	// The second question comes when the first one's time is over. On a busy machine an answer may
	// take longer than that time: then with more of it.
	want := fmt.Sprintf("%[1]v: one\n%[1]v: two\n", bus.Address())
	for timeout := time.Second; ; timeout *= 2 {
		stdin := &slowReader{lines: []string{"one\n", "two\n"}, pause: timeout * 5 / 4}
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"--shm-dir", dir, "survey", "asked", "--timeout", timeout.String()}, stdin, &out, &errs)
		if code == exitOK && out.String() == want {
			return
		}
		if timeout > 15*time.Second {
			t.Fatalf("exit code %d, %q, want %q; %s", code, out.String(), want, errs.String())
		}
	}
}

// A slowReader gives a line at a time, with pauses between.
type slowReader struct {
	lines []string
	pause time.Duration
	given int
}

func (r *slowReader) Read(b []byte) (int, error) {
	if r.given == len(r.lines) {
		return 0, io.EOF
	}
	if r.given > 0 {
		time.Sleep(r.pause)
	}
	r.given++
	return copy(b, r.lines[r.given-1]), nil
}
