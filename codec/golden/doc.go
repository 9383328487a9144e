// Package golden holds an image of every struct of the schemas and the proof
// that they still mean the same.
//
// testdata/NAME.bin is the struct NAME with every field set to a different value;
// testdata/NAME.txt lists the fields and their values. Both were written once,
// when the struct was made, and are never written again: a change of the layout
// that would move or resize a field fails here, whatever the generator says. The
// same bytes are read through the offsets of package layout, the accessors of Go,
// C++, Java and Python, and the structs of layout.h; and by every peer of the
// conformance run, Go's with [Print].
//
// A new struct gets its image with
//
//	go test ./codec/golden -run TestImages -init
//
// which writes missing files only. Everything but Print is in the tests.
package golden
