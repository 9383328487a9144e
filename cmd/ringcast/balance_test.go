package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// TestBalance: the command says what takes its place, for the name that was balanced.
func TestBalance(t *testing.T) {
	code, out, _ := call(t, "", "balance", "-n", "pricing", "-b", "tcp://*:10001")
	for _, want := range []string{"Nothing to run", "ringcast script -n pricing", "doc/balance.md"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %q is not in %q", code, want, out)
		}
	}
}

// TestBalanceNeedsNoProcess: two instances of one name, each with room for one request, run two at a
// time, and one of them goes without a request lost.
func TestBalanceNeedsNoProcess(t *testing.T) {
	marks := t.TempDir()
	command := `echo > ` + marks + `/began$1; while [ ! -e ` + marks + `/go ]; do sleep 0.01; done; printf %s "$1"`
	args := []string{"--concurrency", "1", "--drain", "2m", "-s", "/bin/sh", "--", "-c", command, "sh"}
	one := serveScript(t, args...)
	two := one.another(args...)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var taken []*ringcast.Future
	for i := range 6 {
		f, err := one.bus.Go(ctx, "s", []byte(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, f)
	}
	for i := range 2 {
		until(t, "two requests do not run at a time", func() bool { _, err := os.Stat(fmt.Sprint(marks, "/began", i)); return err == nil })
	}
	two.stop()
	if err := os.WriteFile(marks+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, f := range taken {
		if r, err := f.Wait(ctx); err != nil || string(r.Payload()) != fmt.Sprint(i) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	two.end()
	one.end()
}
