package flatjson

import (
	"bytes"
	"math"
	"strconv"
)

// scalar reads a scalar as the bits that a payload has.
func (b *builder) scalar(at int, is typ) uint64 {
	k, sort := is.kind, b.text[at]
	switch {
	case sort == '{' || sort == '[' || sort == 'n':
		b.fail("%s, want %s", b.text.what(at), is.wanted())
	case is.enum != nil && sort == '"':
		return b.names(b.text.string(at), is)
	case k == kindBool:
		return b.truth(at)
	case sort == 't' || sort == 'f':
		b.fail("a truth value, want %s", is.wanted())
	case k.real():
		return b.float(at, k)
	default:
		return b.whole(at, is)
	}
	return 0
}

// wanted is what a scalar has to be, for an error.
func (t typ) wanted() string {
	switch {
	case t.enum != nil:
		return "one of " + t.enum.names()
	case t.kind == kindBool:
		return "true or false"
	case t.kind.real():
		return "a number"
	}
	return "an integer"
}

func (b *builder) truth(at int) uint64 {
	switch b.text[at] {
	case 't':
		return 1
	case 'f':
		return 0
	}
	b.fail("%s, want true or false", b.text.what(at))
	return 0
}

// digits is a number, which may stand in a string.
func (b *builder) digits(at int) string {
	if b.text[at] == '"' {
		return string(b.text.string(at))
	}
	return string(b.text.token(at))
}

func (b *builder) float(at int, k kind) uint64 {
	digits, size := b.digits(at), 8*sizes[k]
	v, err := strconv.ParseFloat(digits, size)
	switch {
	case digits == "NaN" || digits == "Infinity" || digits == "-Infinity":
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		b.fail("%s is no number of %d bits", clip([]byte(digits)), size)
	}
	if k == kindFloat {
		return uint64(math.Float32bits(float32(v)))
	}
	return math.Float64bits(v)
}

// exact is the largest number up to which a double has every integer.
const exact = 1 << 53

// whole reads an integer; 1e3 and 2.0 are some, too.
func (b *builder) whole(at int, is typ) uint64 {
	digits, size := b.digits(at), 8*sizes[is.kind]
	var bits uint64
	var err error
	if is.kind.signed() {
		var v int64
		v, err = strconv.ParseInt(digits, 10, size)
		bits = uint64(v) & (math.MaxUint64 >> (64 - size))
	} else {
		bits, err = strconv.ParseUint(digits, 10, size)
	}
	if err == nil {
		return bits
	}
	if v, e := strconv.ParseFloat(digits, 64); e == nil && v == math.Trunc(v) && math.Abs(v) < exact {
		if bits, ok := fit(int64(v), is.kind); ok {
			return bits
		}
	}
	low, high := "0", strconv.FormatUint(math.MaxUint64>>(64-size), 10)
	if is.kind.signed() {
		low, high = strconv.FormatInt(math.MinInt64>>(64-size), 10), strconv.FormatInt(math.MaxInt64>>(64-size), 10)
	}
	b.fail("%s is no integer from %s to %s", clip([]byte(digits)), low, high)
	return 0
}

// fit are the bits of a number in a kind, if it fits.
func fit(v int64, k kind) (uint64, bool) {
	size := 8 * sizes[k]
	bits := uint64(v) & (math.MaxUint64 >> (64 - size))
	if k.signed() {
		return bits, signed(k, bits) == v
	}
	return bits, v >= 0 && bits == uint64(v)
}

// names reads the names of an enum's values: one, or several of bit_flags.
func (b *builder) names(text []byte, is typ) uint64 {
	var sum uint64
	words := [][]byte{text}
	if is.enum.flags {
		words = bytes.Fields(text)
	}
	for _, word := range words {
		i, ok := is.enum.byName[string(word)]
		if !ok {
			b.fail("%q is none of %s", clip(word), is.enum.names())
			return 0
		}
		sum |= uint64(is.enum.values[i].number)
	}
	return sum & (math.MaxUint64 >> (64 - 8*sizes[is.kind]))
}
