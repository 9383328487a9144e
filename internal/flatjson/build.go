package flatjson

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// A builder writes a payload from its front: each table before what it refers to. The
// builders of FlatBuffers compare every vtable with all before it, which takes the square of
// the time that a text of many different tables should.
type builder struct {
	trail
	text    text
	out     []byte
	most    int
	depth   int
	vtables map[string]int
}

// Build makes a payload, of limit bytes at most, of JSON. Errors: a FaultError.
func (s *Schema) Build(json []byte, limit int) ([]byte, error) {
	b := &builder{text: json, most: limit, vtables: map[string]int{}}
	if reason := checkText(json); reason != "" {
		b.fail("%s", reason)
		return nil, b.err()
	}
	b.out = append(make([]byte, 4, 64+len(json)), s.ident...)
	root := b.table(b.text.space(0), s.root)
	if !b.ok() {
		return nil, b.err()
	}
	binary.LittleEndian.PutUint32(b.out, uint32(root))
	return b.out, nil
}

// extend makes room for n zero bytes at a place that is, shift further on, a multiple of align.
func (b *builder) extend(n, align, shift int) int {
	at := len(b.out)
	for (at+shift)%align != 0 {
		at++
	}
	if at+n > b.most {
		b.fail("more than %d bytes as a FlatBuffer", b.most)
		return 0
	}
	b.out = append(b.out, make([]byte, at+n-len(b.out))...)
	return at
}

// put writes a number of 1, 2, 4 or 8 bytes.
func (b *builder) put(at, size int, bits uint64) {
	for i := 0; i < size && b.ok(); i++ {
		b.out[at+i] = byte(bits >> (8 * i))
	}
}

// refer writes an offset to a place.
func (b *builder) refer(at, to int) { b.put(at, 4, uint64(to-at)) }

// A member is a field that a text has.
type member struct {
	field *field
	value int    // its place in the text
	bits  uint64 // of a scalar
	at    int    // its place in the table
}

// members reads which fields an object has, by the order of the schema. Null is none.
func (b *builder) members(at int, o *object) []member {
	if b.text[at] != '{' {
		b.fail("%s, want an object: %s", b.text.what(at), o.name)
		return nil
	}
	var list []member
	b.text.members(at, func(name []byte, value int) bool {
		f := o.byName[string(name)]
		if f == nil || f.old {
			b.fail("%s has no field %q", o.name, clip(name))
		} else if !b.text.null(value) {
			list = append(list, member{field: f, value: value})
		}
		return b.ok()
	})
	slices.SortFunc(list, func(x, y member) int { return cmp.Compare(x.field.index, y.field.index) })
	for i := 1; i < len(list); i++ {
		if list[i].field == list[i-1].field {
			b.fail("%s comes twice", list[i].field.name)
		}
	}
	return list
}

// find returns the member of a field, nil where there is none.
func find(list []member, f *field) *member {
	i, ok := slices.BinarySearchFunc(list, f.index, func(m member, index int) int { return cmp.Compare(m.field.index, index) })
	if !ok {
		return nil
	}
	return &list[i]
}

// table writes a table and all below it, and returns its place.
func (b *builder) table(at int, o *object) int {
	if b.depth++; b.depth > maxDepth {
		b.fail("tables nested deeper than %d", maxDepth)
		return 0
	}
	defer func() { b.depth-- }()
	list := b.members(at, o)
	b.need(list, o)
	kept := b.scalars(list)
	place := b.inline(kept)
	for i := range kept {
		if !b.ok() {
			return 0
		}
		m := &kept[i]
		b.enter(m.field.name)
		switch f := m.field; {
		case f.is.kind.scalar():
			b.put(place+m.at, f.is.size(), m.bits)
		case f.is.inlined():
			b.fixed(place+m.at, m.value, f.is)
		case f.chooser != nil:
			b.unionField(place+m.at, m, find(list, f.chooser))
		default:
			b.refer(place+m.at, b.behind(m.value, f.is, f))
		}
		b.leave()
	}
	return place
}

// need checks that all is there that has to be.
func (b *builder) need(list []member, o *object) {
	for _, f := range o.fields {
		if f.required && !f.old && find(list, f) == nil {
			b.fail("%s needs the field %s", o.name, f.name)
		}
		if f.chooser != nil && find(list, f) != nil && find(list, f.chooser) == nil {
			b.fail("%s needs %s beside it, the type of the union", f.name, f.chooser.name)
		}
	}
}

// scalars reads the scalars, and leaves those out that have their default.
func (b *builder) scalars(list []member) []member {
	kept := make([]member, 0, len(list))
	for _, m := range list {
		if !b.ok() {
			return nil
		}
		if f := m.field; f.is.kind.scalar() {
			b.enter(f.name)
			m.bits = b.scalar(m.value, f.is)
			if f.chosen != nil && m.bits != 0 && find(list, f.chosen) == nil {
				b.fail("%s is not there", f.chosen.name)
			}
			b.leave()
			if m.bits == f.absent && !f.optional {
				continue
			}
		}
		kept = append(kept, m)
	}
	return kept
}

