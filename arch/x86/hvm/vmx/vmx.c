/* SPDX-License-Identifier: MIT */
/*
 * VMX with EPT: the current vcpu's turn, entered and left, and what is delivered to it. SDM vol. 3
 * chapters 23 to 28.
 *
 * There is one VPID for guests. What is cached of one is flushed where another vcpu may have run on
 * the CPU, where tables have changed, and where its paging mode does: INVEPT for what EPT has part
 * in, whatever the VPID, and INVVPID. A new VPID would not do: mappings by EPT have none (§28.3.1).
 *
 * Beside the VMCS a CPU holds of its guest, during its turn: CR2 and DR0 to DR3, where it enters;
 * STAR, LSTAR, CSTAR, SFMASK and KERNEL_GS_BASE. We use none of these while it is at work.
 */
#include <isola/panic.h>
#include <isola/printk.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/p2m.h>
#include <asm/percpu.h>
#include <asm/precondition.h>
#include <asm/spec_ctrl.h>
#include "vmcs.h"

#define ONE_CONTEXT	1ul		/* of INVEPT and INVVPID */
#define PENDING_STEP	(1ul << 14)

/* The part is affected by L1TF, and can flush its L1D cache. */
static bool flushes_l1d;

/* ---- A turn ---------------------------------------------------------------------------------- */

/* Interrupts off. The guest begins with an empty L1D cache where that is due. */
static void ready_cpu(void)
{
	struct vmx_vcpu *p = this_vmx;

	ASSERT_IRQS_OFF();
	vmx_load(p->vmcs);
	/* What was known of the VMCS has been read in another turn. */
	p->knows_shadow = p->knows_cs = false;
	vmwrite_if(VMCS_HOST_CR4, &p->host_cr4, this_cpu.cr4);
	wrmsr(MSR_STAR, p->star);
	wrmsr(MSR_LSTAR, p->lstar);
	wrmsr(MSR_CSTAR, p->cstar);
	wrmsr(MSR_SFMASK, p->sfmask);
	wrmsr(MSR_KERNEL_GS_BASE, p->kernel_gs_base);
	if (flushes_l1d)
		spec_flush_l1d();
	p->mapped = current->mapcache_next;
}

/* The VMCS goes back to memory: the next turn may be another CPU's. Interrupts off. */
static void leave(void)
{
	struct vmx_vcpu *p = this_vmx;

	ASSERT_IRQS_OFF();
	p->kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	vmx_clear(p->vmcs);
	p->launched = false;
	desc_reload();
}

/* ---- Delivery -------------------------------------------------------------------------------- */

static void set_primary(u32 bit, bool on)
{
	u32 val = on ? this_vmx->primary | bit : this_vmx->primary & ~bit;

	if (val == this_vmx->primary)
		return;
	this_vmx->primary = val;
	vmwrite(VMCS_PRIMARY, val);
}

static void want_window(bool want)
{
	set_primary(PRIMARY_WINDOW, want);
}

/* Stops when the IRET is over: HVM_EXIT_NMI_OVER. */
static void want_iret(bool want)
{
	set_primary(PRIMARY_NMI_WINDOW, want);
}

/* Stops behind a write of CR8 that makes it less than it is (§29.1.2). */
static void want_cr8(bool want)
{
	u32 threshold = want ? this_vmx->vtpr >> 4 & 15 : 0;

	if (threshold == this_vmx->tpr_threshold)
		return;
	this_vmx->tpr_threshold = threshold;
	vmwrite(VMCS_TPR_THRESHOLD, threshold);
}

static bool in_shadow(void)
{
	return vmx_shadow() & (SHADOW_STI | SHADOW_MOV_SS);
}

/* Of MOV SS alone: STI's must not be where interrupts are off (§26.3.1.5). */
static void set_shadow(bool on)
{
	vmx_set_shadow_bits((vmx_shadow() & SHADOW_NMI) | (on ? SHADOW_MOV_SS : 0));
}

