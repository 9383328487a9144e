package bench

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// TestMain lets the test's own program be the processes of a run.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "bench-child" {
		if err := Child(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// options lead back to this program.
func options(t *testing.T) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Options{Child: []string{self, "bench-child"}}
}
