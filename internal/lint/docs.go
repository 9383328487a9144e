package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// checkDocs reports packages without a package comment, and exported names
// without a doc comment outside cmd and internal.
func checkDocs(r repository) []finding {
	var list []finding
	first, documented := make(map[string]*source), make(map[string]bool)
	for _, s := range r.goFiles() {
		if s.isTest() {
			continue
		}
		if first[s.pkg()] == nil {
			first[s.pkg()] = s
		}
		documented[s.pkg()] = documented[s.pkg()] || s.file.Doc != nil
		if !strings.HasPrefix(s.path, "internal/") && !strings.HasPrefix(s.path, "cmd/") {
			list = append(list, exportedWithoutDoc(s)...)
		}
	}
	for pkg, s := range first {
		if !documented[pkg] {
			list = append(list, s.at(s.file.Package, "package %s has no package comment", pkg))
		}
	}
	return list
}

func exportedWithoutDoc(s *source) []finding {
	var list []finding
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Doc == nil && d.Name.IsExported() && receiverExported(d) && !wellKnown(d) {
				list = append(list, s.at(d.Pos(), "%s has no doc comment", d.Name.Name))
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				list = append(list, specWithoutDoc(s, d, spec)...)
			}
		}
	}
	return list
}

// wellKnown reports whether everybody knows what the method does: it belongs
// to an interface of the language or of fmt, errors or sort.
func wellKnown(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap", "Is", "Len", "Less", "Swap"}, d.Name.Name)
}

// receiverExported reports whether a function, or the type whose method it is,
// can be seen from outside.
func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// specWithoutDoc looks at one type, or at the names of one line of constants
// or variables; these may also be documented by their group or behind them.
func specWithoutDoc(s *source, d *ast.GenDecl, spec ast.Spec) []finding {
	var list []finding
	switch x := spec.(type) {
	case *ast.TypeSpec:
		if x.Name.IsExported() && x.Doc == nil && (d.Doc == nil || d.Lparen != token.NoPos) {
			list = append(list, s.at(x.Pos(), "%s has no doc comment", x.Name.Name))
		}
	case *ast.ValueSpec:
		if x.Doc != nil || x.Comment != nil || d.Doc != nil {
			return nil
		}
		for _, name := range x.Names {
			if name.IsExported() {
				list = append(list, s.at(name.Pos(), "%s has no doc comment", name.Name))
			}
		}
	}
	return list
}
