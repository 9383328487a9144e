package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Constant is a hand-written number or text of package layout that is part
// of the format: other languages need it too.
type Constant struct {
	Name  string
	Doc   string
	Value constant.Value
}

// loadConstants evaluates the exported constants of codec/layout/constants.go.
// They may be written in terms of the generated ones, which are given as text.
func loadConstants(root string, generated map[string][]byte) ([]*Constant, error) {
	path := filepath.Join(root, "codec", "layout", "constants.go")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("constants: %w", err)
	}
	set := token.NewFileSet()
	own, err := parser.ParseFile(set, "constants.go", text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("constants: %w", err)
	}
	files := []*ast.File{own}
	for name, text := range generated {
		f, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			return nil, fmt.Errorf("constants: %w", err)
		}
		files = append(files, f)
	}
	pkg, err := new(types.Config).Check("layout", set, files, nil)
	if err != nil {
		return nil, fmt.Errorf("constants: %w", err)
	}
	return exportedConstants(own, pkg), nil
}

func exportedConstants(file *ast.File, pkg *types.Package) []*Constant {
	var list []*Constant
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			values := spec.(*ast.ValueSpec)
			doc := values.Doc.Text() + values.Comment.Text()
			if !group.Lparen.IsValid() {
				doc = group.Doc.Text()
			}
			for _, name := range values.Names {
				c, ok := pkg.Scope().Lookup(name.Name).(*types.Const)
				if ok && c.Exported() {
					list = append(list, &Constant{name.Name, strings.Join(strings.Fields(doc), " "), c.Val()})
				}
			}
		}
	}
	return list
}

// cText prints the constant as a C expression of sufficient width.
func (c *Constant) cText() (string, error) {
	switch c.Value.Kind() {
	case constant.String:
		return fmt.Sprintf("%q", constant.StringVal(c.Value)), nil
	case constant.Int:
		if v, ok := constant.Int64Val(c.Value); ok && v >= 0 && v <= 1<<31-1 {
			return fmt.Sprintf("%d", v), nil
		}
		if v, ok := constant.Uint64Val(c.Value); ok {
			return fmt.Sprintf("UINT64_C(%#x)", v), nil
		}
		if v, ok := constant.Int64Val(c.Value); ok {
			return fmt.Sprintf("(%d)", v), nil
		}
	}
	return "", fmt.Errorf("constant %s: %s has no C form", c.Name, c.Value)
}

// display prints the constant for people.
func (c *Constant) display() string {
	if c.Value.Kind() == constant.Int {
		if v, ok := constant.Uint64Val(c.Value); ok && v >= 1<<32 {
			return fmt.Sprintf("%#x", v)
		}
	}
	return c.Value.ExactString()
}
