package main

import (
	"regexp"
	"strings"
)

// remarks are the parts of a .fbs text that the binary schema does not keep:
// the first paragraph of the comment that opens the file, the order of its declarations, and the //
// comment at the end of a member's line.
type remarks struct {
	opening string
	order   []string
	byName  map[string]string // "Struct.field" -> comment
}

var (
	quoted      = regexp.MustCompile(`"[^"]*"`)
	brackets    = regexp.MustCompile(`\([^)]*\)`)
	declaration = regexp.MustCompile(`^\s*(?:struct|enum|table)\s+(\w+)`)
	member      = regexp.MustCompile(`(\w+)\s*[:=]`)
)

// scanRemarks reads the text line by line. It relies on the form that flatc
// has accepted already; it needs no grammar, since a member's line is inside
// the braces of the declaration last seen.
func scanRemarks(text string) *remarks {
	r := &remarks{byName: make(map[string]string)}
	owner, opening := "", true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if opening && strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "///") && line != "//" {
			r.opening = joinText(r.opening, strings.TrimSpace(line[2:]))
			continue
		}
		opening = false
		owner = r.line(owner, line)
	}
	return r
}

// line takes one line of declarations and returns the declaration it is in.
func (r *remarks) line(owner, line string) string {
	code, comment := splitComment(line)
	code = brackets.ReplaceAllString(code, "")
	if m := declaration.FindStringSubmatch(code); m != nil {
		owner = m[1]
		r.order = append(r.order, owner)
		_, code, _ = strings.Cut(code, "{")
	}
	if owner == "" || comment == "" {
		return owner
	}
	for _, m := range member.FindAllStringSubmatch(code, -1) {
		r.byName[owner+"."+m[1]] = comment
	}
	return owner
}

// splitComment parts a line into code, its strings emptied, and the text of
// its trailing // comment. Documentation (///) is not a trailing comment.
func splitComment(line string) (code, comment string) {
	code = quoted.ReplaceAllStringFunc(line, func(s string) string {
		return `"` + strings.Repeat("_", len(s)-2) + `"`
	})
	at := strings.Index(code, "//")
	if at < 0 || strings.HasPrefix(code[at:], "///") {
		return code, ""
	}
	return code[:at], strings.TrimSpace(line[at+2:])
}

func (r *remarks) of(owner, name string) string { return r.byName[owner+"."+name] }

// place returns the position of a declaration in the text.
func (r *remarks) place(name string) int {
	for i, n := range r.order {
		if n == name {
			return i
		}
	}
	return len(r.order)
}
