package lint

import (
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

// checkLengths reports functions and files that are too long.
func checkLengths(r repository) []finding {
	var list []finding
	for _, s := range r.goFiles() {
		if n := s.lines(); n > maxFileLines {
			list = append(list, s.at(s.file.FileStart, "%d lines, at most %d", n, maxFileLines))
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
			if n > maxFunctionLines {
				list = append(list, s.at(f.Pos(), "%s has %d lines, at most %d", f.Name.Name, n, maxFunctionLines))
			}
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
