/* SPDX-License-Identifier: MIT */
/*
 * VCPUOP_initialise: a sibling's first state by struct vcpu_hvm_context, <xen/hvm/hvm_vcpu.h>, with
 * paging or without, in 32-bit or 64-bit code. Checked whole, then taken: nothing gets through that
 * the processor would refuse to enter with (APM vol. 2 §15.5.1).
 */
#include <isola/errno.h>
#include <isola/sched.h>
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/hypercall.h>
#include <asm/percpu.h>
#include <asm/uaccess.h>
#include <xen/hvm/hvm_vcpu.h>
#include <xen/vcpu.h>

#define EFLAGS_TAKEN	0x3d7fd5u		/* what there is, but VM, and RF */

/* Attributes of segments (SDM vol. 3 figure 3-8 without the limit between). */
#define AR_TYPE		0xfu
#define AR_CODE		0x8u
#define AR_WRITE	0x2u			/* of data; of code: readable */
#define AR_S		0x10u
#define AR_P		0x80u
#define AR_L		0x200u
#define AR_D		0x400u
#define TSS_BUSY	0xbu
#define DPL(ar)		((ar) >> 5 & 3)

enum { CS, DS, SS, ES, TR };

/* A segment that is there counts as accessed, a TSS as busy. */
static struct hvm_segment segment(unsigned which, u32 base, u32 limit, u16 ar)
{
	if (ar & AR_P)
		ar |= which == TR ? 2 : 1;
	return (struct hvm_segment){ .base = base, .limit = limit, .attr = ar };
}

static bool segment_ok(unsigned which, const struct hvm_segment *s)
{
	bool code = s->attr & AR_CODE, write = s->attr & AR_WRITE;

	if (s->attr >> 12)
		return false;
	if (!s->attr)
		return which == DS || which == ES;
	if (!(s->attr & AR_P) || !(s->attr & AR_S) != (which == TR))
		return false;
	switch (which) {
	case CS:
		return code;
	case SS:
		return !code && write;
	case TR:
		return (s->attr & AR_TYPE) == TSS_BUSY;
	default:
		return !code || write;
	}
}

/* EIP within the code segment, privileges that agree. */
static bool segments_ok(const struct hvm_first *f)
{
	const struct hvm_segment *s = f->segment;
	unsigned dpl = DPL(s[CS].attr);

	for (unsigned i = CS; i <= TR; i++)
		if (!segment_ok(i, &s[i]))
			return false;
	return DPL(s[SS].attr) == dpl && (!s[DS].attr || DPL(s[DS].attr) <= dpl) &&
	       (!s[ES].attr || DPL(s[ES].attr) <= dpl) && f->regs.rip <= s[CS].limit;
}

/* LMA stands exactly where LME and PG do. */
static bool registers_ok(const struct hvm_first *f)
{
	bool paging = f->cr0 & CR0_PG, lme = f->efer & EFER_LME;
	u16 cs = f->segment[CS].attr;

	if (f->cr0 & ~(hvm_cr0_valid() | CR0_CD | CR0_NW) ||
	    f->cr4 & ~hvm_cr4_valid(current->domain) ||
	    f->efer & ~hvm_efer_valid(current->domain) || f->cr3 >> cpu_facts.phys_bits ||
	    (f->cr0 & (CR0_CD | CR0_NW)) == CR0_NW)
		return false;
	if (paging && !(f->cr0 & CR0_PE))
		return false;
	if (!paging || !lme)
		return !(f->efer & EFER_LMA);
	return f->cr4 & CR4_PAE && (cs & (AR_L | AR_D)) != (AR_L | AR_D);
}

static int read_32(const struct vcpu_hvm_x86_32 *c, struct hvm_first *f)
{
	if (c->pad1 || c->pad2[0] || c->pad2[1] || c->pad2[2])
		return -EINVAL;
	f->regs = (struct regs){ .rax = c->eax, .rcx = c->ecx, .rdx = c->edx, .rbx = c->ebx,
				 .rsp = c->esp, .rbp = c->ebp, .rsi = c->esi, .rdi = c->edi,
				 .rip = c->eip, .rflags = c->eflags };
	f->cr0 = c->cr0;
	f->cr3 = c->cr3;
	f->cr4 = c->cr4;
	f->efer = c->efer;
	f->segment[CS] = segment(CS, c->cs_base, c->cs_limit, c->cs_ar);
	f->segment[DS] = segment(DS, c->ds_base, c->ds_limit, c->ds_ar);
	f->segment[SS] = segment(SS, c->ss_base, c->ss_limit, c->ss_ar);
	f->segment[ES] = segment(ES, c->es_base, c->es_limit, c->es_ar);
	f->segment[TR] = segment(TR, c->tr_base, c->tr_limit, c->tr_ar);
	/* In long mode a 64-bit code segment has no limit: but this is for 32 bits. */
	return segments_ok(f) ? 0 : -EINVAL;
}

static int read_64(const struct vcpu_hvm_x86_64 *c, struct hvm_first *f)
{
	f->regs = (struct regs){ .rax = c->rax, .rcx = c->rcx, .rdx = c->rdx, .rbx = c->rbx,
				 .rsp = c->rsp, .rbp = c->rbp, .rsi = c->rsi, .rdi = c->rdi,
				 .rip = c->rip, .rflags = c->rflags };
	f->cr0 = c->cr0;
	f->cr3 = c->cr3;
	f->cr4 = c->cr4;
	f->efer = c->efer;
	f->segment[CS] = (struct hvm_segment){ 0, ~0u, 0xa9b };
	f->segment[DS] = f->segment[SS] = f->segment[ES] = (struct hvm_segment){ 0, ~0u, 0xc93 };
	f->segment[TR] = (struct hvm_segment){ 0, 0x67, 0x8b };
	return is_canonical(c->rip) && c->cr0 & CR0_PG && c->cr4 & CR4_PAE && c->efer & EFER_LME
		       ? 0 : -EINVAL;
}

static int read_context(u64 arg, struct hvm_first *f)
{
	struct vcpu_hvm_context c;
	int rc = -EINVAL;

	if (copy_from_guest(&c, arg, sizeof(c)))
		return -EFAULT;
	if (c.pad)
		return -EINVAL;
	if (c.mode == VCPU_HVM_MODE_32B)
		rc = read_32(&c.cpu_regs.x86_32, f);
	else if (c.mode == VCPU_HVM_MODE_64B)
		rc = read_64(&c.cpu_regs.x86_64, f);
	if (rc || !registers_ok(f))
		return -EINVAL;
	f->cr0 = (f->cr0 & hvm_cr0_valid()) | CR0_ET;	/* caches stay on: COH-1 */
	if (f->efer & EFER_LME && f->cr0 & CR0_PG)
		f->efer |= EFER_LMA;
	f->regs.rflags = (f->regs.rflags & EFLAGS_TAKEN) | EFLAGS_MBS;
	return 0;
}

long hvm_initialise(struct vcpu *v, u64 arg)
{
	struct domain *d = v->domain;
	struct hvm_first f;
	int rc;

	spin_lock(&d->vcpus_lock);
	rc = v->initialised ? -EEXIST : read_context(arg, &f);
	if (!rc && !vcpu_is_at_rest(v))
		rc = -ERESTART;
	if (!rc)
		hvm_begin_as(v, &f);
	spin_unlock(&d->vcpus_lock);
	return rc == -ERESTART ? hypercall_continue(vcpu_op, VCPUOP_initialise, v->id, arg) : rc;
}
