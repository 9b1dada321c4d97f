/* SPDX-License-Identifier: MIT */
/*
 * Registers of a guest on VMX, and what holds its interrupts off. What only an exit can change is
 * kept in struct vmx_vcpu; the rest is read when it is asked for, at most once behind an exit.
 *
 * CR0 and CR4: the guest sees what it has written; beside that the processor wants bits of its own
 * while a guest runs (vmx_controls). CR0.CD and NW never get there: it would be uncached memory
 * whatever EPT says (COH-1, XSA-60).
 */
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/pgentry.h>
#include "vmcs.h"

#define RIGHTS_TYPE	0xfu
#define TSS16_BUSY	3u
#define TSS_BUSY	11u
#define PDPTE_RESERVED	0x1e6ul
#define CR8_SHIFT	4

/* PAE paging, in which the processor keeps four entries of the guest's table in registers. */
static bool has_pdptes(const struct vmx_vcpu *p)
{
	return p->cr0 & CR0_PG && p->cr4 & CR4_PAE && !(p->efer & EFER_LMA);
}

void vmx_set_cr0(struct vmx_vcpu *p, u64 val)
{
	p->cr0 = val;
	vmwrite(VMCS_CR0_SEEN, val);
	vmwrite(VMCS_CR0, val | vmx_controls.cr0_ones);
	p->pdptes_due = has_pdptes(p);
}

void vmx_set_cr4(struct vmx_vcpu *p, u64 val)
{
	p->cr4 = val;
	vmwrite(VMCS_CR4_SEEN, val);
	vmwrite(VMCS_CR4, val | vmx_controls.cr4_ones);
	p->pdptes_due = has_pdptes(p);
}

/* In long mode a TSS has its 64-bit type; a guest may have come there with a 16-bit one. */
static void settle_tss(void)
{
	u32 rights = vmread(VMCS_RIGHTS(SEG_TR));

	if ((rights & RIGHTS_TYPE) == TSS16_BUSY)
		vmwrite(VMCS_RIGHTS(SEG_TR), (rights & ~RIGHTS_TYPE) | TSS_BUSY);
}

void vmx_set_efer(struct vmx_vcpu *p, u64 val)
{
	u32 entry = p->entry & ~ENTRY_LONG_MODE;

	if (val & EFER_LMA) {
		entry |= ENTRY_LONG_MODE;
		settle_tss();
	}
	p->efer = val;
	vmwrite(VMCS_EFER, val);
	if (entry != p->entry)
		vmwrite(VMCS_ENTRY_CONTROLS, entry);
	p->entry = entry;
	p->pdptes_due = has_pdptes(p);
}

void vmx_set_dr7(struct vmx_vcpu *p, u64 val)
{
	p->dr7 = val;
	vmwrite(VMCS_DR7, val);
}

/*
 * SDM vol. 3 §26.3.1.6: one with a reserved bit would not be entered with. It counts as absent, as
 * one does that cannot be read: the guest has a #PF where MOV would have given it #GP.
 */
void vmx_load_pdptes(struct vmx_vcpu *p)
{
	const u64 reserved = PDPTE_RESERVED | ~((1ul << cpu_facts.phys_bits) - 1);
	u64 pdpte[4] = { 0 };

	if (hvm_copy_phys(vmread(VMCS_CR3) & 0xffffffe0, pdpte, sizeof(pdpte), false))
		pdpte[0] = pdpte[1] = pdpte[2] = pdpte[3] = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(pdpte); i++)
		vmwrite(VMCS_PDPTE0 + 2 * i, pdpte[i] & reserved ? 0 : pdpte[i]);
	p->pdptes_due = false;
}

