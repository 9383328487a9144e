#include "textflag.h"

// func fetchOwn(line *atomic.Uint64, n uint64)
TEXT ·fetchOwn(SB), NOSPLIT, $0-16
	MOVD	line+0(FP), R0
	MOVD	n+8(FP), R1
again:
	PRFM	(R0), PSTL1KEEP
	ADD	$64, R0
	SUB	$1, R1
	CBNZ	R1, again
	RET
