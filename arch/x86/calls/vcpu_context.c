/* SPDX-License-Identifier: MIT */
/*
 * A context for a vcpu that has never run, checked whole, then taken: a sibling's
 * (VCPUOP_initialise) or another domain's (domctl). Its private pages are foreign memory to the
 * caller, so they are reached through the mapcache; its area's tables are public. What is to be
 * read of another domain's tables is read on a visit.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <asm/emul.h>
#include <asm/fpu.h>
#include <asm/gdt.h>
#include <asm/insn.h>
#include <asm/ldt.h>
#include <asm/loaded.h>
#include <asm/mapcache.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>
#include <asm/vcpu_context.h>
#include <asm/vcpu_private.h>
#include <asm/visit.h>
#include <asm/vm_assist.h>
#include <asm/window.h>

#define DESCS_PER_PAGE (PAGE_SIZE / 8)

/* Values alone; no reference is needed to judge them (SEG-2). */
static bool values_ok(const struct vcpu_guest_context *c)
{
	bool ok = (c->flags & VGCF_in_kernel) && is_canonical(c->fs_base) &&
		  is_canonical(c->gs_base_kernel) && is_canonical(c->gs_base_user) &&
		  is_guest_address(c->event_callback_eip) &&
		  is_guest_address(c->failsafe_callback_eip) &&
		  is_guest_address(c->syscall_callback_eip) &&
		  c->gdt_ents <= PV_GDT_FRAMES * DESCS_PER_PAGE &&
		  ldt_setting_ok(c->ldt_base, c->ldt_ents);

	for (unsigned i = 0; i < 256; i++)
		ok &= is_guest_address(c->trap_ctxt[i].address);
	return ok;
}

/* ABI: the base pointer is a machine address in CR3's form. */
static mfn_t base_mfn(u64 cr3)
{
	return maddr_to_mfn(cr3);
}

/* A loaded base pointer holds one general and one l4 reference. */
static int get_base(mfn_t m)
{
	int rc;

	if (!mfn_has_page(m))
		return -EINVAL;
	rc = page_get_and_type(page_of(m), loaded_domain(), PGT_l4);
	return rc == -EINTR ? -ERESTART : rc == -EBUSY ? -EINVAL : rc;
}

static void fill_callbacks(struct vcpu_private *p, const struct vcpu_guest_context *c)
{
	p->event = (struct pv_callback){ c->event_callback_eip, true };
	p->failsafe = (struct pv_callback){ c->failsafe_callback_eip,
					    c->flags & VGCF_failsafe_disables_events };
	p->syscall = (struct pv_callback){ c->syscall_callback_eip,
					   c->flags & VGCF_syscall_disables_events };
	p->kernel_sp = c->kernel_sp;
}

/* Initialisers for those registers that the ABI's frame and ours call by the same names. */
#define REGS_OF(r)								\
	.r15 = (r)->r15, .r14 = (r)->r14, .r13 = (r)->r13, .r12 = (r)->r12,	\
	.r11 = (r)->r11, .r10 = (r)->r10, .r9 = (r)->r9, .r8 = (r)->r8,		\
	.rax = (r)->rax, .rbx = (r)->rbx, .rcx = (r)->rcx, .rdx = (r)->rdx,	\
	.rsi = (r)->rsi, .rdi = (r)->rdi, .rbp = (r)->rbp, .rsp = (r)->rsp,	\
	.rip = (r)->rip

static void fill_regs(struct vcpu_private *p, const struct vcpu_guest_context *c)
{
	const struct cpu_user_regs *u = &c->user_regs;

	p->regs = (struct regs){
		REGS_OF(u),
		.cs = (u->cs | 3) & 0xffff,
		.ss = (u->ss | 3) & 0xffff,
		.rflags = (u->rflags & ~(u64)(EFLAGS_IOPL | EFLAGS_VM | EFLAGS_NT | EFLAGS_VIF |
					      EFLAGS_VIP)) | EFLAGS_IF | EFLAGS_MBS,
	};
	p->iopl = (u->rflags & EFLAGS_IOPL) >> 12;
	p->ts = (c->ctrlreg[0] & CR0_TS) != 0;
	p->cr4 = pv_settable_cr4(c->ctrlreg[4]);
	p->ds = u->ds;
	p->es = u->es;
	p->fs = u->fs;
	p->gs = u->gs;
	p->fs_base = c->fs_base;
	p->gs_base_kernel = c->gs_base_kernel;
	p->gs_base_user = c->gs_base_user;
}

/* ABI: one that may not be is left out. */
static void fill_debugregs(struct vcpu_private *p, const struct vcpu_guest_context *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(p->debugreg); i++) {
		u64 val = c->debugreg[i];

		if (!pv_debugreg_check(i, &val))
			p->debugreg[i] = val;
	}
}

