package ringcast

import (
	"unsafe"

	"github.com/ringcast/ringcast/ring"
)

// rawOf views messages as package ring fills them: a Message has nothing besides.
func rawOf(ms []Message) []ring.Message {
	return unsafe.Slice((*ring.Message)(unsafe.Pointer(unsafe.SliceData(ms))), len(ms))
}

var _ = [1]struct{}{}[unsafe.Sizeof(Message{})-unsafe.Sizeof(ring.Message{})]
