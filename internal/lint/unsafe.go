package lint

import (
	"go/ast"
	"regexp"
	"strings"
)

// checkUnsafe reports unsafe outside the files that say so in their name.
func checkUnsafe(r repository) []finding {
	var list []finding
	for _, s := range r.goFiles() {
		base := strings.TrimSuffix(s.path, "_test.go")
		base = strings.TrimSuffix(base, ".go")
		if strings.HasSuffix(base, "_unsafe") {
			continue
		}
		for _, spec := range s.file.Imports {
			if spec.Path.Value == `"unsafe"` {
				list = append(list, s.at(spec.Pos(), "unsafe is for files named *_unsafe.go"))
			}
		}
	}
	return list
}

var rawAtomic = regexp.MustCompile(`^(Load|Store|Add|Swap|CompareAndSwap|And|Or)(Int32|Int64|Uint32|Uint64|Uintptr|Pointer)$`)

// checkAtomics reports functions of sync/atomic that take an address: the same
// word could be read without them elsewhere, and no type would tell.
func checkAtomics(r repository) []finding {
	var list []finding
	for _, s := range r.goFiles() {
		name := importName(s, `"sync/atomic"`, "atomic")
		if name == "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == name && rawAtomic.MatchString(sel.Sel.Name) {
				list = append(list, s.at(sel.Pos(), "%s.%s: use the typed atomics", name, sel.Sel.Name))
			}
			return true
		})
	}
	return list
}

// importName returns how the file calls an import, "" if it has none.
func importName(s *source, quoted, otherwise string) string {
	for _, spec := range s.file.Imports {
		if spec.Path.Value != quoted {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return otherwise
	}
	return ""
}
