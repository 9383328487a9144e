package forward

import (
	"os"
	"strings"
	"testing"
)

// TestFiguresAreDocumented: the guide has a row for every figure of a report.
func TestFiguresAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../doc/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for line := range strings.Lines(string(text)) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		part := ""
		for _, name := range strings.Split(cell, ", ") {
			if before, _, whole := strings.Cut(name, "."); whole {
				part = before + "."
			} else {
				name = part + name
			}
			listed[name] = true
		}
	}
	n := newNode(t, "a")
	n.start(nil)
	for _, row := range n.f.Stats() {
		family := row.Label[:strings.LastIndex(row.Label, "_")+1] + "*"
		if !listed[row.Label] && !listed[family] {
			t.Errorf("doc/operations.md has no row for %s", row.Label)
		}
	}
}
