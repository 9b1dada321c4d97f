/* SPDX-License-Identifier: MIT */
/*
 * The VMCS of a vcpu that does not run: made; as a vcpu begins; from and to the ABI's record of a
 * processor. It is loaded for that, with interrupts off, in place of what this CPU has.
 *
 * What the VMCS has of the host is the same on every CPU and at each turn, since stacks, tables and
 * TSS stand at constant addresses: written once. CR3 is the vcpu's own kernel root. SDM vol. 3
 * §26.2.2, §26.2.3, §26.3.1 (what is checked at an entry).
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>
#include "vmcs.h"

#define EPTP_WB		6u
#define EPTP_LEVELS	(3u << 3)	/* four */
#define EXCEPTIONS	(1u << TRAP_DB | 1u << TRAP_AC | 1u << TRAP_MC)
#define RIGHTS_ACCESSED	1u		/* of a segment */
#define RIGHTS_S	(1u << 4)
#define RIGHTS_P	(1u << 7)
#define DR6_RESET	0xffff0ff0ul
#define DR7_RESET	0x400ul

/* ---- A visit --------------------------------------------------------------------------------- */

struct visit { u64 flags, was; };

static struct visit visit(const struct vmx_vcpu *p)
{
	struct visit v = { .flags = irq_save() };

	v.was = vmx_load(p->vmcs);
	return v;
}

static void leave(const struct vmx_vcpu *p, struct visit v)
{
	vmx_clear(p->vmcs);
	vmx_load(v.was);
	irq_restore(v.flags);
}

/* ---- Made ------------------------------------------------------------------------------------ */

