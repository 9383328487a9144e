package lint

import (
	"go/ast"
	"slices"
	"strings"
)

// singleList begins the line of the Makefile that names the packages which `make test` does not run
// under the race detector.
const singleList = "SINGLE := "

// checkSingle reports what could run at once in a package that the race detector does not look
// at: a goroutine, what only goroutines need, unsafe, or a package of ours that the detector looks at.
func checkSingle(r repository) []finding {
	single := singles(r)
	var list []finding
	for _, s := range r {
		if s.file == nil || !slices.Contains(single, s.pkg()) {
			continue
		}
		for _, spec := range s.file.Imports {
			to, ours := ownPackage(spec.Path.Value)
			path := strings.Trim(spec.Path.Value, `"`)
			if ours && !slices.Contains(single, to) || path == "unsafe" || path == "sync" || path == "sync/atomic" {
				list = append(list, s.at(spec.Pos(), "%s: the race detector does not look at this package (SINGLE in Makefile)", path))
			}
		}
		list = append(list, manyAtOnce(s)...)
	}
	return list
}

// singles are the packages of the Makefile's list.
func singles(r repository) []string {
	for _, s := range r {
		if s.path != "Makefile" {
			continue
		}
		for line := range strings.Lines(s.text) {
			if names, ok := strings.CutPrefix(line, singleList); ok {
				return strings.Fields(names)
			}
		}
	}
	return nil
}

// starters are the methods and functions by which others' goroutines run what they are given.
var starters = []string{"Go", "Parallel", "RunParallel", "AfterFunc", "AddCleanup", "SetFinalizer"}

// manyAtOnce reports the places of a file from which something else runs beside it.
func manyAtOnce(s *source) []finding {
	var list []finding
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			list = append(list, s.at(n.Pos(), "a goroutine: the race detector does not look at this package (SINGLE in Makefile)"))
		case *ast.SelectorExpr:
			if slices.Contains(starters, n.Sel.Name) {
				list = append(list, s.at(n.Pos(), "%s: the race detector does not look at this package (SINGLE in Makefile)", n.Sel.Name))
			}
		}
		return true
	})
	return list
}
