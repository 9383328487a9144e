//go:build !race

#include "textflag.h"

// func storeRelease(word *atomic.Uint64, v uint64)
TEXT ·storeRelease(SB), NOSPLIT, $0-16
	MOVD	word+0(FP), R0
	MOVD	v+8(FP), R1
	STLR	R1, (R0)
	RET

// func storeBefore(word *atomic.Uint64, v uint64)
TEXT ·storeBefore(SB), NOSPLIT, $0-16
	MOVD	word+0(FP), R0
	MOVD	v+8(FP), R1
	STLR	R1, (R0)
	DMB	$0xa // ISHST: before every later store
	RET
