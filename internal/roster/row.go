package roster

import (
	"encoding/binary"
	"hash/fnv"
	"math/bits"
	"slices"

	"github.com/ringcast/ringcast/codec/table"
)

// Bounds of what is told of a participant and of a node, by sizeOf.
const (
	rowSize  = 4 << 10
	nodeSize = 192 << 10
)

// equal says whether two rows tell the same.
func equal(a, b table.RemoteParticipant) bool {
	return a.Index == b.Index && a.Generation == b.Generation && a.Language == b.Language && a.Partial == b.Partial &&
		a.Info.Name == b.Info.Name && a.Info.Version == b.Info.Version &&
		slices.Equal(a.Info.Interests, b.Info.Interests) && slices.EqualFunc(a.Info.Services, b.Info.Services, sameService)
}

// sameService leaves the room out: that is no part of the state.
func sameService(a, b table.Service) bool { return a.Name == b.Name && a.Limit == b.Limit }

// digestOf is the digest of a state (spec/messaging.md, 14).
func digestOf(rows []table.RemoteParticipant) (digest uint64) {
	var b []byte
	for i := range rows {
		b = appendRow(b[:0], &rows[i])
		h := fnv.New64a()
		_, _ = h.Write(b)
		digest ^= h.Sum64()
	}
	return digest
}

// appendRow writes a row as its digest is made of it.
func appendRow(b []byte, row *table.RemoteParticipant) []byte {
	le := binary.LittleEndian
	b = le.AppendUint16(b, row.Index)
	b = le.AppendUint32(b, row.Generation)
	b = append(b, row.Language, bit(row.Partial, 1))
	b = appendText(b, row.Info.Name)
	b = appendText(b, row.Info.Version)
	for _, i := range row.Info.Interests {
		b = appendText(b, i.Name)
		b = append(b, bit(i.Pattern, 1)|bit(i.Publisher, 2)|bit(i.LocalOnly, 4)|bit(i.Live, 8))
	}
	b = append(b, 0)
	for _, s := range row.Info.Services {
		b = appendText(b, s.Name)
		b = le.AppendUint32(b, s.Limit)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

func bit(set bool, value byte) byte {
	if set {
		return value
	}
	return 0
}

// step is the greatest of 0, 1, 2, 4, 8 .. that is not above n.
func step(n uint32) uint32 {
	if n == 0 {
		return 0
	}
	return 1 << (bits.Len32(n) - 1)
}

// sizeOf is what a row counts for, about its bytes in a table.
func sizeOf(row *table.RemoteParticipant) int {
	n := 64 + len(row.Info.Name) + len(row.Info.Version)
	for i := range row.Info.Interests {
		n += 40 + len(row.Info.Interests[i].Name)
	}
	for i := range row.Info.Services {
		n += 40 + len(row.Info.Services[i].Name)
	}
	return n
}

// Fit returns the rows as they are told: what is too large leaves out interests, then
// services, and is partial; a node that has too much leaves out all interests, then rows
// without services, then rows. The rows are not changed.
func Fit(rows []table.RemoteParticipant) []table.RemoteParticipant {
	list := make([]table.RemoteParticipant, len(rows))
	total := 0
	for i := range rows {
		list[i] = cutRow(rows[i])
		total += sizeOf(&list[i])
	}
	if total > nodeSize {
		total = 0
		for i := range list {
			list[i] = withoutInterests(list[i])
			total += sizeOf(&list[i])
		}
	}
	for _, served := range []bool{false, true} {
		list = slices.DeleteFunc(list, func(row table.RemoteParticipant) bool {
			if total <= nodeSize || (len(row.Info.Services) > 0) != served {
				return false
			}
			total -= sizeOf(&row)
			return true
		})
	}
	return list[:min(len(list), rowsMax)]
}

// cutRow bounds one row.
func cutRow(row table.RemoteParticipant) table.RemoteParticipant {
	row.Info.Name, row.Info.Version = cutText(row.Info.Name), cutText(row.Info.Version)
	if sizeOf(&row) <= rowSize {
		return row
	}
	row = withoutInterests(row)
	for sizeOf(&row) > rowSize {
		row.Info.Services = row.Info.Services[:len(row.Info.Services)-1]
		row.Partial = true
	}
	return row
}

// textMax bounds a participant's name and version in a row.
const textMax = 256

// cutText bounds a text, at the border of a character.
func cutText(s string) string {
	if len(s) <= textMax {
		return s
	}
	n := textMax
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

func withoutInterests(row table.RemoteParticipant) table.RemoteParticipant {
	row.Partial = row.Partial || len(row.Info.Interests) > 0
	row.Info.Interests = nil
	return row
}
