// Package gateway lets programs that link no library take part in a domain: HTTP/1.1 and
// HTTP/2, server-sent events and WebSocket on one side, requests and topics on the other.
//
//	GET  /SERVICE?args=[...]        the old form: a list of arguments in, a JSON array out
//	POST /v1/services/NAME          the body in, the reply out
//	POST /v1/topics/NAME            publish: 202 when it is in the topic
//	GET  /v1/topics/PATTERN         read: server-sent events, or a WebSocket
//	GET  /v1/domain and its parts   what there is, as JSON
//
// What it guarantees: each request has one answer, whose status says whether the service ran
// (problem.go). The request of a client that leaves is taken back. A client that reads a topic
// too slowly misses messages, is told how many, and holds nobody up (hub.go). Everything that
// a client can ask for has a limit (config.go).
//
// What it does not: it keeps no message, and a reader that comes back does not go on where
// it stood. Callers are told apart by a bearer token or not at all.
//
// It uses only the interface of the root package, as one participant of the domain.
// The guide is doc/gateway.md.
package gateway
