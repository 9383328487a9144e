package flatjson

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a binary schema.
const (
	maxSchema = 1 << 20 // bytes
	maxParts  = 1 << 14 // objects, fields, enums and values together
	maxName   = 256     // bytes of a name
	maxStruct = 1 << 16 // bytes of a struct
)

// Places in the vtables of reflection.fbs, which is the schema of schemas.
const (
	schemaObjects, schemaEnums, schemaIdent, schemaRoot = 4, 6, 8, 12

	partName = 4 // of objects, fields, enums and values

	objectFields, objectIsStruct, objectAlign, objectSize = 6, 8, 10, 12

	fieldType, fieldOffset, fieldInteger, fieldReal = 6, 10, 12, 14
	fieldDeprecated, fieldRequired, fieldAttributes = 16, 18, 22
	fieldOptional, fieldOffset64                    = 26, 30
	typeKind, typeElement, typeIndex, typeLength    = 4, 6, 8, 10
	enumValues, enumIsUnion, enumAttributes         = 6, 8, 12
	valueNumber, valueType, attributeKey            = 6, 10, 4
)

// A parser makes a Schema of a binary one.
type parser struct {
	scan
	parts   int // so far
	objects []*object
	enums   []*enum
}

// Parse reads a binary schema. Errors: a FaultError that says what is wrong with it.
func Parse(bfbs []byte) (*Schema, error) {
	p := &parser{scan: scan{b: bfbs}}
	switch {
	case len(bfbs) > maxSchema:
		p.fail("a schema of %d bytes: at most %d are read", len(bfbs), maxSchema)
	case len(bfbs) < 8 || string(bfbs[4:8]) != "BFBS":
		p.fail("not a binary schema, which flatc -b --schema writes: no BFBS in its head")
	}
	root := p.table(p.follow(0))
	objects, enums := p.tables(root, schemaObjects), p.tables(root, schemaEnums)
	for range objects {
		p.objects = append(p.objects, &object{byName: map[string]*field{}})
	}
	for range enums {
		p.enums = append(p.enums, &enum{byName: map[string]int{}, byValue: map[int64]int{}})
	}
	for i, t := range objects {
		p.objectHead(t, p.objects[i])
	}
	for i, t := range enums {
		p.enum(t, p.enums[i])
	}
	for i, t := range objects {
		p.objectFields(t, p.objects[i])
	}
	for _, o := range p.objects {
		if o.isStruct {
			p.nesting(o, 1)
		}
	}
	s := &Schema{root: p.rootTable(root), ident: p.ident(root)}
	return s, p.err()
}

// rootTable finds the root among the objects, by its name.
func (p *parser) rootTable(root table) *object {
	at := p.field(root, schemaRoot, 4)
	if at == 0 {
		p.fail("the schema has no root_type")
		return nil
	}
	name := p.name(p.table(p.follow(at)))
	for _, o := range p.objects {
		if p.ok() && o.name == name && !o.isStruct {
			return o
		}
	}
	p.fail("the root_type %s is no table of the schema", clip([]byte(name)))
	return nil
}

func (p *parser) ident(root table) string {
	at := p.field(root, schemaIdent, 4)
	if at == 0 {
		return ""
	}
	b := p.text(at)
	if len(b) != 0 && len(b) != 4 {
		p.fail("a file_identifier of %d bytes: want 4", len(b))
	}
	return string(b)
}

// tables returns the elements of a vector of tables, counted as parts.
func (p *parser) tables(t table, entry int) []table {
	at := p.field(t, entry, 4)
	if at == 0 {
		return nil
	}
	first, n := p.vector(at, 4)
	if p.parts += n; p.parts > maxParts {
		p.fail("a schema of more than %d parts", maxParts)
	}
	var list []table
	for i := 0; i < n && p.ok(); i++ {
		list = append(list, p.table(p.follow(first+4*i)))
	}
	return list
}

