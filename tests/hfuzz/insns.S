/* SPDX-License-Identifier: MIT */
/*
 * Instructions that ring 3 may not use, or that trap, each a function of its own: a table per kind.
 *   in    rax rcx rdx rbx rsi rdi r8: any values; the stack is good
 *   out   ret; a trap goes on elsewhere (context_resume)
 * What an instruction may leave behind that the guest cannot live with is put right before ret.
 */
	.macro	KIND name
	.section .rodata
	.balign	8
	.globl	insns_\name
insns_\name:
	.text
	.endm

	.macro	END_KIND
	.section .rodata
	.quad	0
	.text
	.endm

	.macro	INSN_HERE
	.section .rodata
	.quad	9f
	.text
9:
	.endm

	.macro	INSN text:req
	INSN_HERE
	\text
	ret
	.endm

	KIND	system
	INSN	"mov %cr0, %rax"
	INSN	"mov %cr2, %rax"
	INSN	"mov %cr3, %rax"
	INSN	"mov %cr4, %rax"
	INSN	"mov %cr8, %rax"
	INSN	"mov %rax, %cr0"
	INSN	"mov %cr0, %rax; and $~8, %rax; and $8, %edx; or %rdx, %rax; mov %rax, %cr0; clts"
	INSN	"mov %rax, %cr2"
	INSN	"mov %rax, %cr3"
	INSN	"mov %cr3, %rax; mov %rax, %cr3"
	INSN	"and $~4, %rax; mov %rax, %cr4; xor %eax, %eax; mov %rax, %cr4"
	INSN	"mov %rax, %cr8"
	INSN	"mov %dr0, %rax"
	INSN	"mov %dr6, %rax"
	INSN	"mov %dr7, %rax"
	INSN	"mov %dr4, %rax"
	INSN	"mov %rdi, %dr1"
	INSN	"mov %rax, %dr6"
	INSN	"mov %rax, %dr7; xor %eax, %eax; mov %rax, %dr7"
	INSN	"clts"
	INSN	"rdmsr"
	INSN	"wrmsr"
	INSN	"mov $0xc0000080, %ecx; rdmsr; wrmsr"
	INSN	"mov $0x277, %ecx; rdmsr; wrmsr"
	INSN	"mov $0xc0000101, %ecx; wrmsr"
	INSN	"mov $0xc0000103, %ecx; wrmsr"
	INSN	"rdtsc"
	INSN	"rdtscp"
	INSN	"rdpmc"
	INSN	"invd"
	INSN	"wbinvd"
	INSN	"invlpg (%rdi)"
	INSN	"lgdt (%rsi)"
	INSN	"lidt (%rsi)"
	INSN	"lldt %ax"
	INSN	"ltr %ax"
	INSN	"lmsw %ax"
	INSN	"sub $16, %rsp; sgdt (%rsp); add $16, %rsp"
	INSN	"sub $16, %rsp; sidt (%rsp); add $16, %rsp"
	INSN	"sldt %rax"
	INSN	"str %rax"
	INSN	"smsw %rax"
	INSN	"xor %ecx, %ecx; xgetbv"
	INSN	"xsetbv"
	INSN_HERE
	mov	%cr4, %rax
	or	$0x40000, %rax
	mov	%rax, %cr4
	xor	%ecx, %ecx
	mov	$3, %eax
	xor	%edx, %edx
	xsetbv
	ret
	INSN	"swapgs"
	INSN	"sysretq"
	INSN	"sysexitl"
	INSN	"hlt"
	INSN	"monitor"
	INSN	"mwait"
	INSN	"cpuid"
	/* with the prefix that asks Xen to emulate it */
	INSN	".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2"
	INSN	"mov $0x40000000, %eax; cpuid"
	INSN	"rsm"
	INSN	"vmcall"
	INSN	"vmmcall"
	INSN	"vmxoff"
	INSN	"clgi"
	INSN	"skinit"
	INSN	"cli; sti"
	INSN	"sti"
	INSN	"invpcid (%rsi), %rax"
	INSN	"clac"
	INSN	"stac"
	END_KIND

	KIND	flow
	INSN	"int3"
	INSN	".byte 0xcd, 3"
	INSN	"int $4"
	INSN	"int $0x80"
	INSN	"int $0x81"
	INSN	"int $0x82"
	INSN	"int $0x20"
	INSN	"int $0x7f"
	INSN	"int $0xf0"
	INSN	"int $0xff"
	INSN	"int $0"
	INSN	"int $2"
	INSN	"int $8"
	INSN	"int $13"
	INSN	"int $14"
	INSN	"int $18"
	INSN	".byte 0xf1"				/* ICEBP */
	INSN	"ud2"
	INSN	".byte 0x0f, 0xff, 0xc0"		/* UD0 */
	INSN	".byte 0xce"				/* INTO: none in 64-bit mode */
	INSN	"div %ecx"
	INSN	"xor %ecx, %ecx; div %rcx"
	INSN	"sysenter"
	INSN	"mov $0x3f, %eax; syscall"
	INSN	"mov $0x7fffffff, %eax; syscall"
	INSN	"mov $~0, %rax; syscall"
	INSN	"jmp *%r8"
	INSN	"call *%r8"
	INSN	"pushfq; orq $0x100, (%rsp); popfq; nop; nop"
	INSN_HERE
	pushfq
	orq	$0x40000, (%rsp)
	popfq
	mov	1(%rsp), %rax
	pushfq
	andq	$~0x40000, (%rsp)
	popfq
	ret
	INSN	"pushfq; orq $0x7000, (%rsp); popfq; pushfq; andq $~0x4000, (%rsp); popfq"
	INSN	"pushfq; xorq %rax, (%rsp); andq $0x200ed5, (%rsp); popfq; cld"
	INSN	"pushq $0; push %rax; push %rax; push %rdi; push %r8; iretq"
	INSN	".byte 0xf0, 0x90"			/* LOCK NOP */
	INSN	".rept 15; .byte 0x66; .endr; nop"
	INSN	".byte 0xc4, 0xe2, 0x79, 0x18, 0x00"
	END_KIND

	KIND	selectors
	INSN	"mov %eax, %ds"
	INSN	"mov %eax, %es"
	INSN	"mov %eax, %fs"
	INSN	"mov %eax, %gs"
	INSN	"xor %ecx, %ecx; mov %ecx, %ds; mov %ecx, %es; mov %ecx, %fs; mov %ecx, %gs"
	INSN	"mov %ss, %ecx; mov %eax, %ss; mov %ecx, %ss"
	INSN	"lar %eax, %ecx"
	INSN	"lsl %eax, %ecx"
	INSN	"verr %ax"
	INSN	"verw %ax"
	INSN	"mov %eax, %gs; mov %gs:0, %rcx"
	INSN	"mov %eax, %fs; mov %fs:8, %ecx"
	INSN	"mov %gs:(%rdi), %rcx"
	INSN	"rdfsbase %rax"
	INSN	"wrgsbase %rax"
	INSN	"push %fs; pop %fs"
	INSN	"sub $16, %rsp; mov %edi, (%rsp); mov %ax, 4(%rsp); lfs (%rsp), %ecx; add $16, %rsp"
	END_KIND

	KIND	fpu
	INSN	"fninit; fldz; fstp %st"
	INSN	"fwait"
	INSN_HERE
	fninit
	mov	$0x0300, %ecx
	push	%rcx
	fldcw	(%rsp)
	pop	%rcx
	fld1
	fldz
	fdivrp
	fwait
	fninit
	ret
	INSN	"push %rax; ldmxcsr (%rsp); pop %rax"
	INSN	"movd %eax, %xmm0; movaps %xmm0, %xmm1"
	INSN	"movaps 1(%rsp), %xmm0"
	INSN	"pxor %xmm0, %xmm0; divps %xmm0, %xmm0"
	INSN	"sub $576, %rsp; and $-64, %rsp; fxsave (%rsp); mov %rbp, %rsp"
	INSN	"fxrstor (%rsi)"
	INSN_HERE
	sub	$4096, %rsp
	and	$-64, %rsp
	mov	$-1, %eax
	mov	%eax, %edx
	xsave	(%rsp)
	mov	%rbp, %rsp
	ret
	INSN	"mov $-1, %eax; mov %eax, %edx; xrstor (%rsi)"
	INSN	"vzeroupper"
	INSN	"emms"
	END_KIND

