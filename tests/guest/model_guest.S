/* SPDX-License-Identifier: MIT */
/*
 * The guest of a device model's claims: 64-bit code, position-independent, copied to MODEL_CODE of
 * a domain of type=pvh (model.c). rbx: its mailbox (struct mailbox of model.h), which says what to
 * do; rsp: the end of a stack. It does one thing after another, and yields in between.
 */
#define CALL(nr)	mov BOX_CALLS(%rbx), %rax; add $32 * nr, %rax; call *%rax
#define BOX_POSTED	0
#define BOX_DONE	8
#define BOX_OP		16
#define BOX_ADDR	24
#define BOX_DATA	32
#define BOX_RESULT	40
#define BOX_COUNT	48
#define BOX_MISSED	56
#define BOX_RESERVATION	64
#define BOX_GFN		96
#define BOX_CALLS	104
#define BOX_PHYSMAP	112
#define BOX_GPFN	128

	.section .rodata, "a"
	.code64
	.globl model_guest, model_guest_end
	.p2align 4
model_guest:
	mov $0x40000000, %ecx
	mov BOX_CALLS(%rbx), %rax	/* a page for each: it is filled while others run */
	xor %edx, %edx
	wrmsr
next:	mov BOX_POSTED(%rbx), %r12
	cmp BOX_DONE(%rbx), %r12
	jne do
	xor %edi, %edi			/* SCHEDOP_yield */
	xor %esi, %esi
	CALL(29)
	jmp next
do:	mov BOX_OP(%rbx), %eax
	mov BOX_ADDR(%rbx), %rdx
	mov BOX_DATA(%rbx), %rsi
	lea ops(%rip), %rcx
	movslq (%rcx, %rax, 4), %rax
	add %rcx, %rax
	jmp *%rax
done:	mov %rax, BOX_RESULT(%rbx)
	mov %r12, BOX_DONE(%rbx)
	jmp next

	.p2align 2
ops:	.long out8 - ops, out16 - ops, out32 - ops, in8 - ops, in16 - ops, in32 - ops
	.long st8 - ops, st16 - ops, st32 - ops, st64 - ops, ld8 - ops, ld16 - ops, ld32 - ops
	.long ld64 - ops, give - ops, give_all - ops, no - ops, in_many - ops
	.long st_many - ops, cover - ops, event - ops

/* rax: what the register held that was written, or that was read to: ones before. */
#define BODY(name, ...) name: mov %rsi, %rax; __VA_ARGS__; jmp done
BODY(out8, out %al, %dx)
BODY(out16, out %ax, %dx)
BODY(out32, out %eax, %dx)
BODY(in8, in %dx, %al)
BODY(in16, in %dx, %ax)
BODY(in32, in %dx, %eax)
BODY(st8, mov %ah, (%rdx))
BODY(st16, mov %ax, (%rdx))
BODY(st32, mov %eax, (%rdx))
BODY(st64, mov %rax, (%rdx))
BODY(ld8, mov (%rdx), %ah)
BODY(ld16, mov (%rdx), %ax)
BODY(ld32, mov (%rdx), %eax)
BODY(ld64, mov (%rdx), %rax)
BODY(no, nop)
in_many: in %dx, %al
	dec %rsi
	jnz in_many
	jmp done
/*
 * With interrupts on, though none will come: a guest that is entered with them off Bochs 2.7 never
 * leaves for one of ours.
 */
st_many: sti
1:	mov %si, (%rdx)
	dec %rsi
	jnz 1b
	cli
	xor %eax, %eax
	jmp done

/* decrease_reservation of gfn rdx: rax, 1. In .missed: the model has not been asked meanwhile. */
give_one:
	mov %rdx, BOX_GFN(%rbx)
	mov BOX_COUNT(%rbx), %r13
	mov $1, %edi
	lea BOX_RESERVATION(%rbx), %rsi
	CALL(12)
	cmp BOX_COUNT(%rbx), %r13
	jne 1f
	incq BOX_MISSED(%rbx)
1:	ret

give:	call give_one
	jmp done

/* rsi of them, from rdx on: rax, how many came. */
give_all:
	mov %rdx, %r14
	lea (%rdx, %rsi), %r15
	xor %ebp, %ebp
1:	mov %r14, %rdx
	call give_one
	add %rax, %rbp
	inc %r14
	cmp %r15, %r14
	jb 1b
	mov %rbp, %rax
	jmp done

/* add_to_physmap of shared_info, over gfn rdx. */
cover:	mov %rdx, BOX_GPFN(%rbx)
	mov $7, %edi
	lea BOX_PHYSMAP(%rbx), %rsi
	CALL(12)
	jmp done

/* event_channel_op rdx of port rsi, whose structure that is. */
event:	mov %rdx, %rdi
	mov %rsi, BOX_GFN(%rbx)
	lea BOX_GFN(%rbx), %rsi
	CALL(32)
	jmp done
model_guest_end:
	.section .note.GNU-stack, "", @progbits
