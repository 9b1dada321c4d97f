/* SPDX-License-Identifier: MIT */
/*
 * SVM: asked for, enabled, and the VMCB of the current vcpu. APM vol. 2 chapter 15.
 *
 * There is one ASID for guests. What is cached of one is flushed, with all else, where another vcpu
 * may have run on the CPU, where tables have changed, and where its paging mode does. No clean bit
 * is ever set: the processor reads the VMCB whole at each entry.
 */
#include <isola/memmap.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/lib/string.h>
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/precondition.h>
#include "svm_exit.h"
#include "vmcb.h"

#define LEAF_SVM	0x8000000au
#define SVM_NPT		(1u << 0)		/* of its EDX */
#define SVM_NRIPS	(1u << 3)
#define MSR_VM_CR	0xc0010114
#define VM_CR_SVMDIS	(1ul << 4)
#define MSR_HSAVE	0xc0010117
#define GUEST_ASID	1u

/* All write-back: NPT cannot override the guest's PAT (COH-1). */
#define PAT_ALL_WB	0x0606060606060606ul

/* Bits that are one: everything is intercepted. One for all guests. */
static u8 permissions[4 * PAGE_SIZE] __aligned(PAGE_SIZE);

/* Of each CPU: where VMRUN keeps the host, and what VMLOAD brings back. Mapped nowhere. */
static struct {
	mfn_t save, host;
	bool is_on;
} svm_cpus[CONFIG_NR_CPUS];

#define this_vmcb ((struct vmcb *)this_hvm_vendor)

/* Every CPU's, once its first guest is entered: CPU features that all CPUs have in common. */
static void ready_cpu(void)
{
	unsigned cpu = smp_cpu_id();

	ASSERT_IRQS_OFF();
	if (likely(svm_cpus[cpu].is_on))
		return;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_HSAVE, mfn_to_maddr(svm_cpus[cpu].save));
	/*
	 * FS, GS, LDTR and KERNEL_GS_BASE are those of an HVM vcpu, which has none: the same at
	 * each turn.
	 */
	asm volatile ("vmsave %0" :: "a"(mfn_to_maddr(svm_cpus[cpu].host)) : "memory");
	svm_cpus[cpu].is_on = true;
}

/* ---- The VMCB -------------------------------------------------------------------------------- */

static void fill(struct vmcb *c, u64 npt)
{
	memset(c, 0, sizeof(*c));
	c->cr_write = 1u << 0 | 1u << 4;
	c->dr_read = c->dr_write = 0xffff;
	c->exceptions = 1u << TRAP_DB | 1u << TRAP_AC | 1u << TRAP_MC;
	c->general[0] = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_SMI | INTERCEPT_INIT |
			INTERCEPT_RDPMC | INTERCEPT_CPUID | INTERCEPT_INVD | INTERCEPT_HLT |
			INTERCEPT_INVLPGA | INTERCEPT_PORTS | INTERCEPT_MSRS |
			INTERCEPT_TASK_SWITCH | INTERCEPT_FERR_FREEZE | INTERCEPT_SHUTDOWN;
	c->general[1] = INTERCEPT_SVM | INTERCEPT_ICEBP | INTERCEPT_WBINVD | INTERCEPT_MONITOR |
			INTERCEPT_MWAIT | INTERCEPT_XSETBV | INTERCEPT_RDPRU;
	c->iopm = c->msrpm = image_va_to_maddr(permissions);
	c->asid = GUEST_ASID;
	c->vintr = VINTR_MASKING;
	c->nested = NESTED_PAGING;
	c->ncr3 = npt;
	c->pat = PAT_ALL_WB;
}

static int init(struct vcpu *v, void *page)
{
	fill(page, mfn_to_maddr(v->domain->hvm->p2m.root));
	return 0;
}

/* What is the same wherever it begins. */
static void start(struct vmcb *c, u64 cr0)
{
	u64 npt = c->ncr3;

	fill(c, npt);
	c->cr0 = cr0;
	c->efer = EFER_SVME;
	c->dr6 = 0xffff0ff0;
	c->dr7 = 0x400;
}

static void start32(void *page)
{
	static const struct vmcb_segment code = { 0x8, 0xc9b, ~0u, 0 };
	static const struct vmcb_segment data = { 0x10, 0xc93, ~0u, 0 };
	struct vmcb *c = page;

	start(c, CR0_PE | CR0_ET);
	c->cs = code;
	c->ds = c->es = c->ss = data;
	c->tr = (struct vmcb_segment){ 0, 0x8b, 0x67, 0 };
	c->ldtr = (struct vmcb_segment){ 0, 0x82, 0, 0 };
	c->fs = c->gs = (struct vmcb_segment){ 0, 0x93, 0, 0 };
}