static void fill_traps(struct pv_trap *traps, const struct vcpu_guest_context *c)
{
	/* By position, as Xen reads it; vector in the entry itself is not looked at. */
	for (unsigned i = 0; i < 256; i++)
		traps[i] = (struct pv_trap){
			.address = c->trap_ctxt[i].address, .dpl = c->trap_ctxt[i].flags & 3,
			.mask_events = c->trap_ctxt[i].flags & 4,
		};
}

/* Frames of the GDT: references taken for all or none. */
static int get_gdt(const struct vcpu_guest_context *c, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		if (!desc_frame_get(_mfn(c->gdt_frames[i])))
			continue;
		while (i--)
			desc_frame_put(_mfn(c->gdt_frames[i]));
		return -EINVAL;
	}
	return 0;
}

/* What holds nothing. */
static void fill(struct vcpu *v, struct vcpu_private *p, const struct vcpu_guest_context *c)
{
	struct pv_trap *traps = map_domain_page(v->private_mfn[1]);
	void *fpu = map_domain_page(v->private_mfn[2]);

	fill_callbacks(p, c);
	fill_regs(p, c);
	fill_debugregs(p, c);
	fill_traps(traps, c);
	if (c->flags & VGCF_i387_valid)
		fpu_set_legacy_image(fpu, &c->fpu_ctxt);
	unmap_domain_page(fpu);
	unmap_domain_page(traps);
}

/* Everything has its references: nothing below can fail. */
static void commit(struct vcpu *v, const struct vcpu_guest_context *c, mfn_t kernel_l4,
		   mfn_t user_l4, unsigned nr_gdt)
{
	struct vcpu_private *p = map_domain_page(v->private_mfn[0]);

	fill(v, p, c);
	p->kernel_l4 = v->copy[0].l4 = kernel_l4;
	p->user_l4 = v->copy[1].l4 = user_l4;
	for (unsigned i = 0; i < nr_gdt; i++)
		p->gdt_frame[i] = _mfn(c->gdt_frames[i]);
	populate_perdomain_mapping(v, VA_GDT, nr_gdt, p->gdt_frame, PAGE_HV_RW);
	if (!v->id)
		WRITE_ONCE(v->domain->vm_assist, c->vm_assist);
	p->ldt_base = c->ldt_base;
	p->ldt_ents = c->ldt_ents;
	unmap_domain_page(p);
	WRITE_ONCE(v->initialised, true);
}

/*
 * The base pointers last: on the way out the user's, if it is refused half way, and then the
 * kernel's may have to be parked, and no more than two can be (PRE-3).
 */
static int get_bases(const struct vcpu_guest_context *c, mfn_t *kernel_l4, mfn_t *user_l4)
{
	int rc;

	*kernel_l4 = base_mfn(c->ctrlreg[3]);
	*user_l4 = INVALID_MFN;
	rc = get_base(*kernel_l4);
	if (rc || !c->ctrlreg[1])
		return rc;
	*user_l4 = base_mfn(c->ctrlreg[1]);
	rc = get_base(*user_l4);
	if (rc)
		page_put_and_type(page_of(*kernel_l4));
	return rc;
}

/* What a context holds, of the domain that is loaded: its own, or one that is visited. */
struct held {
	const struct vcpu_guest_context *c;
	unsigned nr_gdt;
	mfn_t kernel_l4, user_l4;
};

static int get_held(struct domain *d __maybe_unused, void *arg)
{
	struct held *h = arg;
	unsigned nr = h->nr_gdt;
	int rc = get_gdt(h->c, nr);

	if (rc)
		return rc;
	rc = get_bases(h->c, &h->kernel_l4, &h->user_l4);
	while (rc && nr--)
		desc_frame_put(_mfn(h->c->gdt_frames[nr]));
	return rc;
}

int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct held h = { .c = c, .nr_gdt = DIV_ROUND_UP(c->gdt_ents, DESCS_PER_PAGE) };
	int rc;

	if (!values_ok(c) || (!v->id && !vm_assists_ok(c->vm_assist)))
		return -EINVAL;
	if (v->domain == current->domain)
		rc = get_held(v->domain, &h);
	else
		rc = visit(v->domain, get_held, &h);
	if (!rc)
		commit(v, c, h.kernel_l4, h.user_l4, h.nr_gdt);
	return rc;
}

/* ---- One that has run ------------------------------------------------------------------------ */

