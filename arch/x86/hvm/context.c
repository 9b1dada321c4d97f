/* SPDX-License-Identifier: MIT */
/*
 * An HVM domain's context: see asm/hvm_context.h. While it is looked at the domain is paused, and
 * no other control call is at work.
 *
 * What is set is read once, into the private pages of the vcpu that it is for, and checked there;
 * when all of it has been found good it takes effect, which cannot fail (HVM-10).
 */
#define __XEN_TOOLS__ 1
#include <isola/clock.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/printk.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <asm/cpufeature.h>
#include <asm/fpu.h>
#include <asm/hvm.h>
#include <asm/hvm_context.h>
#include <asm/hvm_policy.h>
#include <asm/hvm_records.h>
#include <asm/insn.h>
#include <asm/mapcache.h>
#include <asm/perdomain.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <xen/domctl.h>

/* A vcpu's pages, mapped; of the FPU image, the first. */
struct pages {
	struct vcpu_private *priv;
	struct hvm_private *hvm;
	void *vendor, *fpu;
};

#define PRIVATE_FPU	2u		/* the image's first, of the private pages */
#define VA_INCOMING	(VA_VCPU_HVM + 2 * PAGE_SIZE)
static_assert(HVM_IMAGE_PAGES * PAGE_SIZE == FPU_IMAGE_MAX && VCPU_HVM_PAGES == 3 + HVM_IMAGE_PAGES,
	      "a page for each");

static void map_pages(const struct vcpu *v, struct pages *p)
{
	p->priv = map_domain_page(v->private_mfn[0]);
	p->fpu = map_domain_page(v->private_mfn[PRIVATE_FPU]);
	p->hvm = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM + PAGE_SIZE));
	p->vendor = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM));
}

static void unmap_pages(const struct pages *p)
{
	unmap_domain_page(p->vendor);
	unmap_domain_page(p->hvm);
	unmap_domain_page(p->fpu);
	unmap_domain_page(p->priv);
}

/* General registers, which the ABI's record and ours call by the same names. */
#define COPY_REGS(to, from)							\
	do {									\
		(to)->r15 = (from)->r15;					\
		(to)->r14 = (from)->r14;					\
		(to)->r13 = (from)->r13;					\
		(to)->r12 = (from)->r12;					\
		(to)->r11 = (from)->r11;					\
		(to)->r10 = (from)->r10;					\
		(to)->r9 = (from)->r9;						\
		(to)->r8 = (from)->r8;						\
		(to)->rax = (from)->rax;					\
		(to)->rbx = (from)->rbx;					\
		(to)->rcx = (from)->rcx;					\
		(to)->rdx = (from)->rdx;					\
		(to)->rsi = (from)->rsi;					\
		(to)->rdi = (from)->rdi;					\
		(to)->rbp = (from)->rbp;					\
		(to)->rsp = (from)->rsp;					\
		(to)->rip = (from)->rip;					\
		(to)->rflags = (from)->rflags;					\
	} while (0)

/* ---- Out ------------------------------------------------------------------------------------- */

static void read_cpu(const struct vcpu *v, struct hvm_hw_cpu *c)
{
	const struct hvm_event *e;
	struct pages p;

	memset(c, 0, sizeof(*c));
	map_pages(v, &p);
	hvm->get_context(p.vendor, c);
	COPY_REGS(c, &p.priv->regs);
	c->dr0 = p.hvm->dr[0];
	c->dr1 = p.hvm->dr[1];
	c->dr2 = p.hvm->dr[2];
	c->dr3 = p.hvm->dr[3];
	c->msr_tsc_aux = p.priv->tsc_aux;
	c->tsc = rdtsc();
	e = &p.hvm->event;
	if (e->valid && e->type != HVM_EVENT_SOFTWARE) {
		c->pending_valid = 1;
		c->pending_vector = e->vector;
		c->pending_type = e->type;
		c->pending_error_valid = e->has_error;
		c->error_code = e->error;
	}
	memcpy(c->fpu_regs, p.fpu, sizeof(c->fpu_regs));
	c->flags = XEN_X86_FPU_INITIALISED;
	unmap_pages(&p);
}

