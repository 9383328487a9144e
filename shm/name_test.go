package shm

import (
	"errors"
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	long := strings.Repeat("a", 200)
	for _, name := range []string{"a", "orders.eu", "A-Z_0.9", "$sys", "$sys.log", long, "-", "_"} {
		if err := ValidName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, reason := range map[string]string{
		"": "empty", ".": "empty token", "..": "empty token", "a..b": "empty token", ".a": "empty token", "a.": "empty token",
		"$": "empty token", "$.a": "empty token", "a$": `'$'`, "a/b": `'/'`, "a b": `' '`, "ä": "the character 'ä'", "a\x00": "the character '\\x00'",
		"orders.*": `'*'`, ">": `'>'`, long + "a": "201 bytes",
	} {
		err := ValidName(name)
		if !errors.Is(err, ErrBadName) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, want %s", name, err, reason)
		}
	}
}

func TestValidPattern(t *testing.T) {
	for _, p := range []string{"a", "*", ">", "*.*", "orders.*.eu", "orders.>", "$sys.>", "*.>"} {
		if err := ValidPattern(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for _, p := range []string{"", "a.>.b", ">.a", "a*", "a.*b", "a.b>", "**", ">>", "a..*", "$*", "$>", "$"} {
		if err := ValidPattern(p); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

var matches = []struct {
	pattern, name string
	want          bool
}{
	{"orders.eu", "orders.eu", true},
	{"orders.eu", "orders.us", false},
	{"orders.eu", "orders", false},
	{"orders", "orders.eu", false},
	{"orders.*", "orders.eu", true},
	{"orders.*", "orders", false},
	{"orders.*", "orders.eu.paris", false},
	{"orders.*.paris", "orders.eu.paris", true},
	{"*", "orders", true},
	{"*", "orders.eu", false},
	{"*.*", "orders.eu", true},
	{">", "orders", true},
	{">", "orders.eu.paris", true},
	{"orders.>", "orders.eu.paris", true},
	{"orders.>", "orders", false},
	{"*.>", "orders.eu", true},
	{">", "$sys.log", false},
	{"*.log", "$sys.log", false},
	{"$sys.>", "$sys.log", true},
	{"$sys.*", "$sys.log", true},
	{"*", "", false},
	{">", "", false},
}

func TestMatch(t *testing.T) {
	for _, c := range matches {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { Match("orders.*.paris", "orders.eu.paris") }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}

// slowMatch says the same by lists of tokens.
func slowMatch(pattern, name string) bool {
	p, n := strings.Split(pattern, "."), strings.Split(name, ".")
	if IsSystemName(name) && !IsSystemName(pattern) {
		return false
	}
	for i, token := range p {
		if token == ">" {
			return len(n) > i
		}
		if i >= len(n) || token != "*" && token != n[i] {
			return false
		}
	}
	return len(p) == len(n)
}

func FuzzMatch(f *testing.F) {
	for _, c := range matches {
		f.Add(c.pattern, c.name)
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if ValidPattern(pattern) != nil || ValidName(name) != nil {
			return
		}
		if got, want := Match(pattern, name), slowMatch(pattern, name); got != want {
			t.Errorf("Match(%q, %q) = %v, want %v", pattern, name, got, want)
		}
		if strings.ContainsAny(name, "/\x00") || len(name) > 200 || name == "." || name == ".." {
			t.Errorf("%q is no file name", name)
		}
	})
}