/* Is what the context holds what @p does already? */
static bool holds_the_same(const struct vcpu_private *p, const struct vcpu_guest_context *c)
{
	mfn_t user_l4 = c->ctrlreg[1] ? base_mfn(c->ctrlreg[1]) : INVALID_MFN;
	unsigned nr_gdt = DIV_ROUND_UP(c->gdt_ents, DESCS_PER_PAGE);
	bool same = mfn_eq(p->kernel_l4, base_mfn(c->ctrlreg[3])) && mfn_eq(p->user_l4, user_l4) &&
		    p->ldt_base == c->ldt_base && p->ldt_ents == c->ldt_ents;

	for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
		same &= mfn_eq(p->gdt_frame[i], i < nr_gdt ? _mfn(c->gdt_frames[i]) : INVALID_MFN);
	return same;
}

int vcpu_change_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct vcpu_private *p;
	int rc = 0;

	if (!values_ok(c))
		return -EINVAL;
	p = map_domain_page(v->private_mfn[0]);
	if (holds_the_same(p, c))
		fill(v, p, c);
	else
		rc = -EOPNOTSUPP;
	unmap_domain_page(p);
	return rc;
}

/* ---- The other way --------------------------------------------------------------------------- */

static void tell_callbacks(struct vcpu_guest_context *c, const struct vcpu_private *p)
{
	c->event_callback_eip = p->event.address;
	c->failsafe_callback_eip = p->failsafe.address;
	c->syscall_callback_eip = p->syscall.address;
	c->flags |= p->failsafe.mask_events ? VGCF_failsafe_disables_events : 0;
	c->flags |= p->syscall.mask_events ? VGCF_syscall_disables_events : 0;
	c->kernel_ss = SEL_USER_DS;
	c->kernel_sp = p->kernel_sp;
}

static void tell_regs(struct vcpu_guest_context *c, const struct vcpu_private *p)
{
	const struct regs *r = &p->regs;

	c->user_regs = (struct cpu_user_regs){
		REGS_OF(r), .cs = r->cs, .ss = r->ss,
		.rflags = (r->rflags & ~(u64)EFLAGS_IOPL) | (u64)p->iopl << 12,
		.ds = p->ds, .es = p->es, .fs = p->fs, .gs = p->gs,
	};
	/* SYSCALL has left them so; what stands in its frame is nothing (regs.h). */
	if (r->vector == VECTOR_SYSCALL) {
		c->user_regs.rcx = r->rip;
		c->user_regs.r11 = c->user_regs.rflags;
	}
	c->flags |= p->kernel_mode ? VGCF_in_kernel : 0;
	c->fs_base = p->fs_base;
	c->gs_base_kernel = p->gs_base_kernel;
	c->gs_base_user = p->gs_base_user;
	memcpy(c->debugreg, p->debugreg, sizeof(c->debugreg));
}

static void tell_traps(struct vcpu_guest_context *c, const struct pv_trap *traps)
{
	for (unsigned i = 0; i < 256; i++) {
		c->trap_ctxt[i].vector = i;
		c->trap_ctxt[i].flags = traps[i].dpl | (traps[i].mask_events ? 4 : 0);
		c->trap_ctxt[i].cs = SEL_USER_CS64;
		c->trap_ctxt[i].address = traps[i].address;
	}
}

static void tell_tables(struct vcpu_guest_context *c, const struct vcpu_private *p)
{
	for (unsigned i = 0; i < PV_GDT_FRAMES && mfn_is_valid_num(p->gdt_frame[i]); i++) {
		c->gdt_frames[i] = mfn_x(p->gdt_frame[i]);
		c->gdt_ents += DESCS_PER_PAGE;
	}
	c->ldt_base = p->ldt_base;
	c->ldt_ents = p->ldt_ents;
	c->ctrlreg[0] = PV_CR0 | (p->ts ? CR0_TS : 0);
	c->ctrlreg[3] = mfn_to_maddr(p->kernel_l4);
	c->ctrlreg[1] = mfn_is_valid_num(p->user_l4) ? mfn_to_maddr(p->user_l4) : 0;
	c->ctrlreg[4] = p->cr4;
}

void vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
	const struct vcpu_private *p = map_domain_page(v->private_mfn[0]);
	const struct pv_trap *traps = map_domain_page(v->private_mfn[1]);
	const void *fpu = map_domain_page(v->private_mfn[2]);

	memset(c, 0, sizeof(*c));
	c->flags = VGCF_i387_valid | (READ_ONCE(v->state) == VCPU_DOWN ? 0 : VGCF_online);
	memcpy(&c->fpu_ctxt, fpu, sizeof(c->fpu_ctxt));
	tell_callbacks(c, p);
	tell_regs(c, p);
	tell_traps(c, traps);
	tell_tables(c, p);
	if (!v->id)
		c->vm_assist = READ_ONCE(v->domain->vm_assist);
	unmap_domain_page(fpu);
	unmap_domain_page(traps);
	unmap_domain_page(p);
}
