#include "textflag.h"

// CLFLUSHOPT (AX), which the assembler does not know.
#define CLFLUSHOPT_AX BYTE $0x66; BYTE $0x0F; BYTE $0xAE; BYTE $0x38

// func flushLines(line *atomic.Uint64, n uint64)
TEXT ·flushLines(SB), NOSPLIT, $0-16
	MOVQ	line+0(FP), AX
	MOVQ	n+8(FP), CX
again:
	CLFLUSHOPT_AX
	ADDQ	$64, AX
	SUBQ	$1, CX
	JNZ	again
	RET

// func canFlush() bool
//
// CPUID leaf 7, EBX bit 23.
TEXT ·canFlush(SB), NOSPLIT, $0-1
	MOVB	$0, ret+0(FP)
	MOVL	$0, AX
	CPUID
	CMPL	AX, $7
	JCS	done
	MOVL	$7, AX
	MOVL	$0, CX
	CPUID
	SHRL	$23, BX
	ANDL	$1, BX
	MOVB	BX, ret+0(FP)
done:
	RET