/*
 * Stores into memory that may be a page table, at %rdi. Operands: rax a whole entry; rcx flags only
 * (its low half byte); so that no store makes an entry with a frame that neither side had.
 */
	KIND	stores
	INSN	"mov %rax, (%rdi)"
	INSN	"movq $0, (%rdi)"
	INSN	"xchg %rax, (%rdi)"
	INSN	"lock xchg %rax, (%rdi)"
	INSN	"mov (%rdi), %rdx; xchg %rax, %rdx; lock cmpxchg %rdx, (%rdi)"
	INSN	"mov %rax, %rdx; mov (%rdi), %rax; lock cmpxchg %rdx, (%rdi)"
	INSN	"mov %rax, %rdx; mov (%rdi), %rax; cmpxchg %rdx, (%rdi)"
	INSN_HERE
	mov	%rax, %rbx
	mov	(%rdi), %eax
	mov	4(%rdi), %edx
	mov	%ebx, %ebx
	xor	%ecx, %ecx
	lock cmpxchg8b (%rdi)
	ret
	INSN_HERE
	and	$-16, %rdi
	mov	%rax, %rbx
	mov	%rax, %rcx
	mov	(%rdi), %rax
	mov	8(%rdi), %rdx
	lock cmpxchg16b (%rdi)
	ret
	INSN	"or %rcx, (%rdi)"
	INSN	"lock orb %cl, (%rdi)"
	INSN	"not %rcx; and %rcx, (%rdi)"
	INSN	"lock btrq $1, (%rdi)"
	INSN	"lock btsq $5, (%rdi)"
	INSN	"btcq $0, (%rdi)"
	INSN	"xor %rcx, (%rdi)"
	INSN	"movb %cl, (%rdi)"
	INSN	"orw $0x20, (%rdi)"
	INSN	"movl %eax, (%rdi)"
	INSN	"mov %rax, 8(%rdi)"
	INSN	"stosq"
	INSN	"cld; push %rax; mov %rsp, %rsi; movsq; pop %rax"
	INSN	"mov $2, %ecx; rep stosq"
	INSN	"movnti %rax, (%rdi)"
	INSN	"push %rbp; mov %rsp, %rbp; push %rax; popq (%rdi); mov %rbp, %rsp; pop %rbp"
	INSN	"movq %xmm0, %xmm0; movd %eax, %xmm1; pxor %xmm1, %xmm1; movups %xmm1, (%rdi)"
	INSN	"mov %rax, %ss:(%rdi)"
	INSN	"mov %rax, (%edi)"
	END_KIND

