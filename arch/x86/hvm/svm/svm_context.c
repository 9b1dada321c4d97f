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
#define NR_SELECTORS 8u			/* the last two have neither selector nor flags */

static_assert(offsetof(struct hvm_hw_cpu, ldtr_sel) ==
		      offsetof(struct hvm_hw_cpu, cs_sel) + 7 * 4 &&
	      offsetof(struct hvm_hw_cpu, gdtr_limit) ==
		      offsetof(struct hvm_hw_cpu, cs_limit) + 9 * 4 &&
	      offsetof(struct hvm_hw_cpu, gdtr_base) ==
		      offsetof(struct hvm_hw_cpu, cs_base) + 9 * 8 &&
	      offsetof(struct hvm_hw_cpu, ldtr_arbytes) ==
		      offsetof(struct hvm_hw_cpu, cs_arbytes) + 7 * 4, "in this order");

#define MEMBER(c, first, type, i) \
	(*(type *)((u8 *)(c) + offsetof(struct hvm_hw_cpu, first) + (i) * sizeof(type)))

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

		MEMBER(c, cs_limit, u32, i) = s->limit;
		MEMBER(c, cs_base, u64, i) = s->base;
		if (i >= NR_SELECTORS)
			continue;
		MEMBER(c, cs_sel, u32, i) = s->selector;
		MEMBER(c, cs_arbytes, u32, i) = s->attr;
	}
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

		s->limit = MEMBER(c, cs_limit, u32, i);
		s->base = MEMBER(c, cs_base, u64, i);
		if (i >= NR_SELECTORS)
			continue;
		s->selector = MEMBER(c, cs_sel, u32, i);
		s->attr = MEMBER(c, cs_arbytes, u32, i) & 0xfff;
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
