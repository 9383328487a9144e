// Package layout holds the numbers of Ringcast's segments and frames: the size
// of every struct, the offset of every field, the values of every enum, and
// the limits of the format.
//
// The files *_generated.go come from codec/schema by way of codec/gen; the
// other constants are written here by hand and end up in layout.h and
// spec/layout.md as well. An offset is named STRUCT FIELD Offset, a size STRUCT
// Size, a value ENUM NAME, all as untyped constants, so that they go with any
// integer type:
//
//	lap := binary.LittleEndian.Uint64(slot[layout.SlotHeaderPublishedOffset:])
//
// Nested reserved fields have no constant. The package imports nothing.
package layout