/* Ports: %dx is one that does no harm. */
	KIND	ports
	INSN	"in %dx, %al"
	INSN	"in %dx, %ax"
	INSN	"in %dx, %eax"
	INSN	"mov $0x5a, %al; out %al, $0x80"
	INSN	"in $0x80, %al"
	INSN	"mov $0x80, %edx; out %al, %dx"
	INSN	"mov $0x80, %edx; outsb"
	INSN	"mov $0x80, %edx; mov $3, %ecx; rep outsb"
	INSN	"mov %rbx, %rdi; insb"
	INSN	"mov %rbx, %rdi; mov $3, %ecx; rep insl"
	INSN_HERE
	mov	$0xcf8, %edx
	mov	$0x80000000, %eax
	out	%eax, %dx
	mov	$0xcfc, %edx
	in	%dx, %eax
	ret
	INSN	"mov $0xcfd, %edx; in %dx, %ax"
	INSN	"mov $0x70, %edx; mov $0x0a, %al; out %al, %dx; inc %edx; in %dx, %al"
	INSN	"mov $0x61, %edx; in %dx, %al"
	INSN	"mov $0xffff, %edx; in %dx, %eax"
	INSN	"mov $0x20, %edx; out %al, %dx"
	INSN	"mov $0x3f8, %edx; out %al, %dx"
	END_KIND

/*
 * void insn_run(const uint64_t r[7], const void *code): rax rcx rdx rbx rsi rdi r8.
 */
	.globl	insn_run
insn_run:
	push	%rbx
	push	%rbp
	push	%r12
	mov	%rsi, %r12
	mov	0x00(%rdi), %rax
	mov	0x08(%rdi), %rcx
	mov	0x10(%rdi), %rdx
	mov	0x18(%rdi), %rbx
	mov	0x20(%rdi), %rsi
	mov	0x30(%rdi), %r8
	mov	0x28(%rdi), %rdi
	lea	-8(%rsp), %rbp		/* as %rsp is in the instruction's function */
	call	*%r12
	cld
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.section .note.GNU-stack, "", @progbits