// inline makes a table with room for its fields, and says where they are. The largest
// alignment comes first, four bytes behind the front of the table, so nothing is lost between.
func (b *builder) inline(list []member) int {
	order := make([]*member, len(list))
	align, size, vsize := 4, 4, 4
	for i := range list {
		order[i] = &list[i]
		align, vsize = max(align, inlineAlign(list[i].field.is)), max(vsize, list[i].field.at+2)
	}
	slices.SortStableFunc(order, func(x, y *member) int { return inlineAlign(y.field.is) - inlineAlign(x.field.is) })
	vtable := make([]byte, vsize)
	for _, m := range order {
		m.at = size
		size += m.field.is.size()
		if size > 0xffff {
			b.fail("a table of more than 65535 bytes without what it refers to")
			return 0
		}
		binary.LittleEndian.PutUint16(vtable[m.field.at:], uint16(m.at))
	}
	binary.LittleEndian.PutUint16(vtable, uint16(vsize))
	binary.LittleEndian.PutUint16(vtable[2:], uint16(size))
	known, ok := b.vtables[string(vtable)]
	if !ok {
		known = b.extend(vsize, 2, 0)
		if b.ok() {
			copy(b.out[known:], vtable)
			b.vtables[string(vtable)] = known
		}
	}
	at := b.extend(size, align, 4)
	b.put(at, 4, uint64(uint32(at-known)))
	return at
}

// inlineAlign is the alignment of a field of a table.
func inlineAlign(is typ) int {
	if is.inlined() {
		return is.align()
	}
	return 4
}

// behind writes what an offset leads to, and returns its place.
func (b *builder) behind(at int, is typ, f *field) int {
	switch {
	case is.kind == kindString:
		return b.string(at)
	case is.kind == kindVector && f != nil && is.element == kindUByte && b.text[at] == '"':
		return b.bytes(at)
	case is.kind == kindVector:
		return b.vector(at, is.each())
	case is.object.isStruct: // of a union
		place := b.extend(is.object.size, is.object.align, 0)
		b.fixed(place, at, is)
		return place
	}
	return b.table(at, is.object)
}

func (b *builder) string(at int) int {
	if b.text[at] != '"' {
		b.fail("%s, want a string", b.text.what(at))
		return 0
	}
	return b.blob(b.text.string(at))
}

// blob writes a vector of bytes with a zero behind it.
func (b *builder) blob(bytes []byte) int {
	place := b.extend(4+len(bytes)+1, 4, 0)
	if b.ok() {
		b.put(place, 4, uint64(len(bytes)))
		copy(b.out[place+4:], bytes)
	}
	return place
}

// bytes writes a vector of bytes that the text has in base64.
func (b *builder) bytes(at int) int {
	bytes, err := base64.StdEncoding.DecodeString(string(b.text.string(at)))
	if err != nil {
		b.fail("bytes as a string have to be base64: %v", err)
		return 0
	}
	return b.blob(bytes)
}

// array returns the places of the elements of an array.
func (b *builder) array(at int) []int {
	if b.text[at] != '[' {
		b.fail("%s, want an array", b.text.what(at))
		return nil
	}
	var list []int
	b.text.elements(at, func(_, value int) bool {
		list = append(list, value)
		return true
	})
	return list
}

// vector writes a vector, then what its elements refer to.
func (b *builder) vector(at int, one typ) int {
	values := b.array(at)
	size, align := one.size(), inlineAlign(one)
	place := b.extend(4+len(values)*size, max(align, 4), 4)
	b.put(place, 4, uint64(len(values)))
	for i, value := range values {
		if !b.ok() {
			return 0
		}
		b.element(i)
		switch to := place + 4 + i*size; {
		case b.text.null(value):
			b.fail("null in a vector")
		case one.inlined():
			b.fixed(to, value, one)
		default:
			b.refer(to, b.behind(value, one, nil))
		}
		b.leave()
	}
	return place
}

// fixed writes what stands where it is: a scalar, a struct, an array.
func (b *builder) fixed(to, at int, is typ) {
	switch {
	case is.kind.scalar():
		b.put(to, is.size(), b.scalar(at, is))
	case is.kind == kindArray:
		b.fixedArray(to, at, is)
	default:
		b.structure(to, at, is.object)
	}
}

func (b *builder) fixedArray(to, at int, is typ) {
	values := b.array(at)
	if len(values) != is.length {
		b.fail("%d elements, want %d", len(values), is.length)
	}
	one := is.each()
	for i, value := range values {
		if !b.ok() {
			return
		}
		b.element(i)
		b.fixed(to+i*one.size(), value, one)
		b.leave()
	}
}

// structure writes a struct, all of it.
func (b *builder) structure(to, at int, o *object) {
	list := b.members(at, o)
	for i, m := range list {
		if !b.ok() {
			return
		}
		if m.field != o.fields[i] {
			break
		}
		b.enter(m.field.name)
		b.fixed(to+m.field.at, m.value, m.field.is)
		b.leave()
	}
	if len(list) < len(o.fields) {
		for _, f := range o.fields {
			if find(list, f) == nil {
				b.fail("%s needs the field %s: a struct has all of them", o.name, f.name)
			}
		}
	}
}

// unionField writes a union, or a vector of them with that of the types.
func (b *builder) unionField(to int, m, chooser *member) {
	types := m.field.is.enum
	if m.field.is.kind == kindUnion {
		b.unionMember(to, m.value, types.member(b.scalar(chooser.value, chooser.field.is)))
		return
	}
	values, names := b.array(m.value), b.array(chooser.value)
	if len(values) != len(names) {
		b.fail("%d unions with %d types", len(values), len(names))
	}
	place := b.extend(4+4*len(values), 4, 0)
	b.put(place, 4, uint64(len(values)))
	b.refer(to, place)
	for i, value := range values {
		if !b.ok() {
			return
		}
		b.element(i)
		b.unionMember(place+4+4*i, value, types.member(b.scalar(names[i], chooser.field.is.each())))
		b.leave()
	}
}

func (b *builder) unionMember(to, at int, is typ) {
	switch {
	case !b.ok():
	case is.kind == kindNone:
		b.fail("a union of type NONE, or of one that the schema has not, with a value")
	default:
		b.refer(to, b.behind(at, is, nil))
	}
}
