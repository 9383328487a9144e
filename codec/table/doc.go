// Package table reads and builds the FlatBuffers tables of codec/schema/system.fbs.
//
// FlatBuffers has no verifier in Go, and a table in shared memory or in a
// datagram was written by a stranger. So tables are read through a [Reader].
// It checks every offset, vtable, field, string and vector against the buffer
// before it looks there. It stops at a depth, a number of elements and a number
// of bytes copied, because a small buffer whose offsets share their targets could
// otherwise describe a huge tree. It never panics. What it returns is copied, so
// the buffer may be used again at once. Give it a private copy: bytes that change
// under the reader are safe in memory here, too, but what was checked may differ
// from what is returned.
//
//	b := table.AppendParticipantInfo(nil, &info)
//	info, err := table.ParseParticipantInfo(b)
package table
