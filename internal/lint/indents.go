package lint

import (
	"regexp"
	"strings"
)

var (
	definition = regexp.MustCompile(`^(\s*)(?:async\s+)?def\s+(\w+)`)
	docText    = regexp.MustCompile(`(?s)""".*?"""|'''.*?'''`)
)

// indentedBodies finds the functions of a text in Python: what stands deeper than their def.
func indentedBodies(text string) []body {
	text = docText.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", 80)) })
	var list []body
	var open []int // of list, with the outermost first
	var depths []int
	for i, line := range strings.Split(text, "\n") {
		code := strings.TrimSpace(line)
		if code == "" || strings.HasPrefix(code, "#") || code[0] == ')' || code[0] == ']' || code[0] == '}' {
			continue // ends nothing
		}
		depth := len(line) - len(strings.TrimLeft(line, " \t"))
		for len(open) > 0 && depth <= depths[len(depths)-1] {
			open, depths = open[:len(open)-1], depths[:len(depths)-1]
		}
		for _, j := range open {
			list[j].last = i + 1
		}
		if m := definition.FindStringSubmatch(line); m != nil {
			open, depths = append(open, len(list)), append(depths, depth)
			list = append(list, body{m[2], i + 1, i + 1})
		}
	}
	return list
}
