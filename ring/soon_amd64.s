//go:build !race

#include "textflag.h"

// func soon(word *atomic.Uint64, v uint64, looks uint32) bool
TEXT ·soon(SB), NOSPLIT, $0-25
	MOVQ	word+0(FP), AX
	MOVQ	v+8(FP), CX
	MOVL	looks+16(FP), DX
again:
	CMPQ	(AX), CX
	JEQ	there
	PAUSE
	SUBL	$1, DX
	JNZ	again
	MOVB	$0, ret+24(FP)
	RET
there:
	MOVB	$1, ret+24(FP)
	RET
