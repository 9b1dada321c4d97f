/* SPDX-License-Identifier: MIT */
/*
 * CR0, CR4 and EFER as the guest writes them. What the processor would fault, faults; what it would
 * not enter with, cannot be reached: APM vol. 2 §3.1, §14.6, §15.5.1. Reads are not intercepted:
 * the guest has what it reads. CR0.CD and NW stay 0 whatever is written: RAM is write-back (COH-1).
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <asm/cpufeature.h>
#include <asm/cpuid_policy.h>
#include <asm/fpu.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/hvm_policy.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>

#define CR0_KNOWN (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)
#define CR4_PCE	(1ul << 8)

#define EFER_FFXSR (1ul << 14)

static bool in_long_code(void)
{
	struct hvm_code_segment cs;

	hvm->code_segment(&cs);
	return cs.is_64;
}

/* LMA follows PG where LME is set. */
static int settle_long_mode(u64 cr0)
{
	u64 efer = hvm->get(HVM_EFER), cr4 = hvm->get(HVM_CR4);

	if (!(efer & EFER_LME))
		return 0;
	if (cr0 & CR0_PG) {
		if (!(cr4 & CR4_PAE))
			return -EINVAL;
		hvm->set(HVM_EFER, efer | EFER_LMA);
	} else {
		if (in_long_code())
			return -EINVAL;
		hvm->set(HVM_EFER, efer & ~EFER_LMA);
	}
	return 0;
}

u64 hvm_cr0_valid(void)
{
	return CR0_KNOWN;
}

int hvm_set_cr0(u64 val)
{
	u64 old = hvm->get(HVM_CR0);

	if (val >> 32 || (val & CR0_PG && !(val & CR0_PE)) || (val & CR0_NW && !(val & CR0_CD)))
		return -EINVAL;
	val = (val & CR0_KNOWN) | CR0_ET;
	if ((val ^ old) & CR0_PG && settle_long_mode(val))
		return -EINVAL;
	if ((val ^ old) & (CR0_PG | CR0_PE | CR0_WP))
		this_hvm.flush = true;
	hvm->set(HVM_CR0, val);
	return 0;
}

static const struct { u64 bit; unsigned feature; } cr4_rows[] = {
	{ CR4_FSGSBASE, XEN_X86_FEATURE_FSGSBASE }, { CR4_OSXSAVE, XEN_X86_FEATURE_XSAVE },
	{ CR4_SMEP, XEN_X86_FEATURE_SMEP }, { CR4_SMAP, XEN_X86_FEATURE_SMAP },
	{ CR4_UMIP, XEN_X86_FEATURE_UMIP },
};

u64 hvm_cr4_valid(const struct domain *d)
{
	u64 valid = CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR |
		    CR4_OSXMMEXCPT;

	for (unsigned i = 0; i < ARRAY_SIZE(cr4_rows); i++)
		if (hvm_shows(d, cr4_rows[i].feature))
			valid |= cr4_rows[i].bit;
	return valid;
}

int hvm_set_cr4(u64 val)
{
	if (val & ~hvm_cr4_valid(current->domain) ||
	    (!(val & CR4_PAE) && hvm->get(HVM_EFER) & EFER_LMA))
		return -EINVAL;
	this_hvm.flush = true;
	hvm->set(HVM_CR4, val);
	return 0;
}

u64 hvm_efer_valid(const struct domain *d)
{
	return EFER_SCE | EFER_LME | EFER_LMA |
	       (hvm_shows(d, XEN_X86_FEATURE_NX) ? EFER_NXE : 0) |
	       (hvm_shows(d, XEN_X86_FEATURE_FFXSR) ? EFER_FFXSR : 0);
}

/* LMA is the processor's: what is written there is not looked at. */
int hvm_set_efer(u64 val)
{
	u64 old = hvm->get(HVM_EFER);

	if (val & ~hvm_efer_valid(current->domain) ||
	    ((val ^ old) & EFER_LME && hvm->get(HVM_CR0) & CR0_PG))
		return -EINVAL;
	this_hvm.flush = true;
	hvm->set(HVM_EFER, (val & ~EFER_LMA) | (old & EFER_LMA));
	return 0;
}

/* ---- Instructions ---------------------------------------------------------------------------- */

/* The general register that ModRM's r/m names. rsp stands in the frame, too. */
u64 *hvm_gpr(struct regs *r, const struct hvm_insn *insn)
{
	u64 *const gpr[16] = { &r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi,
			       &r->rdi, &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13,
			       &r->r14, &r->r15 };

	return gpr[(insn->modrm & 7) | (insn->rex & 1) << 3];
}

/* A value of the width that the mode gives to moves from and to control registers. */
static u64 operand(u64 val)
{
	return in_long_code() ? val : (u32)val;
}

static void finish(int rc, const struct hvm_insn *insn)
{
	if (rc)
		hvm_inject_gp();
	else
		hvm_step(insn->length);
}

/* LMSW: PE can be set by it, not cleared. Only from a register. */
static int lmsw(const struct hvm_insn *insn)
{
	u64 val = *hvm_gpr(guest_regs(), insn), old = hvm->get(HVM_CR0);

	if ((insn->modrm >> 3 & 7) != 6 || insn->modrm >> 6 != 3)
		return -EINVAL;
	return hvm_set_cr0((old & ~0xeul) | (val & 0xf));
}

/* Stops only while it holds an interrupt back. */
static int set_cr8(u64 val)
{
	if (val & ~0xful)
		return -EINVAL;
	hvm->set(HVM_CR8, val);
	return 0;
}

/* MOV to CR, CLTS or LMSW: the CPU has asked for the privilege. */
void hvm_write_cr(const struct hvm_exit *e)
{
	struct hvm_insn insn;

	if (hvm_decode((const u8[]){ 0x0f, 0x06 }, 2, false, &insn)) {
		finish(hvm_set_cr0(hvm->get(HVM_CR0) & ~CR0_TS), &insn);
	} else if (hvm_decode((const u8[]){ 0x0f, 0x01 }, 2, true, &insn)) {
		finish(lmsw(&insn), &insn);
	} else if (hvm_decode((const u8[]){ 0x0f, 0x22 }, 2, true, &insn)) {
		unsigned n = (insn.modrm >> 3 & 7) | (insn.rex & 4) << 1;
		u64 val = operand(*hvm_gpr(guest_regs(), &insn));

		finish(e->number == 8 ? set_cr8(val) : n == 0 ? hvm_set_cr0(val) :
		       n == 4 ? hvm_set_cr4(val) : -EINVAL, &insn);
	} else {
		hvm_inject_gp();
	}
}

int hvm_set_xcr0(u64 val)
{
	const struct own_policy *own = hvm_policy_of(current->domain);

	if (!fpu_xcr0_valid(val) || val & ~own->xcr0)
		return -EINVAL;
	this_vcpu.xcr0 = val;
	fpu_load_xcr0(val);
	return 0;
}
