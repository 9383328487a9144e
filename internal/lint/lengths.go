package lint

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
)

// Limits of what one can read at once; the aim is far below them.
const (
	maxFunctionLines = 70
	maxFileLines     = 500
)

// checkLengths reports functions and files that are too long, in any language.
func checkLengths(r repository) []finding {
	var list []finding
	for _, s := range r {
		if s.isGenerated() || !s.hasFunctions() {
			continue
		}
		if n := s.lines(); n > maxFileLines {
			list = append(list, finding{s.path, 1, fmt.Sprintf("%d lines, at most %d", n, maxFileLines)})
		}
		for _, f := range s.bodies() {
			if n := f.last - f.first + 1; n > maxFunctionLines {
				list = append(list, finding{s.path, f.first, fmt.Sprintf("%s has %d lines, at most %d", f.name, n, maxFunctionLines)})
			}
		}
	}
	return list
}

// hasFunctions reports whether the file is code.
func (s *source) hasFunctions() bool {
	return s.file != nil || slices.Contains([]string{".py", ".sh"}, path.Ext(s.path)) || slices.Contains(braceEnds, path.Ext(s.path))
}

// bodies are the functions of the file; of shell scripts none.
func (s *source) bodies() []body {
	switch {
	case s.file != nil:
		return s.goBodies()
	case path.Ext(s.path) == ".py":
		return indentedBodies(s.text)
	case slices.Contains(braceEnds, path.Ext(s.path)):
		return bracedBodies(s.text)
	}
	return nil
}

func (s *source) goBodies() []body {
	var list []body
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			list = append(list, body{f.Name.Name, s.set.Position(f.Pos()).Line, s.set.Position(f.End()).Line})
		}
	}
	return list
}

// emptyNames are file names that say nothing about a role.
var emptyNames = []string{"util", "utils", "types", "manager", "helper", "helpers", "misc", "common", "base"}

// checkNames reports files that are named for no role.
func checkNames(r repository) []finding {
	var list []finding
	for _, s := range r.goFiles() {
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		if slices.Contains(emptyNames, name) {
			list = append(list, s.at(s.file.FileStart, "name the file for the one role it has"))
		}
	}
	return list
}
