package golden

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// layoutConstants evaluates package layout from its text, so that constants
// can be looked up by the names of fields.
func layoutConstants(t *testing.T) func(name string) (int, bool) {
	t.Helper()
	paths, err := filepath.Glob("../layout/*_generated.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("package layout: %d files, %v", len(paths), err)
	}
	set, files := token.NewFileSet(), []*ast.File(nil)
	for _, path := range paths {
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	pkg, err := new(types.Config).Check("layout", set, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(name string) (int, bool) {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok {
			return 0, false
		}
		v, exact := constant.Int64Val(c.Val())
		return int(v), exact
	}
}

// TestGoConstants reads every image through the constants of package layout
// alone: no offset comes from anywhere else.
func TestGoConstants(t *testing.T) {
	find := layoutConstants(t)
	for _, name := range structNames() {
		g := readGolden(t, name)
		if size, _ := find(name + "Size"); size != len(g.bytes) {
			t.Errorf("layout.%sSize = %d, want %d", name, size, len(g.bytes))
		}
		constantFields(t, g, find, name, "", 0)
	}
}

func constantFields(t *testing.T, g *golden, find func(string) (int, bool), name, prefix string, base int) {
	t.Helper()
	for _, m := range structures[name].members {
		if m.hidden {
			continue
		}
		constant := name + m.goName + "Offset"
		offset, ok := find(constant)
		if !ok {
			t.Errorf("layout.%s does not exist", constant)
			continue
		}
		path := prefix + m.name
		if m.nested != "" {
			constantFields(t, g, find, m.nested, path+".", base+offset)
			continue
		}
		if got := readAt(g.bytes, base+offset, m.size); got != g.values[path] {
			t.Errorf("layout.%s: %s = %d, want %d", constant, path, got, g.values[path])
		}
	}
}

// TestGoAccessors reads every image through flatc's accessors.
func TestGoAccessors(t *testing.T) {
	for _, name := range structNames() {
		g := readGolden(t, name)
		a := structures[name].accessor()
		a.Init(g.bytes, 0)
		var b strings.Builder
		if err := printAccessor(&b, reflect.ValueOf(a), name, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b.String() != g.text() {
			t.Errorf("%s through its accessors:\n%swant:\n%s", name, b.String(), g.text())
		}
	}
}
