//go:build amd64 && !race

package ringcast

import (
	"sync/atomic"
	"unsafe"
)

// storePlain stores v without a fence, between atomic accesses over which the compiler
// moves nothing; on x86 every store is a release.
func storePlain(word *atomic.Int32, v int32) { *(*int32)(unsafe.Pointer(word)) = v }

var _ = [1]struct{}{}[unsafe.Sizeof(atomic.Int32{})-unsafe.Sizeof(int32(0))]
