/* SPDX-License-Identifier: MIT */
/*
 * A vcpu as before its first context: what the old one held is given back on a visit, and it is
 * down.
 *
 * All that it holds is in its private page until a visit has given it back, in one step: a call
 * that is continued finds all of it there, or none.
 */
#include <isola/errno.h>
#include <isola/sched.h>
#include <asm/fpu.h>
#include <asm/gdt.h>
#include <asm/mapcache.h>
#include <asm/page_type.h>
#include <asm/root.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_context.h>
#include <asm/vcpu_private.h>
#include <asm/visit.h>

struct held {
	mfn_t descs[PV_GDT_FRAMES + PV_LDT_FRAMES];
	mfn_t l4[2];
	mfn_t parked[NR_PARKED];
	bool is_done;
};

static void collect(const struct vcpu_private *p, struct held *h)
{
	for (unsigned i = 0; i < PV_GDT_FRAMES; i++)
		h->descs[i] = p->gdt_frame[i];
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++)
		h->descs[PV_GDT_FRAMES + i] = p->ldt_frame[i];
	for (unsigned i = 0; i < NR_PARKED; i++)
		h->parked[i] = p->old_guest_table[i];
	h->l4[0] = p->kernel_l4;
	h->l4[1] = p->user_l4;
}

static void forget(struct vcpu_private *p)
{
	vcpu_private_hold_nothing(p);
	p->ldt_ents = 0;
	p->ldt_base = 0;
	p->kernel_mode = 1;
	p->nmi_masked = false;
	p->bad_selectors = 0;
	p->iret = IRET_NONE;
	p->in_multicall = p->multicall_continued = false;
}

/* The places are empty: visit() has seen to it. */
static void move_parked(struct domain *d, struct held *h)
{
	for (unsigned i = 0; i < NR_PARKED; i++)
		d->visit_parked[i] = h->parked[i];
}

/* First what the vcpu had parked itself, with the next visit; then each table may park one. */
static int give_back(struct domain *d, void *arg)
{
	struct held *h = arg;

	h->is_done = true;
	if (mfn_is_valid_num(h->parked[0])) {
		move_parked(d, h);
		return -ERESTART;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(h->descs); i++)
		if (mfn_is_valid_num(h->descs[i]))
			desc_frame_put(h->descs[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(h->l4); i++)
		if (mfn_is_valid_num(h->l4[i]))
			page_put_and_type(page_of(h->l4[i]));
	return 0;
}

/* Nothing that it showed is shown any more, before it goes. */
static void hide(struct vcpu *v)
{
	ASSERT(v->on_cpu == NO_CPU);
	vcpu_area_clear_descs(v);
	root_forget(v);
}

static void end(struct vcpu *v, struct vcpu_private *p, const struct held *h)
{
	void *fpu;

	if (mfn_is_valid_num(h->parked[0])) {
		for (unsigned i = 0; i < NR_PARKED; i++)
			p->old_guest_table[i] = INVALID_MFN;
		return;
	}
	forget(p);
	fpu = map_domain_page(v->private_mfn[2]);
	fpu_init_image(fpu);
	unmap_domain_page(fpu);
	v->nmi_pending = false;
	WRITE_ONCE(v->initialised, false);
}

int vcpu_reset(struct vcpu *v)
{
	struct held h = { .is_done = false };
	struct vcpu_private *p;
	int rc;

	vcpu_stop(v, VCPU_DOWN);
	p = map_domain_page(v->private_mfn[0]);
	collect(p, &h);
	unmap_domain_page(p);
	hide(v);
	rc = visit_whole(v->domain, &(struct visit_op){ VISIT_CMD_RESET | v->id,
							v->domain->shared_info_mfn, give_back,
							&h });
	if (h.is_done) {
		p = map_domain_page(v->private_mfn[0]);
		end(v, p, &h);
		unmap_domain_page(p);
	}
	return rc;
}
