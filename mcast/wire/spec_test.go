package wire

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The examples of spec/wire.md are the golden frames, one for each.
func TestExamplesOfTheSpecification(t *testing.T) {
	text, err := os.ReadFile("../../spec/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]string{}
	for _, m := range regexp.MustCompile("(?s)```hex ([\\w-]+)\n(.*?)```").FindAllSubmatch(text, -1) {
		examples[string(m[1])] = string(m[2])
	}
	golden, err := filepath.Glob("testdata/*.hex")
	if err != nil || len(golden) < 10 || len(golden) != len(examples) {
		t.Fatalf("%d golden frames, %d examples, %v", len(golden), len(examples), err)
	}
	for _, file := range golden {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".hex")
		if examples[name] != string(want) {
			t.Errorf("%s: the specification has\n%s\nthe golden frame is\n%s", name, examples[name], want)
		}
	}
}