/* SDM vol. 3 table 10-1, §9.4.3. */
static void start_real(void *page, u8 page_nr)
{
	static const struct vmcb_segment data = { 0, 0x93, 0xffff, 0 };
	struct vmcb *c = page;

	start(c, CR0_ET);
	c->cs = (struct vmcb_segment){ page_nr << 8, 0x9b, 0xffff, (u64)page_nr << 12 };
	c->ds = c->es = c->ss = c->fs = c->gs = data;
	c->tr = (struct vmcb_segment){ 0, 0x8b, 0xffff, 0 };
	c->ldtr = (struct vmcb_segment){ 0, 0x82, 0xffff, 0 };
	c->gdtr.limit = c->idtr.limit = 0xffff;
}

static struct vmcb_segment segment(const struct hvm_segment *s)
{
	return (struct vmcb_segment){ 0, s->attr, s->limit, s->base };
}

/* Its privilege is SS's; real mode has the highest. */
static void start_as(void *page, const struct hvm_first *f)
{
	struct vmcb *c = page;

	start(c, f->cr0);
	c->cr3 = f->cr3;
	c->cr4 = f->cr4;
	c->efer |= f->efer;
	c->cs = segment(&f->segment[0]);
	c->ds = segment(&f->segment[1]);
	c->ss = segment(&f->segment[2]);
	c->es = segment(&f->segment[3]);
	c->tr = segment(&f->segment[4]);
	c->ldtr = (struct vmcb_segment){ 0, 0x82, 0, 0 };
	c->fs = c->gs = (struct vmcb_segment){ 0, 0x93, 0, 0 };
	c->cpl = f->cr0 & CR0_PE ? c->ss.attr >> 5 & 3 : 0;
}

static const u16 place[HVM_NR_REGS] = {
#define PLACE(reg, field) [HVM_##reg] = offsetof(struct vmcb, field)
	PLACE(CR0, cr0), PLACE(CR2, cr2), PLACE(CR3, cr3), PLACE(CR4, cr4), PLACE(EFER, efer),
	PLACE(DR6, dr6), PLACE(DR7, dr7), PLACE(FS_BASE, fs.base), PLACE(GS_BASE, gs.base),
	PLACE(KERNEL_GS_BASE, kernel_gs_base), PLACE(STAR, star), PLACE(LSTAR, lstar),
	PLACE(CSTAR, cstar), PLACE(SFMASK, sfmask), PLACE(SYSENTER_CS, sysenter_cs),
	PLACE(SYSENTER_ESP, sysenter_esp), PLACE(SYSENTER_EIP, sysenter_eip),
#undef PLACE
};

static u64 *field(enum hvm_reg r)
{
	return (u64 *)(this_hvm_vendor + place[r]);
}

/* EFER has SVME while the guest runs (§15.5.1), and the guest does not see it. */
static u64 get(enum hvm_reg r)
{
	if (r == HVM_CR8)
		return this_vmcb->vintr & VINTR_TPR;
	return r == HVM_EFER ? this_vmcb->efer & ~EFER_SVME : *field(r);
}

static void set(enum hvm_reg r, u64 val)
{
	if (r == HVM_CR8)
		this_vmcb->vintr = (this_vmcb->vintr & ~VINTR_TPR) | val;
	else
		*field(r) = r == HVM_EFER ? val | EFER_SVME : val;
}

static void code_segment(struct hvm_code_segment *cs)
{
	cs->base = this_vmcb->cs.base;
	cs->is_64 = this_vmcb->efer & EFER_LMA && this_vmcb->cs.attr & 1u << 9;
	cs->is_32 = this_vmcb->cs.attr & 1u << 10;
}

static unsigned cpl(void)
{
	return this_vmcb->cpl;
}

static bool in_shadow(void)
{
	return this_vmcb->shadow & 1;
}

static void set_shadow(bool on)
{
	this_vmcb->shadow = (this_vmcb->shadow & ~1ul) | on;
}

/* A virtual interrupt is pending that is never taken: its intercept comes first (§15.21.4). */
static void want_window(bool want)
{
	this_vmcb->vintr = VINTR_MASKING | (this_vmcb->vintr & VINTR_TPR);
	this_vmcb->general[0] &= ~INTERCEPT_VINTR;
	if (!want)
		return;
	this_vmcb->vintr |= VINTR_IRQ | VINTR_PRIO_MOST | VINTR_IGN_TPR;
	this_vmcb->general[0] |= INTERCEPT_VINTR;
}

