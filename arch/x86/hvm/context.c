/* SPDX-License-Identifier: MIT */
/*
 * An HVM domain's context: see asm/hvm_context.h. While it is looked at the domain is paused, and
 * no other control call is at work.
 *
 * What is set is read once, into the private pages of the vcpu that it is for, and checked there;
 * when all of it has been found good it takes effect, which cannot fail.
 */
#define __XEN_TOOLS__ 1
#include <isola/clock.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <asm/fpu.h>
#include <asm/hvm.h>
#include <asm/hvm_context.h>
#include <asm/hvm_records.h>
#include <asm/insn.h>
#include <asm/mapcache.h>
#include <asm/perdomain.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <xen/domctl.h>

/* A vcpu's pages, mapped. */
struct pages {
	struct vcpu_private *priv;
	struct hvm_private *hvm;
	void *vendor, *fpu;
};

static void map_pages(const struct vcpu *v, struct pages *p)
{
	p->priv = map_domain_page(v->private_mfn[0]);
	p->fpu = map_domain_page(v->private_mfn[2]);
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

static void write(struct writer *w, u16 type, u16 instance, const void *body, u32 length)
{
	const struct hvm_save_descriptor desc = { type, instance, length };

	if (!w->rc)
		w->rc = copy_to_guest(w->to + w->at, &desc, sizeof(desc));
	if (!w->rc && length)
		w->rc = copy_to_guest(w->to + w->at + sizeof(desc), body, length);
	w->at += sizeof(desc) + length;
}

static void write_all(struct writer *w, const struct domain *d)
{
	const struct hvm_save_header head = { .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION,
					      .cpuid = cpuid(1, 0).eax, .gtsc_khz = tsc_khz };
	struct hvm_hw_mtrr mtrr;
	struct hvm_hw_cpu cpu;

	write(w, HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		if (READ_ONCE(d->vcpu[i]->state) == VCPU_DOWN)
			continue;
		read_cpu(d->vcpu[i], &cpu);
		write(w, HVM_SAVE_CODE(CPU), i, &cpu, sizeof(cpu));
	}
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		read_mtrr(d->vcpu[i], &mtrr);
		write(w, HVM_SAVE_CODE(MTRR), i, &mtrr, sizeof(mtrr));
	}
	write(w, HVM_SAVE_CODE(END), 0, NULL, 0);
}

/* Of all vcpus, whether they are up or not. */
static u32 most_bytes(const struct domain *d)
{
	const u32 desc = sizeof(struct hvm_save_descriptor);

	return desc + sizeof(struct hvm_save_header) + desc +
	       d->nr_vcpus * (desc + sizeof(struct hvm_hw_cpu) + desc + sizeof(struct hvm_hw_mtrr));
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
		if (READ_ONCE(v->state) == VCPU_DOWN)
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

/* The record's body joins what is kept for its vcpu. */
static int keep(const struct domain *d, struct hvm_reader *r,
		const struct hvm_save_descriptor *desc)
{
	const struct vcpu *v = vcpu_by_id(d, desc->instance);
	struct hvm_incoming *in;
	struct hvm_private *p;
	int rc = -EPERM;

	if (!v)
		return rc;
	p = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM + PAGE_SIZE));
	in = &p->incoming;
	if (desc->typecode == HVM_SAVE_CODE(CPU)) {
		rc = hvm_read_body(r, desc, &in->cpu, sizeof(in->cpu), true);
		if (!rc)
			rc = hvm_check_cpu(&in->cpu, hvm_cr4_valid(d), hvm_efer_valid(d));
		in->has_cpu |= !rc;
	} else if (desc->typecode == HVM_SAVE_CODE(MTRR)) {
		rc = hvm_read_body(r, desc, &in->mtrr, sizeof(in->mtrr), false);
		if (!rc)
			rc = hvm_check_mtrr(&in->mtrr);
		in->has_mtrr |= !rc;
	}
	unmap_domain_page(p);
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

/* What is kept takes effect, @good, or is forgotten. */
static void settle(struct vcpu *v, bool good)
{
	struct hvm_incoming *in;
	struct pages p;
	bool up;

	map_pages(v, &p);
	in = &p.hvm->incoming;
	up = good && in->has_cpu;
	if (up)
		take_cpu(&p, &in->cpu);
	if (good && in->has_mtrr) {
		p.hvm->pat = in->mtrr.msr_pat_cr;
		p.hvm->mtrr_def_type = in->mtrr.msr_mtrr_def_type;
	}
	memset(in, 0, sizeof(*in));
	unmap_pages(&p);
	if (up) {
		WRITE_ONCE(v->initialised, true);
		vcpu_up(v);
	}
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
	}
	return rc;
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
