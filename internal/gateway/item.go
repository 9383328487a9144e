package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/flatjson"
)

// An item is a message or an event on its way to clients, written once for all of them.
type item struct {
	event string // empty: a message
	count uint64 // of an event: what it tells of
	json  []byte
}

// A Note is the JSON of an event.
type Note struct {
	Event string `json:"event"`
	Topic string `json:"topic,omitempty"`
	// Missed is how many messages this reader missed, exactly, where Where is "gateway". Where it
	// is "ring" they are positions of the topic's ring, an upper bound.
	Missed uint64 `json:"missed,omitempty"`
	Where  string `json:"where,omitempty"`
	// Events is what events that were missed as well told of.
	Events uint64 `json:"events,omitempty"`
	Source string `json:"source,omitempty"`
	First  uint64 `json:"first,omitempty"` // sequences of LOSS
	Last   uint64 `json:"last,omitempty"`
	Detail string `json:"detail,omitempty"`
}

func (n *Note) item(count uint64) item {
	b, err := json.Marshal(n)
	if err != nil {
		panic(err) // our own struct
	}
	return item{event: n.Event, count: count, json: b}
}

// missedItem tells of what a reader's queue dropped.
func missedItem(pattern string, messages, events uint64) item {
	n := Note{Event: "lagged", Topic: pattern, Missed: messages, Events: events, Where: "gateway"}
	return n.item(messages + events)
}

// itemOf writes what a subscription gave.
func (g *Gateway) itemOf(m *ringcast.Message, event error) item {
	if event == nil {
		return item{json: appendMessage(make([]byte, 0, 160+len(m.Payload())*5/4), m, g.schemas.of(m.Topic(), asMessage))}
	}
	n := Note{Event: "event", Detail: event.Error()}
	var lagged *ringcast.LaggedError
	var loss *ringcast.LossError
	var topic *ringcast.TopicError
	switch {
	case errors.As(event, &lagged):
		n = Note{Event: "lagged", Topic: lagged.Topic, Missed: lagged.Missed, Where: "ring"}
		return n.item(lagged.Missed)
	case errors.As(event, &loss):
		n = Note{Event: "loss", Topic: loss.Topic, Source: loss.Source.String(), Missed: loss.Count, First: loss.First, Last: loss.Last}
		return n.item(loss.Count)
	case errors.As(event, &topic):
		n.Event, n.Topic = "topic", topic.Topic
	}
	return n.item(1)
}

// appendMessage writes a message: its payload as text where it is UTF-8, as a list of texts
// where it is a list of fields, by its schema where one is given, and in base64 otherwise.
func appendMessage(out []byte, m *ringcast.Message, schema *flatjson.Schema) []byte {
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
	out = append(out, `,"content":"`...)
	out = append(out, contentName(m.Content())...)
	out = append(out, `",`...)
	if schema != nil && m.Content() != ringcast.ContentFields {
		out = appendValue(out, m, schema)
	} else {
		out = appendPayload(out, m)
	}
	return append(out, '}')
}

// appendValue writes a payload by its schema, or as what it is beside the reason why that
// can't be.
func appendValue(out []byte, m *ringcast.Message, schema *flatjson.Schema) []byte {
	before := len(out)
	out = append(out, `"value":`...)
	out, err := schema.AppendJSON(out, m.Payload(), jsonLimit(m.Payload()))
	if err == nil {
		return out
	}
	out = appendPayload(out[:before], m)
	return appendString(append(out, `,"problem":`...), []byte("no "+schema.Root()+": "+err.Error()))
}

func appendPayload(out []byte, m *ringcast.Message) []byte {
	if m.Content() == ringcast.ContentFields {
		if list, err := m.Fields(); err == nil {
			if b, err := jsonFields(list, false); err == nil {
				return append(append(out, `"fields":`...), b...)
			}
		}
	} else if m.Content() == ringcast.ContentRaw && utf8.Valid(m.Payload()) {
		return appendString(append(out, `"payload":`...), m.Payload())
	}
	out = append(out, `"base64":"`...)
	out = base64.StdEncoding.AppendEncode(out, m.Payload())
	return append(out, '"')
}
