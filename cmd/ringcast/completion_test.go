package main

import (
	"context"
	"strings"
	"testing"

	"github.com/ringcast/ringcast"
)

// TestCompletion: each shell gets its script, and is offered the names that are there.
func TestCompletion(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -o default -F __start_ringcast ringcast", "zsh": "#compdef ringcast", "fish": "complete -c ringcast"} {
		if code, out, errs := call(t, "", "completion", shell); code != exitOK || !strings.Contains(out, want) || errs != "" {
			t.Errorf("%s: exit code %d, %q lacks %q: %s", shell, code, out, want, errs)
		}
	}
	dir := t.TempDir()
	bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	pub, err := bus.Publisher("orders.eu", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer pub.Close()
	if _, err := bus.Serve("upper", func(context.Context, *ringcast.Request) error { return nil }, nil); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]string{"sub": "orders.eu\n:4\n", "pub": "orders.eu\n:4\n", "call": "upper\n:4\n"} {
		if _, out, _ := call(t, "", "__complete", command, "--shm-dir", dir, ""); out != want {
			t.Errorf("%s: offered %q, want %q", command, out, want)
		}
	}
	if _, out, _ := call(t, "", "__complete", "sub", "--shm-dir", dir, "--domain", "none", ""); out != ":4\n" {
		t.Errorf("of a domain that is not there: offered %q", out)
	}
}
