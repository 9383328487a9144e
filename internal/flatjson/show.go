package flatjson

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// A shower writes a payload as JSON.
type shower struct {
	scan
	out   []byte
	most  int // length that out may reach
	depth int
}

// AppendJSON appends a payload to dst as JSON of limit bytes at most, and returns the longer
// slice. Errors: a FaultError where the payload is not one of this schema or does not verify.
func (s *Schema) AppendJSON(dst, payload []byte, limit int) ([]byte, error) {
	w := &shower{scan: scan{b: payload}, out: dst, most: len(dst) + limit}
	w.table(w.follow(0), s.root)
	if err := w.err(); err != nil {
		return dst, err
	}
	return w.out, nil
}

// put appends text. All that is written goes through it or through grown.
func (w *shower) put(text string) {
	w.out = append(w.out, text...)
	w.grown()
}

func (w *shower) grown() {
	if len(w.out) > w.most {
		w.fail("the JSON is longer than it may be")
	}
}

// comma goes before all elements but the first.
func (w *shower) comma(i int) {
	if i > 0 {
		w.put(",")
	}
}

func (w *shower) table(at int, o *object) {
	if w.depth++; w.depth > maxDepth {
		w.fail("tables nested deeper than %d", maxDepth)
	}
	defer func() { w.depth-- }()
	t := w.scan.table(at)
	w.put("{")
	shown := 0
	for _, f := range o.fields {
		if !w.ok() {
			return
		}
		if f.old {
			continue
		}
		w.enter(f.name)
		if w.tableField(t, f, shown) {
			shown++
		}
		w.leave()
	}
	w.put("}")
}

// tableField writes a field with its name, and reports whether there was something to write.
func (w *shower) tableField(t table, f *field, shown int) bool {
	at := w.field(t, f.at, f.is.size())
	scalar := f.is.kind.scalar()
	if at == 0 && (f.required || !scalar || f.optional) {
		if f.required {
			w.fail("is required, and not there")
		}
		return false
	}
	w.comma(shown)
	w.out = append(w.out, f.key...)
	switch {
	case at == 0:
		w.scalar(f.is, f.absent)
	case f.is.kind == kindUnion:
		w.union(at, w.chosen(t, f.chooser))
	case f.chooser != nil:
		w.unions(t, at, f)
	default:
		w.value(at, f.is)
	}
	return true
}

// chosen is the type of a union.
func (w *shower) chosen(t table, chooser *field) typ {
	at := w.field(t, chooser.at, 1)
	if at == 0 {
		return typ{}
	}
	return chooser.is.enum.member(w.number(at, 1))
}

// union writes a member of a union. One of a type that the schema does not know is null.
func (w *shower) union(at int, is typ) {
	switch {
	case is.kind == kindNone:
		w.put("null")
	case is.inlined(): // a struct, which stands behind an offset here
		w.structure(w.follow(at), is.object)
	default:
		w.value(at, is)
	}
}

// unions writes a vector of unions, whose types are in a vector of their own.
func (w *shower) unions(t table, at int, f *field) {
	types := w.field(t, f.chooser.at, 4)
	if types == 0 {
		w.fail("a vector of unions without the vector of their types")
		return
	}
	firstType, n := w.vector(types, 1)
	first, m := w.vector(at, 4)
	if n != m {
		w.fail("%d unions with %d types", m, n)
	}
	w.list(m, func(i int) { w.union(first+4*i, f.is.enum.member(w.number(firstType+i, 1))) })
}

// list writes an array of n values.
func (w *shower) list(n int, each func(i int)) {
	w.put("[")
	for i := 0; i < n && w.ok(); i++ {
		w.comma(i)
		w.element(i)
		each(i)
		w.leave()
	}
	w.put("]")
}

// value writes what stands at a place.
func (w *shower) value(at int, is typ) {
	switch {
	case is.kind.scalar():
		w.scalar(is, w.number(at, is.size()))
	case is.kind == kindString:
		w.string(w.text(at))
	case is.kind == kindObject && is.object.isStruct:
		w.structure(at, is.object)
	case is.kind == kindObject:
		w.table(w.follow(at), is.object)
	case is.kind == kindVector:
		one := is.each()
		first, n := w.vector(at, one.size())
		w.list(n, func(i int) { w.value(first+i*one.size(), one) })
	case is.kind == kindArray:
		one := is.each()
		w.list(is.length, func(i int) { w.value(at+i*one.size(), one) })
	}
}

func (w *shower) structure(at int, o *object) {
	if !w.has(at, o.size) {
		return
	}
	w.put("{")
	for i, f := range o.fields {
		if !w.ok() {
			return
		}
		w.comma(i)
		w.out = append(w.out, f.key...)
		w.enter(f.name)
		w.value(at+f.at, f.is)
		w.leave()
	}
	w.put("}")
}

func (w *shower) string(b []byte) {
	if !utf8.Valid(b) {
		w.fail("a string that is not UTF-8")
	}
	if !w.ok() || len(w.out)+len(b) > w.most {
		w.fail("the JSON is longer than it may be")
		return
	}
	text, err := json.Marshal(string(b))
	if err != nil {
		w.fail("%v", err)
	}
	w.out = append(w.out, text...)
	w.grown()
}

// scalar writes the bits of a scalar as a number, a truth value, or the name of an enum's value.
func (w *shower) scalar(is typ, bits uint64) {
	if !w.ok() {
		return
	}
	switch k := is.kind; {
	case is.enum != nil:
		w.enum(is.enum, k, bits)
	case k == kindBool:
		w.out = strconv.AppendBool(w.out, bits != 0)
	case k == kindFloat:
		w.real(float64(math.Float32frombits(uint32(bits))), 32)
	case k == kindDouble:
		w.real(math.Float64frombits(bits), 64)
	default:
		w.integer(k, bits)
	}
	w.grown()
}

// signed extends the bits of a kind to 64.
func signed(k kind, bits uint64) int64 {
	shift := 64 - 8*sizes[k]
	return int64(bits<<shift) >> shift
}

func (w *shower) integer(k kind, bits uint64) {
	if k.signed() {
		w.out = strconv.AppendInt(w.out, signed(k, bits), 10)
	} else {
		w.out = strconv.AppendUint(w.out, bits, 10)
	}
}

func (w *shower) real(v float64, size int) {
	switch {
	case math.IsNaN(v):
		w.out = append(w.out, `"NaN"`...)
	case math.IsInf(v, 1):
		w.out = append(w.out, `"Infinity"`...)
	case math.IsInf(v, -1):
		w.out = append(w.out, `"-Infinity"`...)
	default:
		form := byte('f') // as JavaScript writes numbers
		if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
			form = 'e'
		}
		w.out = strconv.AppendFloat(w.out, v, form, -1, size)
	}
}

// enum writes a name, several where the values are bits, and the number where there is none.
func (w *shower) enum(e *enum, k kind, bits uint64) {
	number := int64(bits)
	if k.signed() {
		number = signed(k, bits)
	}
	names := []byte{}
	if i, ok := e.byValue[number]; ok {
		names = append(names, e.values[i].name...)
	} else if e.flags {
		left := uint64(number)
		for _, v := range e.values {
			if v.number != 0 && left&uint64(v.number) == uint64(v.number) {
				left &^= uint64(v.number)
				names = append(append(names, v.name...), ' ')
			}
		}
		if left != 0 {
			names = nil
		}
	}
	if len(names) == 0 {
		w.integer(k, bits)
		return
	}
	if names[len(names)-1] == ' ' {
		names = names[:len(names)-1]
	}
	w.string(names)
}