/* An NMI that was cut off blocks others by itself again. Real mode has no error codes. */
static void inject(const struct hvm_event *e)
{
	bool has_error = e->has_error && this_vmx->cr0 & CR0_PE;

	if (e->type == HVM_EVENT_NMI)
		vmx_set_shadow_bits(vmx_shadow() & ~SHADOW_NMI);
	if (has_error)
		vmwrite(VMCS_ENTRY_ERROR, e->error);
	vmwrite(VMCS_ENTRY_EVENT, e->vector | (u32)e->type << 8 | EVENT_VALID |
				  (has_error ? EVENT_HAS_ERROR : 0));
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static void flush_guest(void)
{
	const struct { u64 eptp, none; } ept = { vmread(VMCS_EPTP), 0 };
	const struct { u64 vpid, linear; } vpid = { GUEST_VPID, 0 };

	asm volatile ("invept %0, %1" :: "m"(ept), "r"(ONE_CONTEXT) : "cc", "memory");
	asm volatile ("invvpid %0, %1" :: "m"(vpid), "r"(ONE_CONTEXT) : "cc", "memory");
}

/*
 * TF in the shadow of STI or MOV SS: the processor enters only if the step's #DB is said to be
 * pending, which an exit meanwhile may have lost (§26.3.1.5, XSA-308).
 */
static void settle_step(void)
{
	if (in_shadow())
		vmwrite(VMCS_PENDING_DEBUG, vmread(VMCS_PENDING_DEBUG) | PENDING_STEP);
}

/* Not in the VMCS, and of no use to us but while the guest has enabled them. */
static void load_breakpoints(void)
{
	const u64 *dr = this_hvm.dr;

	if (likely(!(this_vmx->dr7 & 0xff)))
		return;
	asm volatile ("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
		      :: "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3]));
}

/*
 * A guest's absent entries name the machine's memory, as far as it is in the L1D cache (L1TF). On
 * this vcpu's root there is nothing of others, so the cache has nothing of theirs either, unless a
 * frame of theirs has been mapped since it last entered.
 */
static void settle_l1d(struct vmx_vcpu *p)
{
	if (likely(!flushes_l1d) || p->mapped == current->mapcache_next)
		return;
	p->mapped = current->mapcache_next;
	spec_flush_l1d();
}

static void prepare(struct vmx_vcpu *p, const struct regs *r, bool flush)
{
	if (flush)
		flush_guest();
	vmwrite_if(VMCS_RIP, &p->rip, r->rip);
	vmwrite_if(VMCS_RSP, &p->rsp, r->rsp);
	vmwrite_if(VMCS_RFLAGS, &p->rflags, r->rflags);
	if (unlikely(r->rflags & EFLAGS_TF))
		settle_step();
	if (unlikely(p->pdptes_due))
		vmx_load_pdptes(p);
	load_breakpoints();
	if (p->cr2 != read_cr2())
		write_cr2(p->cr2);
	settle_l1d(p);
}

/* VMLAUNCH or VMRESUME has refused: what the VMCS has of the host, or its state. */
static void read_refusal(struct hvm_exit *e, struct hvm_event *cut_off)
{
	cut_off->valid = false;
	*e = (struct hvm_exit){ .kind = HVM_EXIT_INVALID, .what = "VM-instruction error",
				.detail = vmread(VMCS_INSN_ERROR) };
}

static void run(struct hvm_exit *e, bool flush, struct hvm_event *cut_off)
{
	struct regs *r = guest_regs_pointer();
	struct vmx_vcpu *p = this_vmx;
	u32 reason;

	ASSERT_IRQS_OFF();
	prepare(p, r, flush);
	if (unlikely(vmx_enter(p->launched))) {
		read_refusal(e, cut_off);
		return;
	}
	p->cr2 = read_cr2();
	reason = vmread(VMCS_EXIT_REASON);
	if (!(reason & REASON_FAILED))
		p->launched = true;
	p->knows_shadow = p->knows_cs = false;
	r->rip = p->rip = vmread(VMCS_RIP);
	r->rsp = p->rsp = vmread(VMCS_RSP);
	r->rflags = p->rflags = vmread(VMCS_RFLAGS);
	vmx_read_exit(reason, e, cut_off);
}

static struct hvm_vendor vmx = {
	.name = "VMX", .hypercall_opcode = 0xc1, .ready_cpu = ready_cpu, .leave = leave,
	.init = vmx_init, .start32 = vmx_start32, .start_real = vmx_start_real,
	.start_as = vmx_start_as, .run = run, .inject = inject, .want_window = want_window,
	.want_cr8 = want_cr8, .want_iret = want_iret, .in_shadow = in_shadow,
	.set_shadow = set_shadow, .get = vmx_get, .set = vmx_set,
	.code_segment = vmx_code_segment, .cpl = vmx_cpl, .get_context = vmx_get_context,
	.set_context = vmx_set_context, .get_cr8 = vmx_get_cr8, .set_cr8 = vmx_set_cr8,
};

const struct hvm_vendor *vmx_probe(const char **why)
{
	*why = vmx_check();
	if (*why)
		return NULL;
	/* From here on each CPU sets it with its next vcpu: VMX operation wants it to stay. */
	boot_cr4 |= CR4_VMXE;
	cpu_leaves = vmx_off;
	vmx.p2m_format = vmx_must_split() ? &p2m_ept_split : &p2m_ept;
	if (vmx.p2m_format == &p2m_ept_split)
		pr_info("HVM: ITLB multihit: leaves of 2 MiB are split where guests execute them");
	flushes_l1d = spec_l1d_flush_is_due();
	return &vmx;
}