static void read_mtrr(const struct vcpu *v, struct hvm_hw_mtrr *m)
{
	struct pages p;

	memset(m, 0, sizeof(*m));
	map_pages(v, &p);
	m->msr_pat_cr = p.hvm->pat ? p.hvm->pat : HVM_PAT_RESET;
	m->msr_mtrr_cap = MTRR_VCNT;
	m->msr_mtrr_def_type = p.hvm->mtrr_def_type;
	unmap_pages(&p);
}

struct writer {
	u64 to, at;
	int rc;
};

static void write_part(struct writer *w, const void *part, u32 length)
{
	if (!w->rc && length)
		w->rc = copy_to_guest(w->to + w->at, part, length);
	w->at += length;
}

static void write(struct writer *w, u16 type, u16 instance, const void *body, u32 length)
{
	const struct hvm_save_descriptor desc = { type, instance, length };

	write_part(w, &desc, sizeof(desc));
	write_part(w, body, length);
}

/* ABI: both records of one, in two rounds. */
static void write_apic(struct writer *w, const struct vcpu *v, bool registers)
{
	struct hvm_hw_lapic_regs regs;
	struct hvm_hw_lapic lapic;
	struct pages p;

	map_pages(v, &p);
	vlapic_save(v, &p.hvm->apic, hvm->get_cr8(p.vendor), &lapic, &regs);
	unmap_pages(&p);
	if (registers)
		write(w, HVM_SAVE_CODE(LAPIC_REGS), v->id, &regs, sizeof(regs));
	else
		write(w, HVM_SAVE_CODE(LAPIC), v->id, &lapic, sizeof(lapic));
}

/* Of a CPU with XSAVE: the numbers before the image, and all of it. */
#define XSAVE_HEAD	offsetof(struct hvm_hw_cpu_xsave, save_area)
static u32 xsave_bytes(void)
{
	return cpu_facts.xcr0 ? XSAVE_HEAD + fpu_image_bytes(cpu_facts.xcr0) : 0;
}

static void write_xsave(struct writer *w, const struct vcpu *v)
{
	const struct vcpu_private *priv = map_domain_page(v->private_mfn[0]);
	const u64 head[] = { cpu_facts.xcr0, priv->xcr0 ?: XCR0_X87, cpu_facts.xcr0 };
	const struct hvm_save_descriptor desc = { CPU_XSAVE_CODE, v->id, xsave_bytes() };
	u32 left = desc.length - sizeof(head);

	static_assert(sizeof(head) == XSAVE_HEAD, "these alone");
	unmap_domain_page(priv);
	write_part(w, &desc, sizeof(desc));
	write_part(w, head, sizeof(head));
	for (unsigned i = 0; left; i++) {
		u32 some = min_t(u32, left, PAGE_SIZE);
		const void *page = map_domain_page(v->private_mfn[PRIVATE_FPU + i]);

		write_part(w, page, some);
		unmap_domain_page(page);
		left -= some;
	}
}

/* ABI: MSRs that are not 0. */
struct msr_record {
	u32 count, pad;
	struct hvm_one_msr msr;
};
static_assert(offsetof(struct msr_record, msr) == offsetof(struct hvm_msr, msr), "the ABI's");

static void write_msrs(struct writer *w, const struct vcpu *v)
{
	const struct msr_record record = { 1, 0, { MSR_MISC_FEATURES, 0, CPUID_FAULTING } };
	const struct vcpu_private *priv = map_domain_page(v->private_mfn[0]);
	bool faulting = priv->cpuid_faulting;

	unmap_domain_page(priv);
	if (faulting)
		write(w, CPU_MSR_CODE, v->id, &record, sizeof(record));
}

static bool is_up(const struct vcpu *v)
{
	return READ_ONCE(v->state) != VCPU_DOWN;
}

