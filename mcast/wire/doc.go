// Package wire reads and writes the frames of spec/wire.md, one file for each
// type. Every offset is that of codec/layout.
//
// Each frame has a struct with AppendTo (the body, after the header), Size (its
// bytes) and a ParseX function that takes the body and returns a Reason, OK if
// there is nothing wrong. Parsing allocates nothing: slices of a parsed frame lie
// in the datagram. Reserved bytes must be zero; bytes after what a body counts are
// refused, because in version 1 nothing can stand there.
//
// A frame is built so:
//
//	b = wire.Begin(b[:0], &header)
//	b = frame.AppendTo(b)
//	wire.Finish(b)
//
// and read so: ParseHeader, then the ParseX of Header.Type on the rest.
package wire
