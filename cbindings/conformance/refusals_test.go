package main

import (
	"os"
	"strings"
	"testing"
)

// TestErrorsAreListed: doc/errors.md has a row for each refusal, in the same order and with the
// same word, and no other in its first table.
func TestErrorsAreListed(t *testing.T) {
	text, err := os.ReadFile("../../doc/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []refusal
	for line := range strings.Lines(string(text)) {
		if name, rest, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`"); ok && strings.HasPrefix(line, "| `") {
			rows = append(rows, refusal{name, strings.TrimSpace(strings.Split(rest, "|")[1])})
		}
	}
	if len(rows) != len(refusals) {
		t.Fatalf("doc/errors.md has %d rows, want %d", len(rows), len(refusals))
	}
	for i, r := range refusals {
		if rows[i] != r {
			t.Errorf("row %d of doc/errors.md is %v, want %v", i+1, rows[i], r)
		}
	}
}

// TestGoProvokesAll: the peer in Go has a provocation for each.
func TestGoProvokesAll(t *testing.T) {
	for i, r := range refusals {
		if i >= len(provocations) || provocations[i].what != r.what {
			t.Fatalf("provocation %d is not %q", i+1, r.what)
		}
	}
}