/* In Xen's order: of each type all vcpus that have it. */
static void write_all(struct writer *w, const struct domain *d)
{
	const struct hvm_save_header head = { .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION,
					      .cpuid = cpuid(1, 0).eax, .gtsc_khz = tsc_khz };
	struct hvm_hw_mtrr mtrr;
	struct hvm_hw_cpu cpu;

	write(w, HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		if (!is_up(d->vcpu[i]))
			continue;
		read_cpu(d->vcpu[i], &cpu);
		write(w, HVM_SAVE_CODE(CPU), i, &cpu, sizeof(cpu));
	}
	for (unsigned i = 0; i < 2 * d->nr_vcpus; i++)
		write_apic(w, d->vcpu[i % d->nr_vcpus], i >= d->nr_vcpus);
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		read_mtrr(d->vcpu[i], &mtrr);
		write(w, HVM_SAVE_CODE(MTRR), i, &mtrr, sizeof(mtrr));
	}
	for (unsigned i = 0; i < d->nr_vcpus && xsave_bytes(); i++)
		if (is_up(d->vcpu[i]))
			write_xsave(w, d->vcpu[i]);
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		write_msrs(w, d->vcpu[i]);
	write(w, HVM_SAVE_CODE(END), 0, NULL, 0);
}

/* Of all vcpus, whether they are up or not. */
static u32 most_bytes(const struct domain *d)
{
	const u32 desc = sizeof(struct hvm_save_descriptor);
	const u32 vcpu = 6 * desc + sizeof(struct hvm_hw_cpu) + sizeof(struct hvm_hw_lapic) +
			 sizeof(struct hvm_hw_lapic_regs) + sizeof(struct hvm_hw_mtrr) +
			 xsave_bytes() + sizeof(struct msr_record);

	return desc + sizeof(struct hvm_save_header) + desc + d->nr_vcpus * vcpu;
}

long domain_get_hvm_context(struct domain *d, struct xen_domctl_hvmcontext *op)
{
	struct writer w = { .to = (u64)op->buffer.p };
	long rc;

	if (!d->hvm)
		return -EINVAL;
	if (!w.to) {
		op->size = most_bytes(d);
		return 0;
	}
	if (op->size < most_bytes(d))
		return -ENOSPC;
	rc = domain_pause_by_control(d);
	if (rc)
		return rc;
	write_all(&w, d);
	op->size = w.at;
	return domain_unpause_by_control(d) ?: w.rc;
}

/* Its record of @op's type, of a vcpu that has one. *@length: of the body. */
static long copy_one(const struct vcpu *v, const struct xen_domctl_hvmcontext_partial *op,
		     u32 *length)
{
	u64 to = (u64)op->buffer.p;
	union {
		struct hvm_hw_cpu cpu;
		struct hvm_hw_mtrr mtrr;
	} body;

	if (op->type == HVM_SAVE_CODE(CPU)) {
		if (!is_up(v))
			return -ENODATA;
		read_cpu(v, &body.cpu);
		*length = sizeof(body.cpu);
	} else {
		read_mtrr(v, &body.mtrr);
		*length = sizeof(body.mtrr);
	}
	if (to && op->bufsz < *length)
		return -ENOBUFS;
	return to ? copy_to_guest(to, &body, *length) : 0;
}

long domain_get_hvm_record(struct domain *d, struct xen_domctl_hvmcontext_partial *op)
{
	const struct vcpu *v = vcpu_by_id(d, op->instance);
	u32 length;
	long rc;

	if (!d->hvm || (op->type != HVM_SAVE_CODE(CPU) && op->type != HVM_SAVE_CODE(MTRR)))
		return -EINVAL;
	if (!v)
		return -ENOENT;
	rc = domain_pause_by_control(d);
	if (rc)
		return rc;
	rc = copy_one(v, op, &length);
	if (!rc)
		op->bufsz = length;
	return domain_unpause_by_control(d) ?: rc;
}

/* ---- In -------------------------------------------------------------------------------------- */

static int read_guest(const struct hvm_reader *r, u64 at, void *to, size_t n)
{
	return copy_from_guest(to, r->from + at, n) ? -EFAULT : 0;
}

/* The pages of what is set of @v, mapped, and what they are when that is over. */
struct incoming {
	struct hvm_incoming *in;
	void *image[HVM_IMAGE_PAGES];
};

