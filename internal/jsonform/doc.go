// Package jsonform says what messages look like as JSON, for the gateway and the tool: a
// payload is text, a list of texts, the value of a FlatBuffer whose schema is registered, or
// base64, whatever it allows.
package jsonform
