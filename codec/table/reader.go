package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Limits of one buffer. A buffer beyond them is refused.
const (
	// maxDepth is how deep tables may nest; the schema needs 4.
	maxDepth = 8
	// maxElements is how many tables, strings and vector elements are read of one buffer;
	// never more than it has bytes: each takes four at least, so equal ones may be shared a little.
	maxElements = 1 << 18
	// maxBuffer is the largest buffer: offsets are 32 bits, and no system table comes near.
	maxBuffer = 1 << 28
	// copyFactor bounds the bytes copied out of a buffer, as a multiple of its length:
	// builders may share equal strings, but not without end.
	copyFactor = 4
)

// ErrCorrupt is the identity of every [CorruptError].
var ErrCorrupt = errors.New("corrupt table")

// A CorruptError says where a buffer stops being a table, and why.
type CorruptError struct {
	Offset int // of the offending bytes in the buffer
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("corrupt table: offset %d: %s", e.Offset, e.Reason)
}

// Is reports that the error is [ErrCorrupt].
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// A Reader walks the tables of one buffer. Its first error stays: everything
// read after it is a zero value, so that a decoder checks [Reader.Err] once, at
// its end. A Reader must not be used by more than one goroutine at a time.
type Reader struct {
	buf      []byte
	elements int // still allowed
	copied   int // still allowed, in bytes
	err      error
}

// NewReader returns a reader of the buffer, which must not be changed while it is read.
func NewReader(buf []byte) *Reader {
	r := &Reader{buf: buf, elements: min(maxElements, len(buf)), copied: copyFactor * len(buf)}
	if len(buf) > maxBuffer {
		r.fail(0, "buffer too long")
	}
	return r
}

// Err returns the first error met.
func (r *Reader) Err() error { return r.err }

func (r *Reader) fail(offset int, reason string) {
	if r.err == nil {
		r.err = &CorruptError{Offset: offset, Reason: reason}
	}
}

// has reports whether n bytes lie at offset, and no error was met.
func (r *Reader) has(offset, n int, what string) bool {
	if r.err != nil {
		return false
	}
	if offset < 0 || n < 0 || offset > len(r.buf) || n > len(r.buf)-offset {
		r.fail(offset, what+" beyond the buffer")
		return false
	}
	return true
}

func (r *Reader) u16(offset int, what string) int {
	if !r.has(offset, 2, what) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(r.buf[offset:]))
}

func (r *Reader) u32(offset int, what string) uint32 {
	if !r.has(offset, 4, what) {
		return 0
	}
	return binary.LittleEndian.Uint32(r.buf[offset:])
}

// follow returns where the unsigned offset at the place leads. Targets lie
// behind it, so no chain of them is a circle.
func (r *Reader) follow(at int) int {
	off := r.u32(at, "offset")
	if r.err == nil && (off == 0 || uint64(off) > uint64(len(r.buf)-at)) {
		r.fail(at, "offset beyond the buffer")
	}
	if r.err != nil {
		return 0
	}
	return at + int(off)
}

// spend counts n elements.
func (r *Reader) spend(at, n int) bool {
	if r.err == nil && n > r.elements {
		r.fail(at, "too many elements")
	}
	if r.err != nil {
		return false
	}
	r.elements -= n
	return true
}

// Root returns the table that the buffer begins with.
func (r *Reader) Root() Table { return r.table(r.follow(0), 1) }

func (r *Reader) table(at, depth int) Table {
	t := Table{r: r, at: at, depth: depth}
	if depth > maxDepth {
		r.fail(at, "tables nested too deep")
	}
	if !r.spend(at, 1) || !r.has(at, 4, "table") {
		return Table{r: r}
	}
	vtable := int64(at) - int64(int32(r.u32(at, "table")))
	if vtable < 0 || vtable > int64(len(r.buf)) {
		r.fail(at, "vtable beyond the buffer")
		return Table{r: r}
	}
	t.vtable = int(vtable)
	t.vsize = r.u16(t.vtable, "vtable")
	t.size = r.u16(t.vtable+2, "vtable")
	if r.err == nil && (t.vsize < 4 || t.vsize%2 != 0 || t.size < 4) {
		r.fail(t.vtable, "vtable sizes")
	}
	if !r.has(t.vtable, t.vsize, "vtable") || !r.has(at, t.size, "table") {
		return Table{r: r}
	}
	return t
}

// A Table is one table of the buffer. The zero table of a reader has no
// fields. It is used by the goroutine that uses its reader.
type Table struct {
	r        *Reader
	at, size int // the table and its bytes
	vtable   int
	vsize    int // bytes of the vtable; 0: no table
	depth    int
}

