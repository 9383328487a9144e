package lint

import (
	"regexp"
	"strings"
)

// A body is a function, of whatever language.
type body struct {
	name        string
	first, last int // lines, from 1 on
}

// braceEnds are the languages whose functions stand in braces.
var braceEnds = []string{".c", ".cc", ".h", ".hpp", ".java", ".rs"}

// bracedBodies finds the functions of a text whose blocks stand in braces: blocks whose head has
// parentheses and is no statement's. One within another belongs to the outer one.
func bracedBodies(text string) []body {
	var list []body
	var head strings.Builder // since the last ; { or }
	line, begin, depth, function := 1, 0, 0, -1
	for _, c := range blank(text) {
		switch c {
		case '\n':
			line++
			head.WriteByte(' ')
		case '{':
			if name := functionName(head.String()); function < 0 && name != "" {
				function = depth
				list = append(list, body{name, begin, 0})
			}
			depth++
			head.Reset()
		case '}':
			if depth--; depth == function {
				list[len(list)-1].last = line
				function = -1
			}
			head.Reset()
		case ';':
			head.Reset()
		default:
			if strings.TrimSpace(head.String()) == "" && c != ' ' && c != '\t' {
				begin = line
				head.Reset()
			}
			head.WriteByte(c)
		}
	}
	return list
}

var (
	nameBefore = regexp.MustCompile(`([A-Za-z_~][A-Za-z0-9_]*)\s*(?:<[^()]*>)?\s*\(`)
	statements = regexp.MustCompile(`^\s*(?:\}?\s*else\b|if|for|while|switch|do|try|catch|synchronized|match|loop|return|namespace|extern|struct|union|enum|typedef|impl|mod|trait|class|interface|record)\b|[=,]\s*$|\bnew\b`)
	ofRust     = regexp.MustCompile(`\bfn\s+([a-z_0-9]+)`)
	isClass    = regexp.MustCompile(`\b(?:class|interface|enum|record)\s+[A-Za-z]`)
)

// functionName is the name of the function that the head begins; "" if it begins none.
func functionName(head string) string {
	if m := ofRust.FindStringSubmatch(head); m != nil {
		return m[1]
	}
	if statements.MatchString(head) && !strings.HasPrefix(strings.TrimSpace(head), "struct ") || isClass.MatchString(head) {
		return ""
	}
	if m := nameBefore.FindStringSubmatch(head); m != nil {
		return m[1]
	}
	return ""
}

// hidden is what holds braces that are none: comments, lines of the preprocessor, text blocks,
// strings, and characters (a lifetime of Rust is no character).
var hidden = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*|(?m:^[ \t]*#(?:[^\n\\]|\\.)*)|"""(?:[^\\]|\\.)*?"""|r#".*?"#|"(?:[^"\\]|\\.)*"|'(?:[^'\\\n]|\\[^\n]{1,8})'`)

// blank is the text with all that is hidden taken out but its lines.
func blank(text string) []byte {
	return hidden.ReplaceAllFunc([]byte(text), func(b []byte) []byte {
		return []byte(strings.Repeat("\n", strings.Count(string(b), "\n")))
	})
}
