package jsonform

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/flatjson"
)

// ContentName is the word for a payload's content.
func ContentName(content uint8) string {
	switch content {
	case ringcast.ContentRaw:
		return "raw"
	case ringcast.ContentFields:
		return "fields"
	case ringcast.ContentFlatBuffer:
		return "flatbuffer"
	}
	return "content " + strconv.Itoa(int(content))
}

// AppendString appends text as a JSON string, in which a script can't end either.
func AppendString(out, text []byte) []byte {
	b, err := json.Marshal(string(text))
	if err != nil {
		panic(err) // a string
	}
	return append(out, b...)
}

// AppendMessage appends a message as one object: where it is from, and its payload as
// AppendPayload writes it. The schema may be nil.
func AppendMessage(out []byte, m *ringcast.Message, schema *flatjson.Schema) []byte {
	out = append(out, `{"topic":"`...) // names need no escapes
	out = append(out, m.Topic()...)
	out = append(out, `","source":"`...)
	out = append(out, m.Source().String()...)
	out = append(out, `","sequence":`...)
	out = strconv.AppendUint(out, m.Sequence(), 10)
	if m.TimestampNs() != 0 {
		out = append(out, `,"time_ns":`...)
		out = strconv.AppendUint(out, m.TimestampNs(), 10)
	}
	out = AppendPayload(append(out, ','), m.Content(), m.Payload(), schema)
	return append(out, '}')
}

// AppendPayload appends a payload as members of an object: content, and payload where it is
// text, fields where it is a list of texts, value where a schema is given that it fits, and
// base64 otherwise. What does not fit its schema has a problem besides.
func AppendPayload(out []byte, content uint8, payload []byte, schema *flatjson.Schema) []byte {
	out = append(out, `"content":"`...)
	out = append(out, ContentName(content)...)
	out = append(out, `",`...)
	if schema == nil || content == ringcast.ContentFields {
		return appendBytes(out, content, payload)
	}
	before := len(out)
	out, err := schema.AppendJSON(append(out, `"value":`...), payload, Limit(payload))
	if err == nil {
		return out
	}
	out = appendBytes(out[:before], content, payload)
	return AppendString(append(out, `,"problem":`...), []byte("no "+schema.Root()+": "+err.Error()))
}

func appendBytes(out []byte, content uint8, payload []byte) []byte {
	if content == ringcast.ContentFields {
		if list, err := ringcast.ParseFields(payload); err == nil && allText(list) {
			return appendFields(append(out, `"fields":`...), list)
		}
	} else if content == ringcast.ContentRaw && utf8.Valid(payload) {
		return AppendString(append(out, `"payload":`...), payload)
	}
	out = append(out, `"base64":"`...)
	out = base64.StdEncoding.AppendEncode(out, payload)
	return append(out, '"')
}

func allText(list [][]byte) bool {
	for _, field := range list {
		if !utf8.Valid(field) {
			return false
		}
	}
	return true
}

func appendFields(out []byte, list [][]byte) []byte {
	out = append(out, '[')
	for i, field := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendString(out, field)
	}
	return append(out, ']')
}
