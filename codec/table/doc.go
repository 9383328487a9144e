// Package table reads and builds the FlatBuffers tables of codec/schema/system.fbs.
//
// FlatBuffers has no verifier in Go, and a table in shared memory or in a
// datagram was written by a stranger. So tables are read through a [Reader]
// that checks every offset, vtable, field, string and vector against the
// buffer before it looks there, and that stops at a depth, a number of elements
// and a number of bytes copied: a small buffer whose offsets share their targets
// can otherwise describe a huge tree. It never panics, and what it returns is
// copied: the buffer may be used again at once. The caller hands in a private
// copy: bytes that change under the reader are no fault of memory here either,
// but what was checked may differ from what is returned.
//
//	b := table.AppendParticipantInfo(nil, &info)
//	info, err := table.ParseParticipantInfo(b)
package table
