package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// namers says which function names an instant in which package.
var namers = []struct{ dir, function string }{
	{"ring", "at"},
	{"shm", "step"},
	{"internal/torture", "mark"},
}

// A point is a named instant of the source: "ring:claim".
type point struct {
	name  string
	place string // file:line
}

// findPoints lists the named points of the source, so that none can be forgotten
// here. A name that stands twice, or is no literal, is an error.
func findPoints(root string) ([]point, error) {
	var list []point
	seen := make(map[string]string)
	for _, n := range namers {
		files, err := filepath.Glob(filepath.Join(root, n.dir, "*.go"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("no source in %s (run in the root of the repository): %w", filepath.Join(root, n.dir), os.ErrNotExist)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			found, err := pointsOf(file, n.dir, n.function)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				if other, twice := seen[p.name]; twice {
					return nil, fmt.Errorf("point %q is named at %s and at %s: give each instant its own name", p.name, other, p.place)
				}
				seen[p.name] = p.place
				list = append(list, p)
			}
		}
	}
	if len(list) > maxPoints {
		return nil, fmt.Errorf("%d named points, the board has room for %d: raise maxPoints", len(list), maxPoints)
	}
	return list, nil
}

// pointsOf lists the points of one file.
func pointsOf(file, dir, function string) (list []point, err error) {
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if id, ok := call.Fun.(*ast.Ident); !ok || id.Name != function || len(call.Args) != 1 {
			return true
		}
		place := fmt.Sprintf("%s/%s:%d", dir, filepath.Base(file), set.Position(call.Pos()).Line)
		lit, ok := call.Args[0].(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			err = fmt.Errorf("%s: the name of a point must be a literal", place)
			return false
		}
		text, _ := strconv.Unquote(lit.Value)
		list = append(list, point{dir[strings.LastIndexByte(dir, '/')+1:] + ":" + text, place})
		return true
	})
	return list, err
}

// writePoints leaves the names for the children, in their order on the board.
func writePoints(base string, list []point) error {
	var b strings.Builder
	for _, p := range list {
		b.WriteString(p.name + "\n")
	}
	return os.WriteFile(filepath.Join(base, "points"), []byte(b.String()), 0o600)
}

// repositoryRoot is the folder of go.mod, above the current one.
func repositoryRoot() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, statErr := os.Stat(filepath.Join(dir, "go.mod")); statErr == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod above: run in the repository: %w", os.ErrNotExist)
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}
