package main

import (
	"fmt"
	"slices"
	"strings"
)

// loadSchema builds the model of one .fbs file from its binary schema and its
// text. The binary schema also holds what the file includes; only what the
// file declares itself is taken.
func loadSchema(name string, bfbs []byte, text string) (*Schema, error) {
	root, err := rootNode(bfbs)
	if err != nil {
		return nil, fmt.Errorf("schema %q: %w", name, err)
	}
	remarks := scanRemarks(text)
	l := &loader{file: "//" + name + ".fbs", remarks: remarks}
	l.objects = root.children(schemaObjects)
	l.enums = root.children(schemaEnums)

	s := &Schema{Name: name, Doc: remarks.opening}
	for _, o := range l.objects {
		if o.text(objectFile) != l.file || !o.boolean(objectIsStruct) {
			continue
		}
		st, err := l.structOf(o)
		if err != nil {
			return nil, fmt.Errorf("schema %q: %w", name, err)
		}
		s.Structs = append(s.Structs, st)
	}
	for _, e := range l.enums {
		if e.text(enumFile) == l.file && !e.boolean(enumIsUnion) {
			s.Enums = append(s.Enums, l.enumOf(e))
		}
	}
	slices.SortFunc(s.Structs, func(a, b *Struct) int { return remarks.place(a.Name) - remarks.place(b.Name) })
	slices.SortFunc(s.Enums, func(a, b *Enum) int { return remarks.place(a.Name) - remarks.place(b.Name) })
	return s, nil
}

type loader struct {
	file    string
	remarks *remarks
	objects []node
	enums   []node
}

func (l *loader) structOf(o node) (*Struct, error) {
	s := &Struct{
		Name:  shortName(o.text(objectName)),
		Doc:   docText(o.texts(objectDoc)),
		Size:  o.i32(objectByteSize, 0),
		Align: o.i32(objectMinAlign, 0),
	}
	for _, f := range o.children(objectFields) {
		field, err := l.fieldOf(s.Name, f)
		if err != nil {
			return nil, fmt.Errorf("struct %s: %w", s.Name, err)
		}
		s.Fields = append(s.Fields, field)
	}
	slices.SortFunc(s.Fields, func(a, b *Field) int { return a.Offset - b.Offset })
	return s, checkPadding(s)
}

// checkPadding refuses bytes that belong to no field: C compilers and readers
// of the specification shall see every byte under a name.
func checkPadding(s *Struct) error {
	end := 0
	for _, f := range s.Fields {
		if f.Offset != end {
			return fmt.Errorf("struct %s: %d unnamed bytes before %s", s.Name, f.Offset-end, f.Name)
		}
		end += f.Size
	}
	if end != s.Size {
		return fmt.Errorf("struct %s: %d unnamed bytes at its end", s.Name, s.Size-end)
	}
	return nil
}

func (l *loader) fieldOf(owner string, n node) (*Field, error) {
	f := &Field{
		Name:   n.text(fieldName),
		Offset: int(n.GetUint16Slot(fieldOffset, 0)),
	}
	attributes := n.attributes(fieldAttributes)
	f.Writer, f.Order = attributes["writer"], attributes["order"]
	f.Doc = joinText(docText(n.texts(fieldDoc)), l.remarks.of(owner, f.Name))

	t := n.child(fieldType)
	f.Base = int(t.GetInt8Slot(typeBase, 0))
	index := t.i32(typeIndex, -1)
	if f.Base == baseObject {
		nested := l.objects[index]
		f.Struct = shortName(nested.text(objectName))
		f.Type, f.Size = f.Struct, nested.i32(objectByteSize, 0)
		return f, nil
	}
	sc, ok := scalars[f.Base]
	if !ok {
		return nil, fmt.Errorf("field %s: base type %d is not for structs", f.Name, f.Base)
	}
	f.Type, f.Size = sc.name, sc.size
	if index >= 0 {
		f.Enum = shortName(l.enums[index].text(enumName))
		f.Type = f.Enum
	}
	return f, nil
}

func (l *loader) enumOf(n node) *Enum {
	underlying := n.child(enumUnderlying)
	base := int(underlying.GetInt8Slot(typeBase, 0))
	_, flags := n.attributes(enumAttributes)["bit_flags"]
	e := &Enum{
		Name:     shortName(n.text(enumName)),
		Doc:      docText(n.texts(enumDoc)),
		Type:     scalars[base].name,
		Size:     scalars[base].size,
		BitFlags: flags,
	}
	for _, v := range n.children(enumValues) {
		name := v.text(valueName)
		e.Values = append(e.Values, &Value{
			Name:     name,
			Doc:      joinText(docText(v.texts(valueDoc)), l.remarks.of(e.Name, name)),
			Number:   v.GetInt64Slot(valueValue, 0),
			Unsigned: unsigned(base),
		})
	}
	return e
}

// shortName drops the namespace.
func shortName(full string) string { return full[strings.LastIndexByte(full, '.')+1:] }

func docText(lines []string) string {
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, " ")
}

func joinText(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}
