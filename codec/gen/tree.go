package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A tree is what the generator writes: contents by slash path from the root.
type tree map[string][]byte

// owned are the files that nobody but the generator writes. One that is there
// and not in the tree is stale.
var owned = []string{
	"codec/fb/*.go",
	"codec/layout/*_generated.go",
	"cbindings/include/ringcast/fb/*.h",
	"cbindings/java/src/main/java/io/github/ringcast/fb/*.java",
	"cbindings/python/ringcast/fb/*.py",
}

// write brings the files under root to the tree's state. Files that are equal
// already keep their times.
func (t tree) write(root string) error {
	stale, err := t.stale(root)
	if err != nil {
		return err
	}
	for _, name := range stale {
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	for name, text := range t {
		if err := writeFile(filepath.Join(root, filepath.FromSlash(name)), text); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// check returns a *driftError if the files under root differ from the tree.
func (t tree) check(root string) error {
	stale, err := t.stale(root)
	if err != nil {
		return err
	}
	drift := &driftError{stale: stale}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		old, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			drift.missing = append(drift.missing, name)
		case err != nil:
			return err
		case !bytes.Equal(old, t[name]):
			drift.changed = append(drift.changed, name)
		}
	}
	if drift.empty() {
		return nil
	}
	return drift
}

// stale lists owned files that the tree does not have.
func (t tree) stale(root string) ([]string, error) {
	var list []string
	for _, pattern := range owned {
		dir, glob := filepath.Split(filepath.FromSlash(pattern))
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			name := filepath.ToSlash(filepath.Join(dir, e.Name()))
			if ok, _ := filepath.Match(glob, e.Name()); ok && t[name] == nil && !handWritten(name) {
				list = append(list, name)
			}
		}
	}
	return list, nil
}

// handWritten reports whether a file in an owned folder is nevertheless ours.
func handWritten(name string) bool {
	return strings.HasSuffix(name, "_test.go") || name == "codec/fb/doc.go" || name == "cbindings/python/ringcast/fb/__init__.py"
}

// A driftError tells how the files differ from what the schemas ask for.
type driftError struct{ missing, changed, stale []string }

func (e *driftError) empty() bool { return len(e.missing)+len(e.changed)+len(e.stale) == 0 }

func (e *driftError) Error() string {
	var b strings.Builder
	b.WriteString("generated files are not up to date; run make generate")
	for _, part := range []struct {
		what  string
		names []string
	}{{"missing", e.missing}, {"changed", e.changed}, {"stale", e.stale}} {
		for _, name := range part.names {
			fmt.Fprintf(&b, "\n  %s: %s", part.what, name)
		}
	}
	return b.String()
}