static void write_host(const struct vcpu *v)
{
	vmwrite(VMCS_HOST_CS, SEL_HV_CS64);
	vmwrite(VMCS_HOST_TR, SEL_TSS);
	vmwrite(VMCS_HOST_CR0, read_cr0() & ~(u64)CR0_TS);
	vmwrite(VMCS_HOST_CR3, v->cr3_kernel);
	vmwrite(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(VMCS_HOST_TR_BASE, VA_CPU_TSS);
	vmwrite(VMCS_HOST_GDTR, VA_GDT);
	vmwrite(VMCS_HOST_IDTR, desc_idt_base());
	vmwrite(VMCS_HOST_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
	vmwrite(VMCS_HOST_SYSENTER_ESP, rdmsr(MSR_SYSENTER_ESP));
	vmwrite(VMCS_HOST_SYSENTER_EIP, rdmsr(MSR_SYSENTER_EIP));
	vmwrite(VMCS_HOST_RIP, (u64)vmx_exited);
}

/* What is zero and stays so: a VMCS is not known to begin with that (§24.11.3). */
static const u16 zeroes[] = {
	VMCS_PF_MASK, VMCS_PF_MATCH, VMCS_CR3_TARGETS, VMCS_EXIT_STORES, VMCS_EXIT_LOADS,
	VMCS_ENTRY_LOADS, VMCS_DEBUGCTL, VMCS_ACTIVITY, VMCS_HOST_ES, VMCS_HOST_SS, VMCS_HOST_DS,
	VMCS_HOST_FS, VMCS_HOST_GS, VMCS_HOST_FS_BASE, VMCS_HOST_GS_BASE,
};

/* All that never changes. */
static void write_controls(const struct vcpu *v)
{
	mfn_t page = perdomain_mfn(v, VA_VCPU_HVM);

	for (unsigned i = 0; i < ARRAY_SIZE(zeroes); i++)
		vmwrite(zeroes[i], 0);
	vmwrite(VMCS_PIN, vmx_controls.pin);
	vmwrite(VMCS_SECONDARY, vmx_controls.secondary);
	vmwrite(VMCS_EXIT_CONTROLS, vmx_controls.exit);
	vmwrite(VMCS_EXCEPTIONS, EXCEPTIONS);
	vmwrite(VMCS_VPID, GUEST_VPID);
	vmwrite(VMCS_EPTP, mfn_to_maddr(v->domain->hvm->p2m.root) | EPTP_WB | EPTP_LEVELS);
	vmwrite(VMCS_VIRTUAL_APIC, mfn_to_maddr(page));
	vmwrite(VMCS_LINK, ~0ul);
	/* Each bit: a write that would change what is seen exits. */
	vmwrite(VMCS_CR0_MASK, ~0ul);
	vmwrite(VMCS_CR4_MASK, ~0ul);
}

int vmx_init(struct vcpu *v, void *page)
{
	struct hvm_vcpu *h = v->domain->hvm->vcpu[v->id];
	struct vmx_vcpu *p = page;
	struct visit was;
	u32 *vmcs;

	if (!mfn_x(h->vendor_mfn))
		h->vendor_mfn = page_alloc(ALLOC_VCPU, 0, 0);
	if (!mfn_is_valid_num(h->vendor_mfn)) {
		h->vendor_mfn = _mfn(0);
		return -ENOMEM;
	}
	vmcs = map_domain_page(h->vendor_mfn);
	memset(vmcs, 0, PAGE_SIZE);
	*vmcs = vmx_controls.revision;
	unmap_domain_page(vmcs);
	memset(p, 0, PAGE_SIZE);
	p->vmcs = mfn_to_maddr(h->vendor_mfn);
	was.flags = irq_save();
	was.was = vmx_load(0);
	vmx_clear(p->vmcs);		/* as each is, before it is used (§24.11.3) */
	vmx_load(p->vmcs);
	write_controls(v);
	write_host(v);
	leave(p, was);
	return 0;
}

/* ---- How it begins --------------------------------------------------------------------------- */

/* From a descriptor's flags without the limit between them; what is not present is not usable. */
static void write_segment(enum vmcs_segment s, u16 selector, u64 base, u32 limit, u16 attr)
{
	u32 rights = (attr & 0xff) | (attr & 0xf00) << 4;

	if (!(rights & RIGHTS_P))
		rights |= RIGHTS_UNUSABLE;
	else if (rights & RIGHTS_S)
		rights |= RIGHTS_ACCESSED;
	vmwrite(VMCS_SELECTOR(s), selector);
	vmwrite(VMCS_BASE(s), base);
	vmwrite(VMCS_LIMIT(s), limit);
	vmwrite(VMCS_RIGHTS(s), rights);
}

static void write_table(enum vmcs_segment s, u64 base, u32 limit)
{
	vmwrite(VMCS_BASE(s), base);
	vmwrite(VMCS_LIMIT(s), limit & 0xffff);
}

/* What a guest fills by itself, where it does not begin in real mode. */
static void write_empty_segments(void)
{
	write_segment(SEG_FS, 0, 0, 0, 0x93);
	write_segment(SEG_GS, 0, 0, 0, 0x93);
	write_segment(SEG_LDTR, 0, 0, 0, 0x82);
	write_table(SEG_GDTR, 0, 0);
	write_table(SEG_IDTR, 0, 0);
}

/* What is the same wherever it begins. Its VMCS is loaded. */
static void start(struct vmx_vcpu *p, u64 cr0, u64 cr4, u64 efer)
{
	const u64 vmcs = p->vmcs;

	memset(p, 0, PAGE_SIZE);
	p->vmcs = vmcs;
	p->dr6 = DR6_RESET;
	p->primary = vmx_controls.primary;
	p->entry = vmx_controls.entry;
	vmwrite(VMCS_PRIMARY, p->primary);
	vmwrite(VMCS_ENTRY_CONTROLS, p->entry);
	vmwrite(VMCS_ENTRY_EVENT, 0);
	vmwrite(VMCS_TPR_THRESHOLD, 0);
	vmwrite(VMCS_SHADOW, 0);
	vmwrite(VMCS_PENDING_DEBUG, 0);
	vmwrite(VMCS_RIP, 0);
	vmwrite(VMCS_RSP, 0);
	vmwrite(VMCS_RFLAGS, 0);
	vmwrite(VMCS_CR3, 0);
	vmwrite(VMCS_SYSENTER_CS, 0);
	vmwrite(VMCS_SYSENTER_ESP, 0);
	vmwrite(VMCS_SYSENTER_EIP, 0);
	vmx_set_efer(p, efer);
	vmx_set_cr0(p, cr0);
	vmx_set_cr4(p, cr4);
	vmx_set_dr7(p, DR7_RESET);
}

void vmx_start32(void *page)
{
	struct visit was = visit(page);

	start(page, CR0_PE | CR0_ET, 0, 0);
	write_segment(SEG_CS, 0x8, 0, ~0u, 0xc9b);
	write_segment(SEG_DS, 0x10, 0, ~0u, 0xc93);
	write_segment(SEG_ES, 0x10, 0, ~0u, 0xc93);
	write_segment(SEG_SS, 0x10, 0, ~0u, 0xc93);
	write_segment(SEG_TR, 0, 0, 0x67, 0x8b);
	write_empty_segments();
	leave(page, was);
}

/* SDM vol. 3 table 9-1, §8.4.3. */
void vmx_start_real(void *page, u8 page_nr)
{
	struct visit was = visit(page);

	start(page, CR0_ET, 0, 0);
	write_segment(SEG_CS, page_nr << 8, (u64)page_nr << 12, 0xffff, 0x9b);
	for (enum vmcs_segment s = SEG_ES; s <= SEG_GS; s++)
		if (s != SEG_CS)
			write_segment(s, 0, 0, 0xffff, 0x93);
	write_segment(SEG_TR, 0, 0, 0xffff, 0x8b);
	write_segment(SEG_LDTR, 0, 0, 0xffff, 0x82);
	write_table(SEG_GDTR, 0, 0xffff);
	write_table(SEG_IDTR, 0, 0xffff);
	leave(page, was);
}

void vmx_start_as(void *page, const struct hvm_first *f)
{
	static const u8 order[] = { SEG_CS, SEG_DS, SEG_SS, SEG_ES, SEG_TR };
	struct visit was = visit(page);

	start(page, f->cr0, f->cr4, f->efer);
	vmwrite(VMCS_CR3, f->cr3);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		write_segment(order[i], 0, f->segment[i].base, f->segment[i].limit,
			      f->segment[i].attr);
	write_empty_segments();
	leave(page, was);
}

/* ---- The ABI's record ------------------------------------------------------------------------ */

/* In the record's order. */
static const u8 record_order[] = { SEG_CS, SEG_DS, SEG_ES, SEG_FS, SEG_GS, SEG_SS, SEG_TR,
				   SEG_LDTR, SEG_IDTR, SEG_GDTR };

/* The same register by both its names: those that are kept, those in the VMCS. */
#define KEPT(R)									\
	R(cr0, cr0) R(cr2, cr2) R(cr4, cr4) R(efer, msr_efer) R(dr6, dr6) R(dr7, dr7)	\
	R(star, msr_star) R(lstar, msr_lstar) R(cstar, msr_cstar)		\
	R(sfmask, msr_syscall_mask) R(kernel_gs_base, shadow_gs)
#define IN_VMCS(R)								\
	R(VMCS_CR3, cr3) R(VMCS_SYSENTER_CS, sysenter_cs)			\
	R(VMCS_SYSENTER_ESP, sysenter_esp) R(VMCS_SYSENTER_EIP, sysenter_eip)

void vmx_get_context(const void *page, struct hvm_hw_cpu *c)
{
	const struct vmx_vcpu *from = page;
	struct visit was = visit(from);

	for (unsigned i = 0; i < ARRAY_SIZE(record_order); i++) {
		enum vmcs_segment s = record_order[i];
		u32 rights;

		HVM_HW_SEGMENT(c, limit, u32, i) = vmread(VMCS_LIMIT(s));
		HVM_HW_SEGMENT(c, base, u64, i) = vmread(VMCS_BASE(s));
		if (i >= HVM_HW_SELECTORS)
			continue;
		rights = vmread(VMCS_RIGHTS(s));
		HVM_HW_SEGMENT(c, sel, u32, i) = vmread(VMCS_SELECTOR(s));
		HVM_HW_SEGMENT(c, arbytes, u32, i) =
			rights & RIGHTS_UNUSABLE ? 0 : (rights & 0xff) | (rights >> 4 & 0xf00);
	}
#define GET(ours, abis) c->abis = from->ours;
	KEPT(GET)
#undef GET
#define GET(ours, abis) c->abis = vmread(ours);
	IN_VMCS(GET)
#undef GET
	leave(from, was);
}

void vmx_set_context(void *page, const struct hvm_hw_cpu *c)
{
	struct vmx_vcpu *to = page;
	struct visit was = visit(to);

	start(to, (c->cr0 & ~(u64)(CR0_CD | CR0_NW)) | CR0_ET, c->cr4, c->msr_efer);
#define SET(ours, abis) vmwrite(ours, c->abis);
	IN_VMCS(SET)
#undef SET
	for (unsigned i = 0; i < ARRAY_SIZE(record_order); i++) {
		enum vmcs_segment s = record_order[i];

		if (i >= HVM_HW_SELECTORS)
			write_table(s, HVM_HW_SEGMENT(c, base, u64, i),
				    HVM_HW_SEGMENT(c, limit, u32, i));
		else
			write_segment(s, HVM_HW_SEGMENT(c, sel, u32, i),
				      HVM_HW_SEGMENT(c, base, u64, i),
				      HVM_HW_SEGMENT(c, limit, u32, i),
				      HVM_HW_SEGMENT(c, arbytes, u32, i));
	}
	to->cr2 = c->cr2;
	to->dr6 = c->dr6;
	vmx_set_dr7(to, c->dr7);
	to->star = c->msr_star;
	to->lstar = c->msr_lstar;
	to->cstar = c->msr_cstar;
	to->sfmask = c->msr_syscall_mask;
	to->kernel_gs_base = c->shadow_gs;
	leave(to, was);
}