static void map_incoming(const struct vcpu *v, struct incoming *i)
{
	i->in = map_domain_page(perdomain_mfn(v, VA_INCOMING));
	for (unsigned n = 0; n < HVM_IMAGE_PAGES; n++)
		i->image[n] = map_domain_page(perdomain_mfn(v, VA_INCOMING + (n + 1) * PAGE_SIZE));
}

static void unmap_incoming(const struct incoming *i)
{
	for (unsigned n = HVM_IMAGE_PAGES; n--;)
		unmap_domain_page(i->image[n]);
	unmap_domain_page(i->in);
}

/* The record's body joins what is kept for its vcpu. */
static int keep(const struct domain *d, struct hvm_reader *r,
		const struct hvm_save_descriptor *desc)
{
	const struct hvm_valid valid = { hvm_cr4_valid(d), hvm_efer_valid(d),
					 hvm_policy_of(d)->faulting ? CPUID_FAULTING : 0 };
	const struct vcpu *v = vcpu_by_id(d, desc->instance);
	struct incoming i;
	int rc;

	if (!v)
		return -EPERM;
	map_incoming(v, &i);
	rc = hvm_keep(r, desc, &valid, i.in, i.image);
	unmap_incoming(&i);
	return rc;
}

static void take_cpu(const struct pages *p, const struct hvm_hw_cpu *c)
{
	p->priv->regs = (struct regs){ 0 };
	COPY_REGS(&p->priv->regs, c);
	p->priv->regs.rflags |= EFLAGS_MBS;
	p->priv->tsc_aux = c->msr_tsc_aux;
	p->hvm->dr[0] = c->dr0;
	p->hvm->dr[1] = c->dr1;
	p->hvm->dr[2] = c->dr2;
	p->hvm->dr[3] = c->dr3;
	hvm_forget_pending(p->hvm);
	p->hvm->event = (struct hvm_event){
		.valid = c->pending_valid, .vector = c->pending_vector, .type = c->pending_type,
		.has_error = c->pending_error_valid, .error = c->error_code };
	hvm->set_context(p->vendor, c);
	if (c->flags & XEN_X86_FPU_INITIALISED)
		fpu_set_legacy_image(p->fpu, c->fpu_regs);
	else
		fpu_init_image(p->fpu);
}

static void take_image(const struct vcpu *v, struct vcpu_private *priv, const struct incoming *i)
{
	priv->xcr0 = i->in->xcr0;
	for (unsigned n = 0; n < HVM_IMAGE_PAGES; n++) {
		void *page = map_domain_page(v->private_mfn[PRIVATE_FPU + n]);

		memcpy(page, i->image[n], PAGE_SIZE);
		unmap_domain_page(page);
	}
}

/* All that has been kept for @v. */
static void take_all(struct vcpu *v, const struct incoming *i)
{
	const struct hvm_incoming *in = i->in;
	struct pages p;

	map_pages(v, &p);
	if (hvm_has(in, HVM_SAVE_CODE(CPU)))
		take_cpu(&p, &in->cpu);
	if (hvm_has(in, CPU_XSAVE_CODE))
		take_image(v, p.priv, i);
	if (hvm_has(in, CPU_MSR_CODE))
		p.priv->cpuid_faulting = in->misc_features;
	if (hvm_has(in, HVM_SAVE_CODE(LAPIC)))
		hvm->set_cr8(p.vendor, vlapic_load(v, &p.hvm->apic, &in->lapic, &in->regs,
						   hvm_has(in, HVM_SAVE_CODE(CPU)) ?
						   in->cpu.tsc : rdtsc()));
	if (hvm_has(in, HVM_SAVE_CODE(MTRR))) {
		p.hvm->pat = in->mtrr.msr_pat_cr;
		p.hvm->mtrr_def_type = in->mtrr.msr_mtrr_def_type;
	}
	unmap_pages(&p);
}

