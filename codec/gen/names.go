package main

import "strings"

// pascal turns snake_case into PascalCase, as flatc does for Go: every part
// begins with a capital and no abbreviation is spelled in capitals.
func pascal(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// snake turns PascalCase into snake_case; digits stay with the word before.
func snake(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 && name[i-1] != '_' && !upperAt(name, i-1) {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

func upperAt(s string, i int) bool { return s[i] >= 'A' && s[i] <= 'Z' }

// macro turns any name into UPPER_SNAKE_CASE.
func macro(name string) string { return strings.ToUpper(snake(name)) }
