package jsonform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ParseArray reads a JSON array as a list of byte strings: strings as they are, anything else
// as its JSON text.
func ParseArray(text []byte) ([][]byte, error) {
	var list []json.RawMessage
	err := json.Unmarshal(text, &list)
	var other *json.UnmarshalTypeError
	switch {
	case errors.As(err, &other):
		return nil, fmt.Errorf("it is of type %s", other.Value)
	case err != nil:
		return nil, err
	case list == nil:
		return nil, errors.New("it is null")
	}
	fields := make([][]byte, 0, len(list))
	for _, one := range list {
		field, err := parseElement(one)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field)
	}
	return fields, nil
}

func parseElement(text json.RawMessage) ([]byte, error) {
	if text[0] == '"' {
		var s string
		err := json.Unmarshal(text, &s)
		return []byte(s), err
	}
	var b bytes.Buffer
	err := json.Compact(&b, text)
	return b.Bytes(), err
}
