//go:build !race

#include "textflag.h"

// On x86 every store is a release, and stores stay in order.

// func storeRelease(word *atomic.Uint64, v uint64)
TEXT ·storeRelease(SB), NOSPLIT, $0-16
	MOVQ	word+0(FP), AX
	MOVQ	v+8(FP), CX
	MOVQ	CX, (AX)
	RET

// func storeBefore(word *atomic.Uint64, v uint64)
TEXT ·storeBefore(SB), NOSPLIT, $0-16
	MOVQ	word+0(FP), AX
	MOVQ	v+8(FP), CX
	MOVQ	CX, (AX)
	RET
