/* SPDX-License-Identifier: MIT */
/*
 * struct regs: the registers of whoever was interrupted, as the entry code leaves them at the top
 * of a stack.
 *
 *   offset  pushed by        field
 *   0..112  SAVE_REGS        r15 .. rdi
 *   120     stub, hardware   error_code (low half), vector (high half)
 *   128..   hardware         rip cs rflags rsp ss
 *
 * A guest's frame is the one whose end is VA_CPU_STACK_TOP: guest_regs(). Of a hypercall it holds
 * the arguments, rip, rflags and rsp; the rest is filled only when something is due before the
 * guest runs on (entry/frame.h).
 */
#pragma once

#include <isola/types.h>
#include <asm/layout.h>

struct regs {
	u64 r15, r14, r13, r12, rbx, rbp, r11, rcx, r10, r9, r8, rax, rdx, rsi, rdi;
	u32 error_code;
	u32 vector;                 /* exception or interrupt number, or VECTOR_SYSCALL */
	u64 rip;
	u64 cs;                     /* hardware pushes 8 bytes; the high six are zero */
	u64 rflags;
	u64 rsp;
	u64 ss;
};

/*
 * regs.vector of frames that no gate made. SYSCALL: rcx and r11 need not be restored on their own.
 */
#define VECTOR_SYSCALL   0x100
#define VECTOR_SYSCALL32 0x101
#define VECTOR_SYSENTER  0x102

/* CR0 (SDM vol. 3 §2.5) */
#define CR0_PE (1ul << 0)
#define CR0_MP (1ul << 1)
#define CR0_EM (1ul << 2)
#define CR0_TS (1ul << 3)
#define CR0_ET (1ul << 4)
#define CR0_NE (1ul << 5)
#define CR0_WP (1ul << 16)
#define CR0_AM (1ul << 18)
#define CR0_NW (1ul << 29)
#define CR0_CD (1ul << 30)
#define CR0_PG (1ul << 31)

#define EFLAGS_CF   (1u << 0)
#define EFLAGS_MBS  (1u << 1)
#define EFLAGS_TF   (1u << 8)
#define EFLAGS_IF   (1u << 9)
#define EFLAGS_DF   (1u << 10)
#define EFLAGS_IOPL (3u << 12)
#define EFLAGS_NT   (1u << 14)
#define EFLAGS_RF   (1u << 16)
#define EFLAGS_VM   (1u << 17)
#define EFLAGS_AC   (1u << 18)
#define EFLAGS_VIF  (1u << 19)
#define EFLAGS_VIP  (1u << 20)
#define EFLAGS_ID   (1u << 21)

#define TRAP_DE 0
#define TRAP_DB 1
#define TRAP_NMI 2
#define TRAP_BP 3
#define TRAP_OF 4
#define TRAP_BR 5
#define TRAP_UD 6
#define TRAP_NM 7
#define TRAP_DF 8
#define TRAP_TS 10
#define TRAP_NP 11
#define TRAP_SS 12
#define TRAP_GP 13
#define TRAP_PF 14
#define TRAP_MF 16
#define TRAP_AC 17
#define TRAP_MC 18
#define TRAP_XM 19
#define TRAP_CP 21
#define TRAP_VC 29
#define TRAP_SX 30

#define PFEC_P 1u
#define PFEC_W 2u
#define PFEC_U 4u
#define PFEC_R 8u
#define PFEC_I 16u

/*
 * The registers of the guest that runs on this CPU. Valid inside hypervisor code entered from it.
 */
static inline struct regs *guest_regs(void)
{
	return (struct regs *)VA_CPU_STACK_TOP - 1;
}

/* The same as a pointer whose value the compiler does not know: short addressing. */
static __always_inline struct regs *guest_regs_pointer(void)
{
	struct regs *r = guest_regs();

	asm ("" : "+r"(r));
	return r;
}

static inline bool regs_from_guest(const struct regs *r)
{
	return r->cs & SEL_RPL;
}
