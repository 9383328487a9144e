// Package flatjson turns FlatBuffers into JSON and back by a schema that is known at run time
// only: the binary one (.bfbs) that flatc writes with -b --schema.
//
//	s, err := flatjson.Parse(bfbs)
//	text, err := s.AppendJSON(nil, payload, limit)
//	payload, err := s.Build(text, limit)
//
// The JSON is flatc's: tables and structs are objects, vectors are arrays, enums go by name
// (those of bit_flags by several, with spaces between), a union NAME has its type in
// NAME_type. What flatc writes that is not JSON is written otherwise: the floats NaN, Infinity
// and -Infinity are strings. Scalars that are absent have their default, unless they are
// optional.
//
// What it guarantees: whatever the three kinds of input hold, nothing panics, nothing is read
// outside of them, and time and memory are bounded by their lengths and the limit: every
// offset is checked before it is followed, tables nest to a depth of 64, and shared parts
// count as often as they are shown. Errors name the place by its path, such as
// lines[2].quantity.
//
// What it does not: vectors of 64-bit offsets, sorting by key, flatbuffers within vectors
// of bytes; integers above 2^53 are written exactly, which readers of JSON in a browser round.
//
// A Schema is never changed, and is safe for concurrent use.
package flatjson