/* What is kept takes effect, @good, or is forgotten. */
static void settle(struct vcpu *v, bool good)
{
	struct incoming i;
	bool up;

	map_incoming(v, &i);
	up = good && hvm_has(i.in, HVM_SAVE_CODE(CPU));
	if (good)
		take_all(v, &i);
	memset(i.in, 0, sizeof(*i.in));
	for (unsigned n = 0; n < HVM_IMAGE_PAGES; n++)
		memset(i.image[n], 0, PAGE_SIZE);
	unmap_incoming(&i);
	if (up) {
		WRITE_ONCE(v->initialised, true);
		vcpu_up(v);
	}
}

/* Is there of each vcpu what belongs together? */
static int check_whole(const struct domain *d)
{
	int rc = 0;

	for (unsigned i = 0; i < d->nr_vcpus && !rc; i++) {
		const struct hvm_incoming *in =
			map_domain_page(perdomain_mfn(d->vcpu[i], VA_INCOMING));

		rc = hvm_check_whole(in, i);
		unmap_domain_page(in);
		if (rc)
			pr_info("The context of domain %u is refused: vcpu %u's local APIC",
				d->domid, i);
	}
	return rc;
}

static int read_all(const struct domain *d, struct hvm_reader *r)
{
	struct hvm_save_descriptor desc;
	int rc = hvm_read_header(r);

	while (!rc) {
		rc = hvm_read_descriptor(r, &desc);
		if (rc != 1)
			break;
		rc = keep(d, r, &desc);
		if (rc == -EPERM)
			pr_info("The context of domain %u is refused: its record of type %u for "
				"vcpu %u", d->domid, desc.typecode, desc.instance);
	}
	return rc ?: check_whole(d);
}

long domain_set_hvm_context(struct domain *d, const struct xen_domctl_hvmcontext *op)
{
	struct hvm_reader r = { .size = op->size, .from = (u64)op->buffer.p, .read = read_guest };
	long rc;

	if (!d->hvm)
		return -EINVAL;
	rc = domain_pause_by_control(d);
	if (rc)
		return rc;
	rc = read_all(d, &r);
	for (unsigned i = 0; i < d->nr_vcpus; i++)
		settle(d->vcpu[i], !rc);
	return domain_unpause_by_control(d) ?: rc;
}

/* ---- General registers alone ----------------------------------------------------------------- */

/* The ABI's context, of which an HVM vcpu has these. */
static void tell(const struct hvm_hw_cpu *cpu, struct vcpu_guest_context *c)
{
	struct cpu_user_regs *r = &c->user_regs;

	COPY_REGS(r, cpu);
	r->cs = cpu->cs_sel;
	r->ss = cpu->ss_sel;
	r->ds = cpu->ds_sel;
	r->es = cpu->es_sel;
	r->fs = cpu->fs_sel;
	r->gs = cpu->gs_sel;
	c->fs_base = cpu->fs_base;
	c->gs_base_kernel = cpu->gs_base;
	c->gs_base_user = cpu->shadow_gs;
	c->ctrlreg[0] = cpu->cr0;
	c->ctrlreg[2] = cpu->cr2;
	c->ctrlreg[3] = cpu->cr3;
	c->ctrlreg[4] = cpu->cr4;
	c->debugreg[0] = cpu->dr0;
	c->debugreg[1] = cpu->dr1;
	c->debugreg[2] = cpu->dr2;
	c->debugreg[3] = cpu->dr3;
	c->debugreg[6] = cpu->dr6;
	c->debugreg[7] = cpu->dr7;
	memcpy(&c->fpu_ctxt, cpu->fpu_regs, sizeof(c->fpu_ctxt));
}

void hvm_get_vcpu_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
	struct hvm_hw_cpu cpu;

	memset(c, 0, sizeof(*c));
	read_cpu(v, &cpu);
	tell(&cpu, c);
	c->flags = VGCF_i387_valid | (is_up(v) ? VGCF_online : 0);
}

int hvm_set_vcpu_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	struct vcpu_private *p;

	if (!v->initialised)
		return -EOPNOTSUPP;
	p = map_domain_page(v->private_mfn[0]);
	COPY_REGS(&p->regs, &c->user_regs);
	p->regs.rflags |= EFLAGS_MBS;
	unmap_domain_page(p);
	return 0;
}