// field returns where the field lies, or 0 if it has its default.
func (t Table) field(slot, size int) int {
	entry := 4 + 2*slot
	if t.r.err != nil || entry+2 > t.vsize {
		return 0
	}
	off := t.r.u16(t.vtable+entry, "vtable")
	if off == 0 {
		return 0
	}
	// The table's size says nothing here: builders share a vtable between tables with fields at the same places, and it
	// has the size of the first of them.
	if off < 4 || off+size > len(t.r.buf)-t.at {
		t.r.fail(t.vtable+entry, "field beyond the buffer")
		return 0
	}
	return t.at + off
}

// Uint8 returns a field of one byte, 0 where it is absent. Slots count the
// fields of the schema from 0.
func (t Table) Uint8(slot int) uint8 {
	if at := t.field(slot, 1); at != 0 {
		return t.r.buf[at]
	}
	return 0
}

// Bool returns a field of one byte as a truth value.
func (t Table) Bool(slot int) bool { return t.Uint8(slot) != 0 }

// Uint16 returns a field of two bytes, 0 where it is absent.
func (t Table) Uint16(slot int) uint16 {
	if at := t.field(slot, 2); at != 0 {
		return binary.LittleEndian.Uint16(t.r.buf[at:])
	}
	return 0
}

// Uint32 returns a field of four bytes, 0 where it is absent.
func (t Table) Uint32(slot int) uint32 {
	if at := t.field(slot, 4); at != 0 {
		return binary.LittleEndian.Uint32(t.r.buf[at:])
	}
	return 0
}

// Uint64 returns a field of eight bytes, 0 where it is absent.
func (t Table) Uint64(slot int) uint64 {
	if at := t.field(slot, 8); at != 0 {
		return binary.LittleEndian.Uint64(t.r.buf[at:])
	}
	return 0
}

// String returns a copy of a string field, "" where it is absent.
func (t Table) String(slot int) string {
	if at := t.field(slot, 4); at != 0 {
		return t.r.text(at)
	}
	return ""
}

// Required returns a copy of a string field that must be there.
func (t Table) Required(slot int) string {
	if t.vsize != 0 && t.field(slot, 4) == 0 {
		t.r.fail(t.at, "required field absent")
	}
	return t.String(slot)
}

// Child returns a field that is a table; the zero table where it is absent.
func (t Table) Child(slot int) Table {
	if at := t.field(slot, 4); at != 0 {
		return t.r.table(t.r.follow(at), t.depth+1)
	}
	return Table{r: t.r}
}

// Vector returns a field that is a vector of tables or strings, empty where it is absent.
func (t Table) Vector(slot int) Vector {
	at := t.field(slot, 4)
	if at == 0 {
		return Vector{r: t.r}
	}
	at = t.r.follow(at)
	n := t.r.u32(at, "vector")
	if t.r.err == nil && uint64(n)*4 > uint64(len(t.r.buf)-at-4) {
		t.r.fail(at, "vector beyond the buffer")
	}
	if !t.r.spend(at, int(min(n, maxElements+1))) {
		return Vector{r: t.r}
	}
	return Vector{r: t.r, at: at + 4, n: int(n), depth: t.depth}
}

// A Vector is a list of tables or strings. It is used by the goroutine that
// uses its reader.
type Vector struct {
	r     *Reader
	at, n int
	depth int
}

// Len returns the number of elements: it was counted against the limits, and
// each has at least its four bytes in the buffer.
func (v Vector) Len() int { return v.n }

// Table returns element i; i must be less than Len.
func (v Vector) Table(i int) Table { return v.r.table(v.r.follow(v.at+4*i), v.depth+1) }

// String returns a copy of element i; i must be less than Len.
func (v Vector) String(i int) string { return v.r.text(v.at + 4*i) }

// text copies the string to which the offset at the place leads.
func (r *Reader) text(at int) string {
	at = r.follow(at)
	n := r.u32(at, "string")
	if r.err == nil && uint64(n) >= uint64(len(r.buf)-at-4) {
		r.fail(at, "string beyond the buffer")
	}
	if r.err == nil && r.buf[at+4+int(n)] != 0 {
		r.fail(at, "string without its end") // readers in C rely on the zero
	}
	if !r.spend(at, 1) {
		return ""
	}
	if int(n) > r.copied {
		r.fail(at, "strings shared too often")
		return ""
	}
	r.copied -= int(n)
	b := r.buf[at+4 : at+4+int(n)]
	if !utf8.Valid(b) {
		r.fail(at, "string is not UTF-8")
		return ""
	}
	return string(b)
}
