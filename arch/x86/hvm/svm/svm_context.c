/* SPDX-License-Identifier: MIT */
/*
 * The VMCB of a vcpu that does not run, from and to the ABI's record of a processor. What the
 * record has not got, above all what is intercepted, stays as it is.
 */
#include <asm/hvm_records.h>
#include <asm/insn.h>
#include "svm_exit.h"
#include "vmcb.h"

/* Segments: the record has an array of selectors, one of limits and so on, all in this order. */
static const u16 seg_at[] = {
	offsetof(struct vmcb, cs), offsetof(struct vmcb, ds), offsetof(struct vmcb, es),
	offsetof(struct vmcb, fs), offsetof(struct vmcb, gs), offsetof(struct vmcb, ss),
	offsetof(struct vmcb, tr), offsetof(struct vmcb, ldtr), offsetof(struct vmcb, idtr),
	offsetof(struct vmcb, gdtr),
};

/* The same register by both its names. */
#define REGISTERS(R)								\
	R(cr0, cr0) R(cr2, cr2) R(cr3, cr3) R(cr4, cr4) R(dr6, dr6) R(dr7, dr7)	\
	R(star, msr_star) R(lstar, msr_lstar) R(cstar, msr_cstar)		\
	R(sfmask, msr_syscall_mask) R(kernel_gs_base, shadow_gs)		\
	R(sysenter_cs, sysenter_cs) R(sysenter_esp, sysenter_esp)		\
	R(sysenter_eip, sysenter_eip)

void svm_get_context(const void *page, struct hvm_hw_cpu *c)
{
	const struct vmcb *from = page;

	for (unsigned i = 0; i < ARRAY_SIZE(seg_at); i++) {
		const struct vmcb_segment *s = page + seg_at[i];

		HVM_HW_SEGMENT(c, limit, u32, i) = s->limit;
		HVM_HW_SEGMENT(c, base, u64, i) = s->base;
		if (i >= HVM_HW_SELECTORS)
			continue;
		HVM_HW_SEGMENT(c, sel, u32, i) = s->selector;
		HVM_HW_SEGMENT(c, arbytes, u32, i) = s->attr;
	}
	/* ABI: a task's TSS that is in use is busy, whatever the VMCB has; VMX insists on it. */
	c->tr_arbytes |= 2;
#define GET(ours, abis) c->abis = from->ours;
	REGISTERS(GET)
#undef GET
	c->msr_efer = from->efer & ~EFER_SVME;
}

void svm_set_context(void *page, const struct hvm_hw_cpu *c)
{
	struct vmcb *to = page;

	for (unsigned i = 0; i < ARRAY_SIZE(seg_at); i++) {
		struct vmcb_segment *s = page + seg_at[i];

		s->limit = HVM_HW_SEGMENT(c, limit, u32, i);
		s->base = HVM_HW_SEGMENT(c, base, u64, i);
		if (i >= HVM_HW_SELECTORS)
			continue;
		s->selector = HVM_HW_SEGMENT(c, sel, u32, i);
		s->attr = HVM_HW_SEGMENT(c, arbytes, u32, i) & 0xfff;
	}
#define SET(ours, abis) to->ours = c->abis;
	REGISTERS(SET)
#undef SET
	to->cr0 = (to->cr0 & ~(CR0_CD | CR0_NW)) | CR0_ET;	/* COH-1, as hvm/cr.c has it */
	/* While the guest runs it is set (§15.5.1). */
	to->efer = c->msr_efer | EFER_SVME;
	to->cpl = to->ss.attr >> 5 & 3;
	to->shadow = 0;
}

u8 svm_get_cr8(const void *page)
{
	return ((const struct vmcb *)page)->vintr & VINTR_TPR;
}

void svm_set_cr8(void *page, u8 cr8)
{
	struct vmcb *to = page;

	to->vintr = (to->vintr & ~VINTR_TPR) | cr8;
}
