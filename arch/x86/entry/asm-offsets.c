/* SPDX-License-Identifier: MIT */
/*
 * Offsets that assembly needs: compiled to text, never linked. tools/mkoffsets turns the "->" lines
 * into asm-offsets.h.
 */
#include <isola/vcpu.h>
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/regs.h>
#include <asm/vcpu_private.h>

#define DEFINE(sym, val) asm volatile ("\n->" #sym " %c0" :: "i"(val))

void asm_offsets(void);

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

	DEFINE(CPU_SCRATCH, offsetof(struct cpu_private, scratch));
	DEFINE(CPU_CURRENT, offsetof(struct cpu_private, curr));
	DEFINE(CPU_PUB, offsetof(struct cpu_private, pub));
	DEFINE(PUB_SOFTIRQ, offsetof(struct cpu_public, softirq_pending));

	DEFINE(NR_HYPERCALL_SLOTS, NR_HYPERCALL_SLOTS);
	DEFINE(VCPU_EVENT_CHECK, offsetof(struct vcpu, event_check));
	DEFINE(VCPU_KERNEL_MODE, offsetof(struct vcpu_private, kernel_mode));
	DEFINE(VCPU_INFO, offsetof(struct vcpu_private, vcpu_info));
}
