// Command gen turns codec/schema/*.fbs into everything that repeats a layout:
// the accessors of four languages, the Go constants of codec/layout, the C
// header layout.h with its assertions, the Java constants of Layout.java, and the
// tables of spec/layout.md.
//
// The accessors come from flatc. Offsets and sizes come from flatc's binary
// schema, so no number is computed twice; only the remarks at the ends of the
// lines, which the binary schema drops, are read from the text.
//
//	schema/*.fbs ──flatc──▶ accessors: Go, C++, Java, Python
//	      │   └────flatc──▶ *.bfbs ──▶ model ──▶ layout/*.go, layout.h, Layout.java, spec
//	      └──────remarks─────────────────┘
//
// With -check nothing is written: the program compares what it would write
// with what is there and fails on any difference, which is what CI runs.
package main
