package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuideToGo runs the program that stands in the guide, as it stands there.
func TestGuideToGo(t *testing.T) {
	guide, err := os.ReadFile("../doc/go.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "```go\npackage main\n")
	program, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("no program in doc/go.md")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte("package main\n"+program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := output(t, command(t, t.TempDir(), "go", "run", file)); out != "tea.green: two cups\n" {
		t.Errorf("the program printed %q", out)
	}
}
