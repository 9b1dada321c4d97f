/* SPDX-License-Identifier: MIT */
/*
 * Emulation of instructions for PV guests: what pv/emul/emul_priv.c and the files it calls share.
 *
 * All of it acts on the current vcpu, from its own exceptions, with guest_regs() in hand. Privilege
 * is decided before an operand is looked at (EMU-2); instruction bytes are read from the guest once
 * (EMU-1).
 */
#pragma once

#include <isola/types.h>
#include <asm/layout.h>
#include <asm/regs.h>

struct domain;

/* CR0 as a guest sees it, but for TS, which is its own. */
#define PV_CR0 (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)

/*
 * General register @n (0..15) in the instruction set's numbering: rax rcx rdx rbx rsp rbp rsi rdi
 * r8 .. r15.
 */
static inline u64 *regs_gpr(struct regs *r, unsigned int n)
{
#define G(x) offsetof(struct regs, x)
	static const u8 offset[16] = {
		G(rax), G(rcx), G(rdx), G(rbx), G(rsp), G(rbp), G(rsi), G(rdi),
		G(r8), G(r9), G(r10), G(r11), G(r12), G(r13), G(r14), G(r15),
	};
#undef G
	return (u64 *)((u8 *)r + offset[n & 15]);
}

/*
 * Write @bytes (1, 2, 4, 8) of @val to the register at @reg, or to one byte of it: 4 clear the
 * upper half, 1 and 2 leave the rest (SDM vol. 1 §3.4.1.1).
 */
static __always_inline void regs_write(void *reg, u64 val, unsigned int bytes)
{
	switch (bytes) {
	case 1:
		*(u8 *)reg = val;
		break;
	case 2:
		*(u16 *)reg = val;
		break;
	case 4:
		*(u64 *)reg = (u32)val;
		break;
	default:
		*(u64 *)reg = val;
	}
}

/*
 * True: the guest's instruction was emulated or the fault repaired; go back to it. Each is tried by
 * traps.c for its fault.
 */
/*
 * #GP(0). From interrupts off; they are on again behind what took long, or refused it after that.
 */
bool emul_priv_op(struct regs *r);
bool emul_invalid_op(struct regs *r);                   /* #UD: forced CPUID. Interrupts off. */
bool emul_software_int(struct regs *r);                 /* #GP with the IDT bit: INT n. */
/* #PF in kernel mode, write to a present read-only page (ptwr). Interrupts on. */
bool emul_pt_write(struct regs *r, u64 va);

struct insn;                            /* asm/decode.h */

#define CODE_BYTES 15                   /* no instruction is longer */
#define CODE_ROOM  32                   /* what a decoder may look at, whatever it means */

/*
 * The instruction at the guest's rip, as far as memory has it: each byte is read once (EMU-1), the
 * first eight together, those behind them when they are wanted.
 */
struct code {
	union {
		u8 byte[CODE_ROOM];     /* [nr, CODE_ROOM) mean nothing */
		u64 word;               /* the first eight */
	};
	u8 nr;                          /* known bytes: 1..15 */
	bool all;                       /* there are no more */
	bool code64;                    /* the code segment is a 64-bit one */
	u8 operand_bytes;               /* an operand's size by default: 4; of 16-bit code 2 */
	u64 va;                         /* of the first byte */
};

/* The base of the segment that @seg names (struct insn): hardware's. */
u64 emul_segment_base(u8 seg);

/* The #DB of a guest that steps; emul_done() calls it. */
void emul_stepped(void);
/*
 * An instruction of the guest has been carried out in software: step @r over @len bytes, clear RF,
 * and give the guest the #DB it asked for if TF was set when the instruction began.
 */
static inline void emul_done(struct regs *r, unsigned int len)
{
	bool stepping = r->rflags & EFLAGS_TF;

	r->rip += len;
	r->rflags &= ~(u64)EFLAGS_RF;
	if (unlikely(stepping))
		emul_stepped();
}

/*
 * pv/emul/emul_umip.c: SGDT, SIDT, SLDT, STR or SMSW at @r, which UMIP makes fault in ring 3. Does
 * not move rip. False: the guest has been given the page fault of its operand.
 */
bool emul_umip(const struct insn *i, struct regs *r);

/* pv/emul/cpuid.c: carry out CPUID on @r's registers. Does not move rip. */
void pv_cpuid(struct regs *r);
/* The hypervisor's own leaf 40000000H + @n. */
struct cpuid_regs pv_cpuid_own(u32 n, u32 subleaf);

struct own_policy;

/* pv/emul/msr.c: 0, or -EINVAL: the guest gets #GP. The guest is in kernel mode. */
int __must_check pv_rdmsr(u32 msr, u64 *val);
int __must_check pv_wrmsr(u32 msr, u64 val);
/* What a domain with CPU policy @own (NULL: none) reads in the MSRs that are part of one. */
#define MSR_PLATFORM_INFO	0xceu
#define MSR_ARCH_CAPS		0x10au
u64 pv_platform_info(const struct own_policy *own);
u64 pv_arch_caps(const struct own_policy *own);

/*
 * pv/emul/cr.c: control registers as the guest sees them. -EINVAL: no such register, or a bit it
 * may not change.
 */
int __must_check pv_read_cr(unsigned int n, u64 *val);
int __must_check pv_write_cr(unsigned int n, u64 val);
int __must_check pv_xsetbv(u32 index, u64 val);
/* CR4 as guest @settings (its TSD, DE, FSGSBASE, OSXSAVE) show on this machine. */
u64 pv_visible_cr4(u64 settings);
/* Any value a guest may try to set -> the settable bits that the policy has. */
u64 pv_settable_cr4(u64 val);

/* pv/emul/debugreg.c: n 0..7. -EPERM, -EINVAL, -ENODEV. */
int __must_check pv_set_debugreg(unsigned int n, u64 val);
int __must_check pv_get_debugreg(unsigned int n, u64 *val);
/*
 * Is *@val one that a guest may have in debug register @n (0 to 3, 6, 7)? 0, with the bits set and
 * cleared that always are; -EPERM, -EINVAL, -ENODEV as pv_set_debugreg().
 */
int __must_check pv_debugreg_check(unsigned int n, u64 *val);
/* Load the current vcpu's breakpoints, or clear the last one's (DBG-3). Interrupts off. */
void pv_debugreg_load(void);
/*
 * A #DB of the current guest: what DR6 showed is merged into what the guest will read, and
 * hardware's DR6 is cleared. Call with the DR6 value read on entry, before
 * pv_inject_exception(TRAP_DB, 0).
 */
void pv_debugreg_merge(u64 dr6);

/*
 * pv/emul/cpu_state.c: everything of the current vcpu that a CPU holds besides general registers,
 * segments and the FPU image: CR4, XCR0, CR0.TS, debug registers, TSC_AUX. After fpu_restore(), on
 * the vcpu's root, interrupts off. There is nothing to save: software knows all of it.
 */
void pv_cpu_state_load(void);
