package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// TestReaderOfTheOutputGoes as head does: the tool ends as a shell's programs do there, without a word, and
// leaves its domain as who ends by itself.
func TestReaderOfTheOutputGoes(t *testing.T) {
	dir := t.TempDir()
	inUse(t, dir, "orders")
	for _, args := range [][]string{{"ls"}, {"ls", "--json"}, {"watch"}, {"watch", "--json"}, {"inbox"}, {"inbox", "--json"}, {"version"}, {"--help"}, {"sub", "orders"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p := &process{t: t, cmd: exec.Command(os.Args[0], append(args, "--shm-dir", dir)...)}
			p.cmd.Stdout, p.cmd.Stderr = write, &p.errors
			if err := errors.Join(read.Close(), p.begin().cmd.Err, write.Close()); err != nil {
				t.Fatal(err)
			}
			if args[0] == "sub" {
				await(t, dir, "orders", 1)
				if code, _, errs := call(t, "one\n", "pub", "orders", "--shm-dir", dir); code != exitOK {
					t.Fatal(errs)
				}
			}
			if code := p.wait(); code != exitPipe || p.errors.String() != "" {
				t.Errorf("exit code %d, %q; want %d and no word", code, p.errors.String(), exitPipe)
			}
		})
	}
	if left, err := os.ReadDir(filepath.Join(dir, "default", "live")); err != nil || len(left) != 1 { // the one of inUse
		t.Errorf("left: %v, %v; want the test's own", left, err)
	}
}

// TestSubscriberOfAFullDisk ends with the first message that could not be written, and not with the next.
func TestSubscriberOfAFullDisk(t *testing.T) {
	dir := t.TempDir()
	p := start(t, nil, "sub", "orders", "--shm-dir", dir, "--output", "/dev/full")
	await(t, dir, "orders", 1)
	if code, _, errs := call(t, "one\n", "pub", "orders", "--shm-dir", dir); code != exitOK {
		t.Fatal(errs)
	}
	if code := p.wait(); code != exitFailed || !strings.Contains(p.errors.String(), "no space left") {
		t.Errorf("exit code %d, %q", code, p.errors.String())
	}
}

// TestJSONOrNothing: whatever is wrong, what --json leaves on the standard output is whole objects, and the reason
// is one line on the standard error, with what helps on it or below.
func TestJSONOrNothing(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][]string{{"--shm-dir", file}, {"--shm-dir", dir, "--domain", "a b"}, {"--shm-dir", dir, "--domain", "none"}, {"--bogus"}} {
		for _, args := range [][]string{{"ls"}, {"nodes"}, {"services"}, {"watch"}, {"inbox"}, {"survey", "a", "b"}, {"pub", "a"}, {"sub", "a", "--timeout", "1ms"}, {"sub", "a", "--quiet", "--timeout", "1ms"}} {
			if wrong[len(wrong)-1] == "none" && (args[0] == "watch" || args[0] == "inbox") {
				continue // they make the domain, and stay
			}
			all := append(append(args[:len(args):len(args)], "--json"), wrong...)
			code, out, errs := call(t, "", all...)
			if err := wholeObjects(out); err != nil {
				t.Errorf("%q: %v in %q", all, err, out)
			}
			if made := wrong[len(wrong)-1] == "none" && args[0] == "pub"; (code == exitOK) != made {
				t.Errorf("%q: exit code %d, %s", all, code, errs)
			}
			if strings.Count(errs, "\n") > 2 {
				t.Errorf("%q: more than a line and advice: %q", all, errs)
			}
		}
		_ = os.RemoveAll(filepath.Join(dir, "none"))
	}
}

// wholeObjects is an error where text is anything but objects of JSON.
func wholeObjects(text string) error {
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		var object map[string]any
		if err := d.Decode(&object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("no object: %w", err)
		}
	}
}

// TestAdviceOfRefusals: what nobody serves, and an address of nobody, say what shows who is there.
func TestAdviceOfRefusals(t *testing.T) {
	dir := t.TempDir()
	bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	address := bus.Address().String()
	if err := bus.Close(); err != nil {
		t.Fatal(err)
	}
	(&refusal{"no service", "", []string{"call", "none", "x", "--shm-dir", dir}, exitNobody, []string{"ringcast services", "--wait-instance"}}).check(t)
	(&refusal{"nobody", "", []string{"call", address, "x", "--shm-dir", dir}, exitNobody, []string{address, "ringcast watch"}}).check(t)
	begin := time.Now()
	if code, _, _ := call(t, "", "call", "none", "x", "--shm-dir", dir, "--wait-instance", "--timeout", "100ms"); code != exitTimeout {
		t.Errorf("waiting for an instance: exit code %d after %v", code, time.Since(begin))
	}
}
