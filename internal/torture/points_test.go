package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPointsOfTheSource: the list is read from the source as it is.
func TestPointsOfTheSource(t *testing.T) {
	root, err := repositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	list, err := findPoints(root)
	if err != nil {
		t.Fatal(err)
	}
	have := make(map[string]bool)
	for _, p := range list {
		have[p.name] = true
	}
	for _, name := range []string{"ring:claim", "shm:live", "torture:reading"} {
		if !have[name] {
			t.Errorf("%s is not among the %d points", name, len(list))
		}
	}
}

// TestPointsRefused: a name that is no literal cannot be listed, and is refused.
func TestPointsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.go")
	text := "package x\n\nfunc f(s string) { at(\"one\"); at(s) }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pointsOf(file, "ring", "at"); err == nil || !strings.Contains(err.Error(), "ring/x.go:3") {
		t.Errorf("got %v, want the place of the call", err)
	}
}
