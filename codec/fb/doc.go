// Package fb holds the accessors that flatc generates from codec/schema: one
// type a struct or table, read in place over a byte slice.
//
// The accessors of structs read at fixed offsets from the position they are
// given. The accessors of tables follow offsets found in the bytes and panic
// on bytes that are not a table: what a peer may have written is read through
// package codec/table, which checks every offset first.
//
// Every type only reads the slice it was given; it is as safe for concurrent
// use as the slice. None of the accessors makes a shared word atomic: words
// with a memory order are read by the packages that own them.
package fb
