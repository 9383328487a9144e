//go:build !race

#include "textflag.h"

// func soon(word *atomic.Uint64, v uint64, looks uint32) bool
TEXT ·soon(SB), NOSPLIT, $0-25
	MOVD	word+0(FP), R0
	MOVD	v+8(FP), R1
	MOVWU	looks+16(FP), R2
again:
	LDAR	(R0), R3
	CMP	R1, R3
	BEQ	there
	YIELD
	SUBW	$1, R2
	CBNZW	R2, again
	MOVB	ZR, ret+24(FP)
	RET
there:
	MOVD	$1, R3
	MOVB	R3, ret+24(FP)
	RET
