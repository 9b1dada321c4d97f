/* SPDX-License-Identifier: MIT */
/*
 * What is done when a guest has stopped: one function for each reason (HVM-5). What is not built
 * ends the domain, with a sentence; what the guest may not do is its exception.
 */
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <asm/fpu.h>
#include <asm/hvm.h>
#include <asm/hypercall.h>
#include <asm/insn.h>
#include <asm/mce.h>
#include <asm/p2m_log.h>
#include <asm/p2m_touch.h>
#include <asm/percpu.h>
#include <asm/vcpu_private.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define OP(...) (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ })

/*
 * How long the instruction is that it has stopped at, which has these opcode bytes: by the CPU's
 * word, or by its bytes. 0: they are others now; #GP is injected.
 */
static unsigned length_of(const struct hvm_exit *e, const u8 *op, unsigned nr)
{
	struct hvm_insn insn;

	if (e->next_rip)
		return e->next_rip - guest_regs()->rip;
	if (hvm_decode(op, nr, false, &insn))
		return insn.length;
	hvm_inject_gp();
	return 0;
}

static void on_host(const struct hvm_exit *e __maybe_unused)
{
	/* It came when interrupts were enabled. */
}

/* The registers that it panics with are the guest's. */
static void on_machine_check(const struct hvm_exit *e __maybe_unused)
{
	irq_disable();
	mce_take(guest_regs());
	irq_enable();
}

static void on_hypercall(const struct hvm_exit *e)
{
	unsigned length = length_of(e, OP(0x0f, 0x01, hvm->hypercall_opcode));
	u64 at = guest_regs()->rip;

	if (!length)
		return;
	guest_regs()->rip = at + length;
	hvm_hypercall();
	/* What has been put off is called again, with the arguments that are left of it. */
	if (guest_regs()->rip != at + length) {
		guest_regs()->rip = at;
		return;
	}
	guest_regs()->rip = at;
	hvm_step(length);
}

static void on_cpuid(const struct hvm_exit *e)
{
	unsigned length = length_of(e, OP(0x0f, 0xa2));

	if (!length)
		return;
	if (this_vcpu.cpuid_faulting && hvm->cpl()) {
		hvm_inject_gp();
		return;
	}
	hvm_cpuid(guest_regs());
	hvm_step(length);
}

/* With interrupts off nothing ends it: the vcpu goes down, as on Xen. */
static void on_hlt(const struct hvm_exit *e)
{
	unsigned length = length_of(e, OP(0xf4));

	if (!length)
		return;
	hvm_step(length);
	if (!(guest_regs()->rflags & EFLAGS_IF)) {
		hc_vcpu_op(VCPUOP_down, current->id, 0);
		return;
	}
	if (hvm_interrupt_due() || this_hvm.event.valid)
		return;
	vcpu_sleep(VCPU_BLOCKED);
	if (hvm_interrupt_due())
		vcpu_unblock(current);
}

/*
 * OUTS of 64-bit code writes where nothing is: what it would write is not read. Linux writes its
 * first words so, to port E9H.
 */
static void on_string_port(const struct hvm_exit *e)
{
	struct regs *r = guest_regs();
	struct hvm_code_segment cs;
	u64 bytes = e->is_rep ? r->rcx * e->bytes : e->bytes;

	hvm->code_segment(&cs);
	if (e->is_in || !cs.is_64) {
		guest_warn("INS, or OUTS of 32-bit code, at port %#x: not built, #GP", e->port);
		hvm_inject_gp();
		return;
	}
	r->rsi += r->rflags & EFLAGS_DF ? -bytes : bytes;
	if (e->is_rep)
		r->rcx = 0;
	hvm_step(e->next_rip - r->rip);
}

/* Where no device model is reads give ones, and writes vanish. */
static void on_port(const struct hvm_exit *e)
{
	struct regs *r = guest_regs();
	const struct hvm_access a = { .is_port = true, .is_read = e->is_in, .bytes = e->bytes,
				      .length = e->next_rip - r->rip, .addr = e->port,
				      .data = r->rax & hvm_ones(e->bytes) };

	if (e->is_string)
		on_string_port(e);
	else if (!hvm_ask_model(&a))
		hvm_end_access(&a, ~0ul);
}

static void on_rdmsr(const struct hvm_exit *e)
{
	struct regs *r = guest_regs();
	unsigned length = length_of(e, OP(0x0f, 0x32));
	u64 val;

	if (!length)
		return;
	if (hvm_rdmsr(r->rcx, &val)) {
		hvm_inject_gp();
		return;
	}
	r->rax = (u32)val;
	r->rdx = val >> 32;
	hvm_step(length);
}

static void on_wrmsr(const struct hvm_exit *e)
{
	struct regs *r = guest_regs();
	unsigned length = length_of(e, OP(0x0f, 0x30));
	int rc;

	if (!length)
		return;
	rc = hvm_wrmsr(r->rcx, (u32)r->rax | r->rdx << 32);
	if (rc == -ERESTART)
		return;			/* it is executed again */
	if (rc)
		hvm_inject_gp();
	else
		hvm_step(length);
}

static void on_xsetbv(const struct hvm_exit *e)
{
	struct regs *r = guest_regs();
	unsigned length = length_of(e, OP(0x0f, 0x01, 0xd1));

	if (!length)
		return;
	if (!(hvm->get(HVM_CR4) & CR4_OSXSAVE))
		hvm_inject_ud();
	else if (hvm->cpl() || (u32)r->rcx || hvm_set_xcr0((u32)r->rax | r->rdx << 32))
		hvm_inject_gp();
	else
		hvm_step(length);
}