func (p *parser) name(t table) string {
	at := p.field(t, partName, 4)
	if at == 0 {
		p.fail("a part without a name")
		return ""
	}
	b := p.text(at)
	if len(b) == 0 || len(b) > maxName || !utf8.Valid(b) {
		p.fail("a name of %d bytes: want 1 to %d, of UTF-8", len(b), maxName)
		return ""
	}
	return string(b)
}

// small is a field of one byte.
func (p *parser) small(t table, entry int) uint8 {
	if at := p.field(t, entry, 1); at != 0 {
		return uint8(p.number(at, 1))
	}
	return 0
}

// integer is a field of so many bytes.
func (p *parser) integer(t table, entry, size int, absent uint64) uint64 {
	if at := p.field(t, entry, size); at != 0 {
		return p.number(at, size)
	}
	return absent
}

func (p *parser) objectHead(t table, o *object) {
	o.name = p.name(t)
	p.enter(o.name)
	defer p.leave()
	o.isStruct = p.small(t, objectIsStruct) != 0
	size, align := p.integer(t, objectSize, 4, 0), p.integer(t, objectAlign, 4, 0)
	if !o.isStruct {
		return
	}
	if align == 0 || align > 256 || align&(align-1) != 0 || size == 0 || size > maxStruct || size%align != 0 {
		p.fail("a struct of %d bytes with alignment %d", size, align)
	}
	o.size, o.align = int(size), int(align)
}

// attribute reports whether a part has one.
func (p *parser) attribute(t table, entry int, name string) bool {
	for _, one := range p.tables(t, entry) {
		if at := p.field(one, attributeKey, 4); at != 0 && string(p.text(at)) == name {
			return true
		}
	}
	return false
}

func (p *parser) enum(t table, e *enum) {
	e.name = p.name(t)
	p.enter(e.name)
	defer p.leave()
	e.union = p.small(t, enumIsUnion) != 0
	e.flags = p.attribute(t, enumAttributes, "bit_flags")
	for _, one := range p.tables(t, enumValues) {
		v := value{name: p.name(one), number: int64(p.integer(one, valueNumber, 8, 0))}
		if at := p.field(one, valueType, 4); at != 0 {
			v.is = p.typ(p.table(p.follow(at)))
		}
		if k := v.is.kind; e.union && k != kindNone && k != kindObject && k != kindString {
			p.fail("a union with a member of kind %d", k)
		}
		e.byName[v.name], e.byValue[v.number] = len(e.values), len(e.values)
		e.values = append(e.values, v)
	}
}

// typ reads a type, and checks that it is whole.
func (p *parser) typ(t table) typ {
	out := typ{kind: kind(p.small(t, typeKind)), element: kind(p.small(t, typeElement)), length: int(p.integer(t, typeLength, 2, 0))}
	index := int32(p.integer(t, typeIndex, 4, math.MaxUint32))
	if out.kind > kindArray || out.element > kindArray {
		p.fail("a type of kind %d of %d, which is not known here", out.kind, out.element)
		return typ{}
	}
	of := out.kind
	if of == kindVector || of == kindArray {
		of = out.element
		if of == kindNone || of == kindVector || of == kindArray {
			p.fail("a vector of kind %d", of)
		}
	}
	switch {
	case of == kindObject && index >= 0 && int(index) < len(p.objects):
		out.object = p.objects[index]
	case (of == kindUnion || of.scalar() && !of.real()) && index >= 0 && int(index) < len(p.enums):
		out.enum = p.enums[index]
	case of == kindObject || of == kindUnion || of == kindUType || index >= 0:
		p.fail("a type of kind %d with the index %d", of, index)
	}
	return out
}

func (p *parser) objectFields(t table, o *object) {
	p.enter(o.name)
	defer p.leave()
	slots := map[int]bool{}
	for _, one := range p.tables(t, objectFields) {
		f := p.fieldOf(one, o)
		if !p.ok() {
			return
		}
		if slots[f.at] || o.byName[f.name] != nil {
			p.fail("two fields %s, or at %d", f.name, f.at)
		}
		slots[f.at], o.byName[f.name] = true, f
		o.fields = append(o.fields, f)
	}
	slices.SortFunc(o.fields, func(a, b *field) int { return a.at - b.at })
	for i, f := range o.fields {
		f.index = i
		p.unite(o, f)
	}
}

