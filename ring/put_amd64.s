//go:build !race

#include "textflag.h"

// x86 keeps stores in order: tail, slot, published.

// func putSlot(tail *atomic.Uint64, next uint64, slot *byte, lap uint64, head *bodyWords, payload *byte, n int)
TEXT ·putSlot(SB), NOSPLIT, $0-56
	MOVQ	tail+0(FP), AX
	MOVQ	next+8(FP), CX
	MOVQ	CX, (AX)
	MOVQ	slot+16(FP), DI
	MOVQ	head+32(FP), SI
	MOVQ	0(SI), AX
	MOVUPS	8(SI), X0	// words 1 and 2 together: they were not stored just now
	MOVQ	24(SI), CX
	MOVQ	32(SI), DX
	MOVQ	40(SI), R8
	MOVQ	48(SI), R9
	MOVQ	AX, 8(DI)
	MOVUPS	X0, 16(DI)
	MOVQ	CX, 32(DI)
	MOVQ	DX, 40(DI)
	MOVQ	R8, 48(DI)
	MOVQ	R9, 56(DI)
	MOVQ	n+48(FP), CX
	TESTQ	CX, CX
	JZ	publish
	MOVQ	payload+40(FP), SI
	LEAQ	64(DI), DX
	SUBQ	$64, CX
	JB	rest

lines:
	MOVUPS	0(SI), X0
	MOVUPS	16(SI), X1
	MOVUPS	32(SI), X2
	MOVUPS	48(SI), X3
	MOVUPS	X0, 0(DX)
	MOVUPS	X1, 16(DX)
	MOVUPS	X2, 32(DX)
	MOVUPS	X3, 48(DX)
	ADDQ	$64, SI
	ADDQ	$64, DX
	SUBQ	$64, CX
	JAE	lines

rest:	// CX is the number of bytes left, 0 to 63, less 64
	ADDQ	$64, CX
	JZ	publish
	CMPQ	CX, $16
	JB	few
	MOVUPS	-16(SI)(CX*1), X3
	CMPQ	CX, $32
	JBE	half
	MOVUPS	0(SI), X0
	MOVUPS	16(SI), X1
	MOVUPS	-32(SI)(CX*1), X2
	MOVUPS	X0, 0(DX)
	MOVUPS	X1, 16(DX)
	MOVUPS	X2, -32(DX)(CX*1)
	MOVUPS	X3, -16(DX)(CX*1)
	JMP	publish

half:	// 16 to 32
	MOVUPS	0(SI), X0
	MOVUPS	X0, 0(DX)
	MOVUPS	X3, -16(DX)(CX*1)
	JMP	publish

few:	// 1 to 15
	CMPQ	CX, $8
	JB	fewer
	MOVQ	0(SI), AX
	MOVQ	-8(SI)(CX*1), R8
	MOVQ	AX, 0(DX)
	MOVQ	R8, -8(DX)(CX*1)
	JMP	publish

fewer:
	CMPQ	CX, $4
	JB	bytes
	MOVL	0(SI), AX
	MOVL	-4(SI)(CX*1), R8
	MOVL	AX, 0(DX)
	MOVL	R8, -4(DX)(CX*1)
	JMP	publish

bytes:
	MOVB	-1(SI)(CX*1), AX
	MOVB	AX, -1(DX)(CX*1)
	DECQ	CX
	JNZ	bytes

publish:
	MOVQ	lap+24(FP), AX
	MOVQ	AX, 0(DI)
	RET
