/* SPDX-License-Identifier: MIT */
/*
 * Offsets, and constants by the names that C has for them, that assembly needs: compiled to text,
 * never linked. tools/mkoffsets turns the "->" lines into asm-offsets.h.
 */
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <asm/cpufeature.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/regs.h>
#include <asm/vcpu_private.h>
#include <asm/vectors.h>

#define DEFINE(sym, val) asm volatile ("\n->" #sym " %0" :: "i"(val))
#define CONSTANT(name) asm volatile ("\n->" #name " %0" :: "i"(name))

void asm_offsets(void);
void asm_constants(void);

void asm_offsets(void)
{
	DEFINE(REGS_BYTES, sizeof(struct regs));
#define DEFINE_REG(name, field) DEFINE(REGS_##name, offsetof(struct regs, field))
	DEFINE_REG(R15, r15);
	DEFINE_REG(R14, r14);
	DEFINE_REG(R13, r13);
	DEFINE_REG(R12, r12);
	DEFINE_REG(RBX, rbx);
	DEFINE_REG(R11, r11);
	DEFINE_REG(RCX, rcx);
	DEFINE_REG(RBP, rbp);
	DEFINE_REG(R10, r10);
	DEFINE_REG(R9, r9);
	DEFINE_REG(R8, r8);
	DEFINE_REG(RAX, rax);
	DEFINE_REG(RDX, rdx);
	DEFINE_REG(RSI, rsi);
	DEFINE_REG(RDI, rdi);
	DEFINE(REGS_ERROR, offsetof(struct regs, error_code));
	DEFINE(REGS_VECTOR, offsetof(struct regs, vector));
	DEFINE(REGS_RIP, offsetof(struct regs, rip));
	DEFINE(REGS_CS, offsetof(struct regs, cs));
	DEFINE(REGS_RFLAGS, offsetof(struct regs, rflags));
	DEFINE(REGS_RSP, offsetof(struct regs, rsp));
	DEFINE(REGS_SS, offsetof(struct regs, ss));

	DEFINE(CPU_CURRENT, offsetof(struct cpu_private, curr));
	DEFINE(CPU_PUB, offsetof(struct cpu_private, pub));
	DEFINE(PUB_SOFTIRQ, offsetof(struct cpu_public, softirq_pending));

	DEFINE(VCPU_EVENT_CHECK, offsetof(struct vcpu, event_check));
	DEFINE(VCPU_KERNEL_MODE, offsetof(struct vcpu_private, kernel_mode));
	DEFINE(VCPU_IRET, offsetof(struct vcpu_private, iret));
	DEFINE(VCPU_INFO, offsetof(struct vcpu_private, vcpu_info));
	DEFINE(VCPU_INFO_PENDING, offsetof(struct vcpu_info, evtchn_upcall_pending));
	DEFINE(VCPU_INFO_MASK, offsetof(struct vcpu_info, evtchn_upcall_mask));
}

void asm_constants(void)
{
	CONSTANT(ENOSYS);
	CONSTANT(NR_HYPERCALL_SLOTS);

	CONSTANT(TRAP_DB);
	CONSTANT(TRAP_NMI);
	CONSTANT(TRAP_UD);
	CONSTANT(TRAP_DF);
	CONSTANT(TRAP_TS);
	CONSTANT(TRAP_NP);
	CONSTANT(TRAP_SS);
	CONSTANT(TRAP_GP);
	CONSTANT(TRAP_PF);
	CONSTANT(TRAP_AC);
	CONSTANT(TRAP_MC);
	CONSTANT(TRAP_CP);
	CONSTANT(TRAP_VC);
	CONSTANT(TRAP_SX);
	CONSTANT(VECTOR_INT80);
	CONSTANT(VECTOR_SYSCALL);
	CONSTANT(VECTOR_SYSCALL32);
	CONSTANT(VECTOR_SYSENTER);

	CONSTANT(IRET_NONE);
	CONSTANT(IRET_BY_SYSRET);
	CONSTANT(IRET_BY_IRET);

	CONSTANT(EFLAGS_MBS);
	CONSTANT(EFLAGS_IF);
	CONSTANT(EFLAGS_ID);
	CONSTANT(SEL_RPL);

	CONSTANT(CR0_PE);
	CONSTANT(CR0_WP);
	CONSTANT(CR0_PG);
	CONSTANT(CR4_PAE);
	CONSTANT(CR4_PGE);
	CONSTANT(MSR_EFER);
	CONSTANT(EFER_SCE);
	CONSTANT(EFER_LME);
	CONSTANT(EFER_NXE);
	DEFINE(CPUID_LM_BIT, XEN_X86_FEATURE_LM % 32);
	DEFINE(CPUID_NX_BIT, XEN_X86_FEATURE_NX % 32);

	CONSTANT(PTE_P);
	CONSTANT(PTE_RW);
	CONSTANT(PTE_A);
	CONSTANT(PTE_D);
	CONSTANT(PTE_PS);
	DEFINE(PTE_NX_HIGH, PTE_NX >> 32);	/* in the high half of an entry */
}
