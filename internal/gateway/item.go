package gateway

import (
	"encoding/json"
	"errors"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
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
		return item{json: jsonform.AppendMessage(make([]byte, 0, 160+len(m.Payload())*5/4), m, g.schemas.Of(m.Topic(), jsonform.AsMessage))}
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