/* INVD is never executed as such: it would lose what others have written. */
static void on_cache(const struct hvm_exit *e)
{
	struct hvm_insn insn;
	unsigned length;

	if (!e->next_rip && hvm_decode(OP(0x0f, 0x08), false, &insn))
		length = insn.length;
	else
		length = length_of(e, OP(0x0f, 0x09));
	if (length && hvm_clean_caches())
		hvm_step(length);
}

static void on_nmi_over(const struct hvm_exit *e __maybe_unused)
{
	this_hvm.in_nmi = false;
	hvm->want_iret(false);
}

/*
 * The NMI's handler is over, but for its IRET, which is still to be executed: behind a shadow,
 * so that another NMI comes behind it.
 */
static void on_iret(const struct hvm_exit *e __maybe_unused)
{
	this_hvm.in_nmi = false;
	hvm->want_iret(false);
	hvm->set_shadow(true);
}

/* A leaf that has come meanwhile, or that is tracked or logged: it is tried again. */
static bool has_a_leaf(struct p2m *p, gfn_t gfn, const struct hvm_exit *e)
{
	return (!e->is_fetch || p2m_make_executable(p, gfn)) && p2m_touch(p, gfn) &&
	       (!e->is_store || p2m_log_store(p, gfn));
}

static void on_memory(const struct hvm_exit *e)
{
	struct domain *d = current->domain;

	if (has_a_leaf(&d->hvm->p2m, _gfn(e->gpa >> PAGE_SHIFT), e) || hvm_mmio(e->gpa))
		return;
	domain_crash(d, "it touches guest-physical address %lx, where nothing is, at rip %016lx",
		     e->gpa, guest_regs()->rip);
}

/*
 * Every #DB and #AC passes here, or one whose delivery raises it again would never let go of the
 * CPU (XSA-156): interrupts have been taken meanwhile.
 */
static void on_debug(const struct hvm_exit *e __maybe_unused)
{
	hvm_inject(TRAP_DB, false, 0);
}

static void on_align(const struct hvm_exit *e __maybe_unused)
{
	hvm_inject(TRAP_AC, true, 0);
}

static void on_icebp(const struct hvm_exit *e)
{
	unsigned length = length_of(e, OP(0xf1));

	if (!length)
		return;
	hvm_step(length);
	if (!this_hvm.event.valid)
		hvm_inject(TRAP_DB, false, 0);
}

static void on_not_offered(const struct hvm_exit *e __maybe_unused)
{
	hvm_inject_ud();
}

static void on_rdpmc(const struct hvm_exit *e __maybe_unused)
{
	hvm_inject_gp();
}

static void on_task_switch(const struct hvm_exit *e __maybe_unused)
{
	domain_crash(current->domain, "it switches tasks by a TSS, which is not built");
}

static void on_triple_fault(const struct hvm_exit *e __maybe_unused)
{
	guest_warn("triple fault at rip %016lx", guest_regs()->rip);
	domain_shutdown(current->domain, SHUTDOWN_reboot);
}

/* It has brought its registers into a state that the processor does not enter. */
static void on_invalid(const struct hvm_exit *e)
{
	domain_crash(current->domain, "the processor does not enter its state: code %lx, %s %lx; "
		     "cr0 %lx, cr4 %lx, efer %lx, rip %016lx", e->code, e->what, e->detail,
		     hvm->get(HVM_CR0), hvm->get(HVM_CR4), hvm->get(HVM_EFER), guest_regs()->rip);
}

/* None that we write is one. */
static void on_tables(const struct hvm_exit *e)
{
	domain_crash(current->domain, "the processor does not take its nested tables' entry for "
		     "address %lx", e->gpa);
}

static void on_unknown(const struct hvm_exit *e)
{
	domain_crash(current->domain, "it has stopped for the unknown reason %lx", e->code);
}

static void (*const handlers[HVM_NR_EXITS])(const struct hvm_exit *e) = {
	[HVM_EXIT_HOST] = on_host, [HVM_EXIT_MACHINE_CHECK] = on_machine_check,
	[HVM_EXIT_WINDOW] = on_host, [HVM_EXIT_HYPERCALL] = on_hypercall,
	[HVM_EXIT_CPUID] = on_cpuid, [HVM_EXIT_HLT] = on_hlt, [HVM_EXIT_PORT] = on_port,
	[HVM_EXIT_RDMSR] = on_rdmsr, [HVM_EXIT_WRMSR] = on_wrmsr,
	[HVM_EXIT_CR_WRITE] = hvm_write_cr, [HVM_EXIT_DR_READ] = hvm_read_dr,
	[HVM_EXIT_DR_WRITE] = hvm_write_dr, [HVM_EXIT_XSETBV] = on_xsetbv,
	[HVM_EXIT_CACHE] = on_cache, [HVM_EXIT_MEMORY] = on_memory, [HVM_EXIT_DEBUG] = on_debug,
	[HVM_EXIT_ICEBP] = on_icebp, [HVM_EXIT_ALIGN] = on_align,
	[HVM_EXIT_NOT_OFFERED] = on_not_offered, [HVM_EXIT_RDPMC] = on_rdpmc,
	[HVM_EXIT_TASK_SWITCH] = on_task_switch, [HVM_EXIT_TRIPLE_FAULT] = on_triple_fault,
	[HVM_EXIT_INVALID] = on_invalid, [HVM_EXIT_UNKNOWN] = on_unknown,
	[HVM_EXIT_IRET] = on_iret, [HVM_EXIT_NMI_OVER] = on_nmi_over,
	[HVM_EXIT_TABLES] = on_tables,
};

void hvm_handle_exit(const struct hvm_exit *e)
{
	handlers[e->kind](e);
}
