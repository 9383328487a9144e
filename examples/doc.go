// Package examples holds small programs, each complete, in the languages that
// Ringcast has. Its tests build and run them.
//
//	go/publish, go/subscribe   messages by name
//	go/worker                  one of a queue group: each message goes to one
//	go/flatbuffers             a table built and read in place
//	cpp/inplace.cc             a table read from another language, by the layout alone
//	schema/order.fbs           what the tables look like
package examples
