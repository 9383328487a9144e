package flatjson

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// A text is JSON that was found valid. Places in it are indices.
type text []byte

// checkText says what is wrong with JSON.
func checkText(b []byte) string {
	if !utf8.Valid(b) {
		return "the JSON is not UTF-8"
	}
	if json.Valid(b) {
		return ""
	}
	var any json.RawMessage
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&any); err != nil {
		return "not JSON: " + err.Error()
	}
	return "more than one JSON value"
}

// space returns the place of the next letter that is none.
func (t text) space(at int) int {
	for at < len(t) && (t[at] == ' ' || t[at] == '\t' || t[at] == '\n' || t[at] == '\r') {
		at++
	}
	return at
}

// quote returns the place behind the string that begins at a place.
func (t text) quote(at int) int {
	for at++; t[at] != '"'; at++ {
		if t[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// end returns the place behind the value that begins at a place.
func (t text) end(at int) int {
	depth := 0
	for at < len(t) {
		switch t[at] {
		case '"':
			at = t.quote(at) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return at
			}
		}
		at++
		if depth == 0 && (t[at-1] == '"' || t[at-1] == '}' || t[at-1] == ']') {
			return at
		}
	}
	return at
}

// null reports whether the value is null.
func (t text) null(at int) bool { return t[at] == 'n' }

// token is the value as it is written.
func (t text) token(at int) []byte { return t[at:t.end(at)] }

// string is the text of the string at a place.
func (t text) string(at int) []byte {
	raw := t[at:t.quote(at)]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil // it is valid
	}
	return []byte(s)
}

// members goes over an object, until each says that it has enough.
func (t text) members(at int, each func(name []byte, value int) bool) {
	for at = t.space(at + 1); t[at] == '"'; at = t.space(at + 1) {
		name := t.string(at)
		value := t.space(t.space(t.quote(at)) + 1) // behind the colon
		if !each(name, value) {
			return
		}
		if at = t.space(t.end(value)); t[at] != ',' {
			return
		}
	}
}

// elements goes over an array, until each says that it has enough.
func (t text) elements(at int, each func(i, value int) bool) {
	at = t.space(at + 1)
	for i := 0; t[at] != ']'; i++ {
		if !each(i, at) {
			return
		}
		if at = t.space(t.end(at)); t[at] == ',' {
			at = t.space(at + 1)
		}
	}
}

// what names the sort of the value at a place.
func (t text) what(at int) string {
	switch t[at] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "null"
	}
	return "a number"
}
