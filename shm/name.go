package shm

import (
	"fmt"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
)

// ValidName says whether a name of a topic, a service or a domain is well
// formed: tokens of A-Z a-z 0-9 _ - between dots, none empty, 200 bytes at
// most, so that it is a file name. A leading $ marks names of the system. The
// error is [ErrBadName] with the reason.
func ValidName(name string) error {
	if reason := nameFault(name, false); reason != "" {
		return fmt.Errorf("name %q: %w: %s", clip(name), ErrBadName, reason)
	}
	return nil
}

// ValidPattern says whether a pattern is well formed: a name in which a token
// may be * (any one token), and the last one > (one token or more).
func ValidPattern(pattern string) error {
	if reason := nameFault(pattern, true); reason != "" {
		return fmt.Errorf("pattern %q: %w: %s", clip(pattern), ErrBadName, reason)
	}
	return nil
}

// IsPattern reports whether the text has a wildcard in it, so that it can't be a name.
func IsPattern(text string) bool { return strings.ContainsAny(text, "*>") }

// IsSystemName reports whether the name is one of the system's own.
func IsSystemName(name string) bool { return strings.HasPrefix(name, "$") }

// Match reports whether the name fits the pattern: * stands for one token, > at
// the end for one or more. Wildcards do not reach names of the system: their
// first token must be spelled out. It does not allocate.
func Match(pattern, name string) bool {
	if IsSystemName(name) && !IsSystemName(pattern) {
		return false
	}
	for {
		p, restP, moreP := strings.Cut(pattern, ".")
		n, restN, moreN := strings.Cut(name, ".")
		if p == ">" && !moreP {
			return n != ""
		}
		if p != n && (p != "*" || n == "") {
			return false
		}
		if !moreP || !moreN {
			return moreP == moreN
		}
		pattern, name = restP, restN
	}
}

// nameFault returns what is wrong with a name, or a pattern, or "".
func nameFault(text string, wild bool) string {
	if text == "" {
		return "empty"
	}
	if len(text) > layout.MaxName {
		return fmt.Sprintf("%d bytes, at most %d are allowed", len(text), layout.MaxName)
	}
	rest, system := strings.CutPrefix(text, "$")
	for more := true; more; system = false {
		var token string
		token, rest, more = strings.Cut(rest, ".")
		if wild && !system && (token == "*" || token == ">" && !more) {
			continue
		}
		if reason := tokenFault(token, wild); reason != "" {
			return reason
		}
	}
	return ""
}

func tokenFault(token string, wild bool) string {
	if token == "" {
		return "an empty token"
	}
	for _, c := range token {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		case wild && c == '>' && token == ">":
			return "> before the end"
		default:
			return fmt.Sprintf("the character %q", c)
		}
	}
	return ""
}

// clip keeps what a stranger calls a name from filling the log.
func clip(s string) string {
	if len(s) <= layout.MaxName {
		return s
	}
	return s[:layout.MaxName] + "..."
}
