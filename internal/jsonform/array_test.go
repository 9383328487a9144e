package jsonform

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseArray(t *testing.T) {
	list, err := ParseArray([]byte(` ["a \u00e9\n", 1.50, null, {"x": [1, 2]}, true, ""] `))
	if got, want := fmt.Sprintf("%q", list), `["a é\n" "1.50" "null" "{\"x\":[1,2]}" "true" ""]`; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
	if list, err = ParseArray([]byte("[]")); err != nil || list == nil || len(list) != 0 {
		t.Errorf("an empty array: %q, %v", list, err)
	}
	for text, want := range map[string]string{"": "end of JSON", "[1": "end of JSON", `{"a":1}`: "type object", "7": "type number", "null": "it is null", `["a"] x`: "after"} {
		if list, err := ParseArray([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Go value") {
			t.Errorf("%q: %q, %v, want %q", text, list, err, want)
		}
	}
}