static void want_cr8(bool want)
{
	this_vmcb->cr_write = (this_vmcb->cr_write & ~(1u << 8)) | (u16)want << 8;
}

static void want_iret(bool want)
{
	this_vmcb->general[0] &= ~INTERCEPT_IRET;
	this_vmcb->general[0] |= want ? INTERCEPT_IRET : 0;
}

static void inject(const struct hvm_event *e)
{
	this_vmcb->event_inject = e->vector | (u64)e->type << 8 | EVENT_VALID |
				  (e->has_error ? EVENT_HAS_ERROR | (u64)e->error << 32 : 0);
}

/*
 * What was being delivered when the guest stopped. Not INT n, INT3, INTO and ICEBP: rip is still
 * theirs, and they are executed again.
 */
static void read_cut_off(struct hvm_event *e)
{
	u64 x = this_vmcb->exit_int_info;

	e->valid = x & EVENT_VALID;
	e->vector = x & 0xff;
	e->type = x >> 8 & 7;
	e->has_error = x & EVENT_HAS_ERROR;
	e->error = x >> 32;
	if (e->type == HVM_EVENT_SOFTWARE ||
	    (e->type == HVM_EVENT_EXCEPTION && (e->vector == TRAP_BP || e->vector == TRAP_OF)))
		e->valid = false;
}

/* Not in the VMCB, and of no use to us but while the guest has enabled them. */
static void load_breakpoints(void)
{
	const u64 *dr = this_hvm.dr;

	if (likely(!(this_vmcb->dr7 & 0xff)))
		return;
	asm volatile ("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
		      :: "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
}

static void run(struct hvm_exit *e, bool flush, struct hvm_event *cut_off)
{
	struct regs *r = guest_regs_pointer();
	struct vmcb *c = this_vmcb;

	ASSERT_IRQS_OFF();
	c->rax = r->rax;
	c->rip = r->rip;
	c->rsp = r->rsp;
	c->rflags = r->rflags;
	c->tlb_control = flush ? TLB_FLUSH_ALL : 0;
	load_breakpoints();
	svm_enter(this_hvm.vendor_maddr, mfn_to_maddr(svm_cpus[smp_cpu_id()].host));
	r->rax = c->rax;
	r->rip = c->rip;
	r->rsp = c->rsp;
	r->rflags = c->rflags;
	r->cs = c->cs.selector;
	r->ss = c->ss.selector;
	c->event_inject = 0;
	read_cut_off(cut_off);
	svm_read_exit(c, e);
}

static const struct hvm_vendor svm = {
	.name = "SVM", .p2m_format = &p2m_npt, .hypercall_opcode = 0xd9,
	.ready_cpu = ready_cpu, .init = init,
	.start32 = start32, .run = run, .inject = inject, .want_window = want_window,
	.want_cr8 = want_cr8, .want_iret = want_iret, .start_real = start_real, .start_as =
	start_as, .in_shadow = in_shadow, .set_shadow = set_shadow, .get = get, .set = set,
	.code_segment = code_segment, .cpl = cpl, .get_context = svm_get_context,
	.set_context = svm_set_context, .get_cr8 = svm_get_cr8, .set_cr8 = svm_set_cr8,
};

/* ---- Is it there? ---------------------------------------------------------------------------- */

static bool make_cpus(void)
{
	for (unsigned i = 0; i < nr_cpus; i++) {
		svm_cpus[i].save = page_alloc(ALLOC_CPU, 0, 0);
		svm_cpus[i].host = page_alloc(ALLOC_CPU, 0, 0);
		if (!mfn_is_valid_num(svm_cpus[i].save) || !mfn_is_valid_num(svm_cpus[i].host))
			return false;
	}
	return true;
}

const struct hvm_vendor *svm_probe(const char **why)
{
	u64 vm_cr;

	if (!cpu_has(SVM)) {
		*why = "the CPU has neither SVM nor VMX";
		return NULL;
	}
	if (!(cpuid(LEAF_SVM, 0).edx & SVM_NPT))
		*why = "the CPU's SVM has no nested paging";
	else if (rdmsr_safe(MSR_VM_CR, &vm_cr) || vm_cr & VM_CR_SVMDIS)
		*why = "the firmware has switched SVM off";
	else if (!make_cpus())
		*why = "there is no memory for its CPUs";
	else
		*why = NULL;
	memset(permissions, 0xff, sizeof(permissions));
	svm_has_next_rip = cpuid(LEAF_SVM, 0).edx & SVM_NRIPS;
	return *why ? NULL : &svm;
}
