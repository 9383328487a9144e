package flatjson

import "encoding/binary"

// A scan reads a FlatBuffer that anybody may have written. Its first fault stays: what is
// read after it is zero.
type scan struct {
	trail
	b []byte
}

// A table is a place whose vtable and bytes lie in the buffer.
type table struct{ at, size, vtable, vsize int }

func (s *scan) has(at, n int) bool {
	if s.fault != nil {
		return false
	}
	if at < 0 || n < 0 || at > len(s.b) || n > len(s.b)-at {
		s.fail("beyond the buffer: %d bytes at %d of %d", n, at, len(s.b))
		return false
	}
	return true
}

func (s *scan) u16(at int) int {
	if !s.has(at, 2) {
		return 0
	}
	return int(binary.LittleEndian.Uint16(s.b[at:]))
}

func (s *scan) u32(at int) uint32 {
	if !s.has(at, 4) {
		return 0
	}
	return binary.LittleEndian.Uint32(s.b[at:])
}

// number reads an unsigned number of 1, 2, 4 or 8 bytes.
func (s *scan) number(at, size int) uint64 {
	if !s.has(at, size) {
		return 0
	}
	var v uint64
	for i := size - 1; i >= 0; i-- {
		v = v<<8 | uint64(s.b[at+i])
	}
	return v
}

// follow returns where the offset at the place leads: always further on.
func (s *scan) follow(at int) int {
	off := s.u32(at)
	if s.fault == nil && (off == 0 || uint64(off) > uint64(len(s.b)-at)) {
		s.fail("an offset leads out of the buffer")
	}
	if s.fault != nil {
		return 0
	}
	return at + int(off)
}

// table checks the table at a place.
func (s *scan) table(at int) table {
	if !s.has(at, 4) {
		return table{}
	}
	vtable := int64(at) - int64(int32(s.u32(at)))
	if vtable < 0 || vtable > int64(len(s.b)) {
		s.fail("a table without a vtable in the buffer")
		return table{}
	}
	t := table{at: at, vtable: int(vtable)}
	t.vsize, t.size = s.u16(t.vtable), s.u16(t.vtable+2)
	if s.fault == nil && (t.vsize < 4 || t.vsize%2 != 0 || t.size < 4) {
		s.fail("a vtable of wrong sizes")
	}
	if !s.has(t.vtable, t.vsize) || !s.has(at, t.size) {
		return table{}
	}
	return t
}

// field returns where the field with the place in the vtable lies, 0 where it is absent.
func (s *scan) field(t table, entry, size int) int {
	if s.fault != nil || entry+2 > t.vsize {
		return 0
	}
	off := s.u16(t.vtable + entry)
	if off == 0 {
		return 0
	}
	if off < 4 || off+size > t.size {
		s.fail("a field beyond its table")
		return 0
	}
	return t.at + off
}

// vector returns the first element and the number of them, of the vector to which the
// offset at the place leads.
func (s *scan) vector(at, size int) (first, n int) {
	at = s.follow(at)
	count := s.u32(at)
	if s.fault == nil && uint64(count)*uint64(size) > uint64(len(s.b)-at-4) {
		s.fail("a vector of %d elements, beyond the buffer", count)
	}
	if s.fault != nil {
		return 0, 0
	}
	return at + 4, int(count)
}

// text returns the bytes of the string to which the offset at the place leads.
func (s *scan) text(at int) []byte {
	first, n := s.vector(at, 1)
	if !s.has(first, n+1) {
		return nil
	}
	if s.b[first+n] != 0 {
		s.fail("a string without its end") // readers in C rely on the zero
		return nil
	}
	return s.b[first : first+n]
}