u64 vmx_get(enum hvm_reg r)
{
	const struct vmx_vcpu *p = this_vmx;

	switch (r) {
	case HVM_CR0: return p->cr0;
	case HVM_CR2: return p->cr2;
	case HVM_CR3: return vmread(VMCS_CR3);
	case HVM_CR4: return p->cr4;
	case HVM_CR8: return p->vtpr >> CR8_SHIFT & 15;
	case HVM_EFER: return p->efer;
	case HVM_DR6: return p->dr6;
	case HVM_DR7: return p->dr7;
	case HVM_FS_BASE: return vmread(VMCS_BASE(SEG_FS));
	case HVM_GS_BASE: return vmread(VMCS_BASE(SEG_GS));
	case HVM_KERNEL_GS_BASE: return rdmsr(MSR_KERNEL_GS_BASE);
	case HVM_STAR: return p->star;
	case HVM_LSTAR: return p->lstar;
	case HVM_CSTAR: return p->cstar;
	case HVM_SFMASK: return p->sfmask;
	case HVM_SYSENTER_CS: return vmread(VMCS_SYSENTER_CS);
	case HVM_SYSENTER_ESP: return vmread(VMCS_SYSENTER_ESP);
	case HVM_SYSENTER_EIP: return vmread(VMCS_SYSENTER_EIP);
	default: return 0;
	}
}

u8 vmx_get_cr8(const void *page)
{
	return ((const struct vmx_vcpu *)page)->vtpr >> CR8_SHIFT & 15;
}

void vmx_set_cr8(void *page, u8 cr8)
{
	((struct vmx_vcpu *)page)->vtpr = (u32)cr8 << CR8_SHIFT;
}

static void set_msr(u32 msr, u64 *kept, u64 val)
{
	*kept = val;
	wrmsr(msr, val);
}

void vmx_set(enum hvm_reg r, u64 val)
{
	struct vmx_vcpu *p = this_vmx;

	switch (r) {
	case HVM_CR0: vmx_set_cr0(p, val); break;
	case HVM_CR2: p->cr2 = val; break;
	case HVM_CR3: vmwrite(VMCS_CR3, val); break;
	case HVM_CR4: vmx_set_cr4(p, val); break;
	case HVM_CR8: p->vtpr = val << CR8_SHIFT; break;
	case HVM_EFER: vmx_set_efer(p, val); break;
	case HVM_DR6: p->dr6 = val; break;
	case HVM_DR7: vmx_set_dr7(p, val); break;
	case HVM_FS_BASE: vmwrite(VMCS_BASE(SEG_FS), val); break;
	case HVM_GS_BASE: vmwrite(VMCS_BASE(SEG_GS), val); break;
	case HVM_KERNEL_GS_BASE: wrmsr(MSR_KERNEL_GS_BASE, val); break;
	case HVM_STAR: set_msr(MSR_STAR, &p->star, val); break;
	case HVM_LSTAR: set_msr(MSR_LSTAR, &p->lstar, val); break;
	case HVM_CSTAR: set_msr(MSR_CSTAR, &p->cstar, val); break;
	case HVM_SFMASK: set_msr(MSR_SFMASK, &p->sfmask, val); break;
	case HVM_SYSENTER_CS: vmwrite(VMCS_SYSENTER_CS, val); break;
	case HVM_SYSENTER_ESP: vmwrite(VMCS_SYSENTER_ESP, val); break;
	case HVM_SYSENTER_EIP: vmwrite(VMCS_SYSENTER_EIP, val); break;
	default: break;
	}
}

/* ---- Read at most once ----------------------------------------------------------------------- */

void vmx_code_segment(struct hvm_code_segment *cs)
{
	struct vmx_vcpu *p = this_vmx;

	if (!p->knows_cs)
		p->cs_rights = vmread(VMCS_RIGHTS(SEG_CS));
	p->knows_cs = true;
	cs->is_64 = p->efer & EFER_LMA && p->cs_rights & RIGHTS_L;
	cs->is_32 = p->cs_rights & RIGHTS_D;
	cs->base = cs->is_64 ? 0 : vmread(VMCS_BASE(SEG_CS));
}

/* Its privilege is SS's, in real mode too (§24.4.1). */
unsigned vmx_cpl(void)
{
	return vmread(VMCS_RIGHTS(SEG_SS)) >> 5 & 3;
}

u32 vmx_shadow(void)
{
	struct vmx_vcpu *p = this_vmx;

	if (!p->knows_shadow)
		p->shadow = vmread(VMCS_SHADOW);
	p->knows_shadow = true;
	return p->shadow;
}

void vmx_set_shadow_bits(u32 bits)
{
	struct vmx_vcpu *p = this_vmx;

	if (vmx_shadow() == bits)
		return;
	p->shadow = bits;
	vmwrite(VMCS_SHADOW, bits);
}