func (p *parser) fieldOf(t table, o *object) *field {
	f := &field{name: p.name(t), at: int(p.integer(t, fieldOffset, 2, 0))}
	p.enter(f.name)
	defer p.leave()
	at := p.field(t, fieldType, 4)
	if at == 0 {
		p.fail("a field without a type")
		return f
	}
	f.is = p.typ(p.table(p.follow(at)))
	f.key, _ = json.Marshal(f.name) // a string
	f.key = append(f.key, ':')
	f.old, f.required = p.small(t, fieldDeprecated) != 0, p.small(t, fieldRequired) != 0
	f.optional = p.small(t, fieldOptional) != 0
	f.absent = bitsOf(f.is.kind, p.integer(t, fieldInteger, 8, 0), p.integer(t, fieldReal, 8, 0))
	if p.small(t, fieldOffset64) != 0 {
		p.fail("a field with 64-bit offsets, which are not known here")
	}
	if p.ok() {
		p.place(f, o)
	}
	return f
}

// bitsOf are the bits of a scalar as a payload has them.
func bitsOf(k kind, integer, double uint64) uint64 {
	switch {
	case k == kindDouble:
		return double
	case k == kindFloat:
		return uint64(math.Float32bits(float32(math.Float64frombits(double))))
	case k.scalar():
		return integer & (math.MaxUint64 >> (64 - 8*sizes[k]))
	}
	return 0
}

// place checks where a field stands.
func (p *parser) place(f *field, o *object) {
	k := f.is.kind
	switch {
	case k == kindNone:
		p.fail("a field of no type")
	case !o.isStruct && (f.at < 4 || f.at%2 != 0 || k == kindArray):
		p.fail("a field of a table at %d, of kind %d", f.at, k)
	case o.isStruct && !f.is.inlined():
		p.fail("a field of kind %d in a struct", k)
	case o.isStruct && (k == kindArray && (f.is.length == 0 || !f.is.each().inlined())):
		p.fail("an array of %d of kind %d", f.is.length, f.is.element)
	case o.isStruct && (f.at+f.is.size() > o.size || f.at%f.is.align() != 0):
		p.fail("a field at %d of a struct of %d bytes", f.at, o.size)
	}
}

// unite connects a union with the field of its type.
func (p *parser) unite(o *object, f *field) {
	vector := f.is.kind == kindVector && f.is.element == kindUnion
	if f.is.kind != kindUnion && !vector {
		return
	}
	c := o.byName[f.name+"_type"]
	if c == nil || c.chosen != nil || c.at != f.at-2 || c.is.enum != f.is.enum || !f.is.enum.union ||
		vector != (c.is.kind == kindVector && c.is.element == kindUType) || !vector && c.is.kind != kindUType {
		p.fail("the union %s has no field of its type", f.name)
		return
	}
	f.chooser, c.chosen = c, f
}

// nesting finds out how deep structs lie in a struct. A struct that is in itself is too deep.
func (p *parser) nesting(o *object, depth int) int {
	if depth > maxDepth {
		p.fail("structs nested deeper than %d", maxDepth)
	}
	if o.nested > 0 || !p.ok() {
		return o.nested
	}
	most := 0
	for _, f := range o.fields {
		if f.is.object != nil {
			most = max(most, p.nesting(f.is.object, depth+1))
		}
	}
	o.nested = most + 1
	return o.nested
}

// names lists the names of an enum for an error.
func (e *enum) names() string {
	const most = 8
	var list []string
	for _, v := range e.values {
		if len(list) == most {
			list = append(list, "...")
			break
		}
		list = append(list, string(bytes.ToValidUTF8([]byte(v.name), nil)))
	}
	return strings.Join(list, ", ")
}
