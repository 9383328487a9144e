package fields

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// lead is what a field costs besides its bytes: its length.
const lead = 4

// ErrMalformed means that bytes are not a list of fields.
var ErrMalformed = errors.New("malformed fields")

// Size is how many bytes Append needs for a list.
func Size(list ...[]byte) int {
	size := lead * len(list)
	for _, f := range list {
		size += len(f)
	}
	return size
}

// Append appends a list of fields, and returns the longer slice. It allocates where the
// capacity of dst does not suffice. A field of 4 GiB or more, which no message could
// bear, panics. It may be called by several goroutines.
func Append(dst []byte, list ...[]byte) []byte {
	for _, f := range list {
		if len(f) > math.MaxUint32 {
			panic(fmt.Sprintf("field of %d bytes: want at most %d", len(f), uint32(math.MaxUint32)))
		}
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(f)))
		dst = append(dst, f...)
	}
	return dst
}

// Count is how many fields a payload has. Errors: ErrMalformed, with the place where the
// list breaks off. It does not allocate but for the error.
func Count(payload []byte) (int, error) {
	n := 0
	for at := 0; at < len(payload); n++ {
		rest := len(payload) - at - lead
		if rest < 0 {
			return 0, fmt.Errorf("%w: %d bytes at %d, where a length of %d begins", ErrMalformed, len(payload)-at, at, lead)
		}
		size := binary.LittleEndian.Uint32(payload[at:])
		if uint64(size) > uint64(rest) {
			return 0, fmt.Errorf("%w: the field at %d has %d bytes, and %d are left", ErrMalformed, at, size, rest)
		}
		at += lead + int(size)
	}
	return n, nil
}

// Parse returns the fields of a payload, which lie in it: they are valid as long as it
// is. All of it is checked first. Errors: ErrMalformed. It allocates the list.
func Parse(payload []byte) ([][]byte, error) {
	n, err := Count(payload)
	if err != nil {
		return nil, err
	}
	list := make([][]byte, 0, n)
	for range n {
		size := int(binary.LittleEndian.Uint32(payload))
		end := lead + size
		list = append(list, payload[lead:end:end])
		payload = payload[end:]
	}
	return list, nil
}
