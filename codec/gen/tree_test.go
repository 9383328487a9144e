package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, root, name, text string) {
	t.Helper()
	if err := writeFile(filepath.Join(root, name), []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestCheckTellsWhatDiffers(t *testing.T) {
	root := t.TempDir()
	want := tree{"codec/fb/A.go": []byte("a"), "codec/fb/B.go": []byte("b"), "spec/layout.md": []byte("s")}
	put(t, root, "codec/fb/A.go", "a")
	put(t, root, "codec/fb/B.go", "other")
	put(t, root, "codec/fb/Gone.go", "g")
	put(t, root, "codec/fb/doc.go", "written by hand")
	put(t, root, "codec/fb/fb_test.go", "written by hand")

	var drift *driftError
	if err := want.check(root); !errors.As(err, &drift) {
		t.Fatalf("check = %v, want a driftError", err)
	}
	text := drift.Error()
	for _, line := range []string{"missing: spec/layout.md", "changed: codec/fb/B.go", "stale: codec/fb/Gone.go"} {
		if !strings.Contains(text, line) {
			t.Errorf("%q lacks %q", text, line)
		}
	}
	if strings.Contains(text, "doc.go") || strings.Contains(text, "A.go") {
		t.Errorf("%q names files that are in order", text)
	}
}

func TestWriteMakesCheckPass(t *testing.T) {
	root := t.TempDir()
	want := tree{"codec/fb/A.go": []byte("a"), "spec/layout.md": []byte("s")}
	put(t, root, "codec/fb/Gone.go", "g")
	put(t, root, "codec/fb/doc.go", "written by hand")
	if err := want.write(root); err != nil {
		t.Fatal(err)
	}
	if err := want.check(root); err != nil {
		t.Errorf("check after write: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "codec/fb/Gone.go")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale file: %v, want it gone", err)
	}
	if _, err := os.Stat(filepath.Join(root, "codec/fb/doc.go")); err != nil {
		t.Errorf("the file written by hand: %v", err)
	}
}
