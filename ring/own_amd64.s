#include "textflag.h"

// PREFETCHW (AX), which the assembler does not know. Processors without it take it
// for a no-op.
#define PREFETCHW_AX BYTE $0x0F; BYTE $0x0D; BYTE $0x08

// func fetchOwn(line *atomic.Uint64, n uint64)
TEXT ·fetchOwn(SB), NOSPLIT, $0-16
	MOVQ	line+0(FP), AX
	MOVQ	n+8(FP), CX
again:
	PREFETCHW_AX
	ADDQ	$64, AX
	SUBQ	$1, CX
	JNZ	again
	RET
