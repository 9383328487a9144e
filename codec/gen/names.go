package main

import (
	"slices"
	"strings"
)

// cKeywords are the words that a field may well be called and a C or C++
// compiler takes for its own. flatc puts an underscore behind them, and so do
// we.
var cKeywords = []string{
	"auto", "bool", "break", "case", "catch", "char", "class", "const", "continue", "default", "delete", "do",
	"double", "else", "enum", "explicit", "export", "extern", "final", "float", "for", "friend", "goto", "if",
	"inline", "int", "long", "namespace", "new", "operator", "private", "protected", "public", "register",
	"return", "short", "signed", "sizeof", "static", "struct", "switch", "template", "this", "throw", "try",
	"typedef", "union", "unsigned", "using", "virtual", "void", "volatile", "while",
}

// cName is the field's name in C and C++.
func (f *Field) cName() string {
	if slices.Contains(cKeywords, f.Name) {
		return f.Name + "_"
	}
	return f.Name
}

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

// snake turns PascalCase into snake_case; digits stay with the word before and
// a run of capitals is one word.
func snake(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if i > 0 && wordBegins(name, i) {
			b.WriteByte('_')
		}
		b.WriteByte(name[i])
	}
	return strings.ToLower(b.String())
}

// wordBegins reports whether a new word of a PascalCase name begins at i > 0.
func wordBegins(name string, i int) bool {
	if !capitalAt(name, i) || name[i-1] == '_' {
		return false
	}
	nextIsSmall := i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'
	return !capitalAt(name, i-1) || nextIsSmall
}

func capitalAt(s string, i int) bool { return s[i] >= 'A' && s[i] <= 'Z' }

// macro turns any name into UPPER_SNAKE_CASE.
func macro(name string) string { return strings.ToUpper(snake(name)) }
