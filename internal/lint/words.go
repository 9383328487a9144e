package lint

import (
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

// checkSkips reports tests that may leave themselves out.
func checkSkips(r repository) []finding {
	var list []finding
	for _, s := range r.goFiles() {
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if ok && slices.Contains([]string{"t", "b", "f", "tb"}, id.Name) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
				list = append(list, s.at(sel.Pos(), "a test is run or it is not there; it does not skip"))
			}
			return true
		})
	}
	return list
}

var pairMark = regexp.MustCompile(`pairs\(([a-z][a-z0-9_ -]*)\)`)

// checkPairs reports memory orders of which only one side bears the name: a
// release without its acquire, or an acquire that waits for nobody.
func checkPairs(r repository) []finding {
	var order []string
	marks := make(map[string][]finding)
	for _, s := range r {
		if !isProgram(s) {
			continue
		}
		for i, line := range strings.Split(s.text, "\n") {
			for _, m := range pairMark.FindAllStringSubmatch(line, -1) {
				if marks[m[1]] == nil {
					order = append(order, m[1])
				}
				marks[m[1]] = append(marks[m[1]], finding{s.path, i + 1, "pairs(" + m[1] + ") stands here and nowhere else"})
			}
		}
	}
	var list []finding
	for _, name := range order {
		if len(marks[name]) == 1 {
			list = append(list, marks[name]...)
		}
	}
	return list
}

// isProgram reports whether a file is code that runs outside tests.
func isProgram(s *source) bool {
	if strings.HasPrefix(s.path, "internal/lint/") || s.isTest() {
		return false
	}
	return slices.ContainsFunc([]string{".go", ".c", ".cc", ".h", ".hpp", ".java", ".py"}, func(end string) bool {
		return strings.HasSuffix(s.path, end)
	})
}

// Paths that exist on one machine only. Tests may name the folder for
// temporary files, in strings that are checked for being refused.
var (
	machinePath   = regexp.MustCompile(`(^|[^\w.*-])/(work|root|home)/|\.\./shared\b`)
	temporaryPath = regexp.MustCompile(`(^|[^\w.*-])/(tmp)/`)
)

// checkPaths reports such paths in any text.
func checkPaths(r repository) []finding {
	var list []finding
	for _, s := range r {
		for i, line := range strings.Split(s.text, "\n") {
			if machinePath.MatchString(line) || (!isTestText(s) && temporaryPath.MatchString(line)) {
				list = append(list, finding{s.path, i + 1, "names a path of one machine"})
			}
		}
	}
	return list
}

// isTestText reports whether a file of any language belongs to tests.
func isTestText(s *source) bool {
	return s.isTest() || strings.Contains(s.path, "/test/") || strings.Contains(s.path, "/tests/")
}
