package main

import "strings"

// A Schema is one .fbs file: what it declares itself, in the order of its text.
type Schema struct {
	Name    string // "ring" for ring.fbs
	Doc     string // the comment that opens the file
	Structs []*Struct
	Enums   []*Enum
}

// A Struct is a FlatBuffers struct: bytes at fixed offsets, no vtable.
type Struct struct {
	Name   string
	Doc    string
	Size   int
	Align  int
	Fields []*Field // by offset
}

// A Field is one member of a struct.
type Field struct {
	Name   string
	Type   string // scalar name of FlatBuffers ("ulong"), or the name of a struct or enum
	Base   int    // base type of the reflection schema
	Struct string // name of the nested struct, "" for scalars
	Enum   string // name of the enum, "" for others
	Offset int
	Size   int
	Writer string // attribute: who may write it
	Order  string // attribute: the memory order of the accesses
	Doc    string
}

// Reserved reports whether the field is only there to keep its bytes free.
func (f *Field) Reserved() bool { return strings.Contains(f.Name, "reserved") }

// hidden reports whether the field gets no constant of its own: nested
// reserved lines, which nobody addresses one by one.
func (f *Field) hidden() bool { return f.Reserved() && f.Struct != "" }

// An Enum is a FlatBuffers enum.
type Enum struct {
	Name     string
	Doc      string
	Type     string // scalar name of FlatBuffers
	Size     int
	BitFlags bool // the values are already shifted
	Values   []*Value
}

// A Value is one name of an enum. Its number is kept as the 64 bits of the
// binary schema; Unsigned says how they are to be read.
type Value struct {
	Name     string
	Doc      string
	Number   int64
	Unsigned bool
}

// scalar describes one scalar type in every language that is generated here.
type scalar struct {
	name string // FlatBuffers
	c    string
	size int
}

var scalars = map[int]scalar{
	baseBool:   {"bool", "uint8_t", 1},
	baseByte:   {"byte", "int8_t", 1},
	baseUByte:  {"ubyte", "uint8_t", 1},
	baseShort:  {"short", "int16_t", 2},
	baseUShort: {"ushort", "uint16_t", 2},
	baseInt:    {"int", "int32_t", 4},
	baseUInt:   {"uint", "uint32_t", 4},
	baseLong:   {"long", "int64_t", 8},
	baseULong:  {"ulong", "uint64_t", 8},
	baseFloat:  {"float", "float", 4},
	baseDouble: {"double", "double", 8},
}

func unsigned(base int) bool {
	switch base {
	case baseBool, baseUByte, baseUShort, baseUInt, baseULong:
		return true
	}
	return false
}
