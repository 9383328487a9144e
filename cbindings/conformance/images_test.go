package main

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompareImages: a field that is read otherwise, one too few and a struct that is left out are told.
func TestCompareImages(t *testing.T) {
	want, err := imagesWritten(filepath.Join("..", "..", imagesFolder))
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(want))
	textOf := func(names []string) string {
		var lines []string
		for _, name := range names {
			lines = append(lines, want[name]...)
		}
		return strings.Join(lines, "\n")
	}
	right, part := textOf(names), textOf(names[1:])
	for what, c := range map[string]struct {
		text string
		some bool
		good bool
	}{
		"all":                     {right, false, true},
		"one struct less":         {part, false, false},
		"one less, and may be":    {part, true, true},
		"nearly none":             {textOf(names[:3]), true, false},
		"another value":           {strings.Replace(right, want[names[4]][0], want[names[4]][0]+"1", 1), true, false},
		"a line less":             {strings.Replace(right, want["Address"][1]+"\n", "", 1), true, false},
		"a struct nobody knows":   {right + "\nNobody.knows 1", false, false},
		"nothing but a complaint": {"Address: no such file", true, false},
	} {
		if err := compareImages(want, c.text, c.some); (err == nil) != c.good {
			t.Errorf("%s: error %v, want one: %v", what, err, !c.good)
		}
	}
}
