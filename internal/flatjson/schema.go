package flatjson

// A kind is a base type of the reflection schema.
type kind uint8

const (
	kindNone kind = iota
	kindUType
	kindBool
	kindByte
	kindUByte
	kindShort
	kindUShort
	kindInt
	kindUInt
	kindLong
	kindULong
	kindFloat
	kindDouble
	kindString
	kindVector
	kindObject
	kindUnion
	kindArray
)

// sizes are those of the kinds that have one: offsets have four.
var sizes = [...]int{kindUType: 1, kindBool: 1, kindByte: 1, kindUByte: 1, kindShort: 2, kindUShort: 2, kindInt: 4,
	kindUInt: 4, kindLong: 8, kindULong: 8, kindFloat: 4, kindDouble: 8, kindString: 4, kindVector: 4, kindUnion: 4, kindArray: 0}

func (k kind) scalar() bool { return k >= kindUType && k <= kindDouble }
func (k kind) real() bool   { return k == kindFloat || k == kindDouble }
func (k kind) signed() bool {
	return k == kindByte || k == kindShort || k == kindInt || k == kindLong
}

// A Schema is a binary schema that was found right.
type Schema struct {
	root  *object
	ident string // four letters, or empty
}

// Root is the name of the root table, with its namespace.
func (s *Schema) Root() string { return s.root.name }

// An object is a table or a struct.
type object struct {
	name     string
	isStruct bool
	size     int // of a struct
	align    int // of a struct
	fields   []*field
	byName   map[string]*field
	nested   int // of a struct: how deep structs lie in it, itself included; 0 not yet known
}

// A field is one of an object.
type field struct {
	name     string
	key      []byte // the name as JSON has it, with its colon
	is       typ
	at       int    // in the vtable, or in the struct
	absent   uint64 // the bits of a scalar that is not there
	optional bool
	required bool
	old      bool   // deprecated
	chooser  *field // of a union, or of a vector of them: the field of its type
	chosen   *field // the other way round
	index    int    // in fields
}

// A typ is the type of a field or of an element.
type typ struct {
	kind    kind
	element kind // of a vector or an array
	object  *object
	enum    *enum
	length  int // of an array
}

// each is the type of the elements.
func (t typ) each() typ { return typ{kind: t.element, object: t.object, enum: t.enum} }

// inlined reports whether values stand where they are, rather than behind an offset.
func (t typ) inlined() bool {
	return t.kind.scalar() || t.kind == kindArray || t.kind == kindObject && t.object.isStruct
}

// size is how many bytes a value takes where it stands.
func (t typ) size() int {
	switch {
	case t.kind == kindArray:
		return t.length * t.each().size()
	case t.kind == kindObject && t.object.isStruct:
		return t.object.size
	case t.kind == kindObject:
		return 4
	}
	return sizes[t.kind]
}

func (t typ) align() int {
	switch {
	case t.kind == kindArray:
		return t.each().align()
	case t.kind == kindObject && t.object.isStruct:
		return t.object.align
	}
	return t.size()
}

// An enum is one, or the types of a union.
type enum struct {
	name    string
	union   bool
	flags   bool // bit_flags: values are sums
	values  []value
	byName  map[string]int
	byValue map[int64]int
}

// A value is one of an enum.
type value struct {
	name   string
	number int64
	is     typ // of a union: the member's
}

// member returns the type of a union's member, of kind none where there is none.
func (e *enum) member(number uint64) typ {
	if i, ok := e.byValue[int64(number)]; ok {
		return e.values[i].is
	}
	return typ{}
}
