/* SPDX-License-Identifier: MIT */
/*
 * How further vcpus begin: by INIT and SIPI, or by VCPUOP_initialise with a context. A vcpu that is
 * to begin is down and has left its CPU; its pages, which are foreign memory to the caller, are
 * reached through the mapcache. All under domain.vcpus_lock: one at a time.
 *
 * A vcpu that is down and not `initialised' waits for a SIPI.
 */
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/sched.h>
#include <isola/vcpu_timer.h>
#include <asm/fpu.h>
#include <asm/hvm.h>
#include <asm/insn.h>
#include <asm/mapcache.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/precondition.h>
#include <asm/vcpu_private.h>

/* What @v's pages hold before its first instruction, but for what the way it begins says. */
static void reset(struct vcpu *v, const struct regs *r)
{
	struct vcpu_private *p = map_domain_page(v->private_mfn[0]);
	struct hvm_private *h = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM + PAGE_SIZE));
	void *fpu = map_domain_page(v->private_mfn[2]);

	p->regs = *r;
	hvm_forget_pending(h);
	memset(h->dr, 0, sizeof(h->dr));
	vlapic_init(v, &h->apic);
	memset(fpu, 0, PAGE_SIZE);
	fpu_init_image(fpu);
	unmap_domain_page(fpu);
	unmap_domain_page(h);
	unmap_domain_page(p);
	WRITE_ONCE(v->nmi_pending, false);
}

/* ---- INIT and SIPI --------------------------------------------------------------------------- */

void hvm_send_init(struct vcpu *v)
{
	struct domain *d = v->domain;

	spin_lock(&d->vcpus_lock);
	if (v->initialised) {
		vcpu_stop(v, VCPU_DOWN);
		WRITE_ONCE(v->initialised, false);
	}
	spin_unlock(&d->vcpus_lock);
}

static void begin_real(struct vcpu *v, u8 page_nr)
{
	const struct regs r = { .rflags = EFLAGS_MBS };
	void *page = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM));

	hvm->start_real(page, page_nr);
	unmap_domain_page(page);
	reset(v, &r);
	WRITE_ONCE(v->initialised, true);
	vcpu_up(v);
}

int hvm_send_sipi(struct vcpu *v, u8 page_nr)
{
	struct domain *d = v->domain;
	int rc = 0;

	spin_lock(&d->vcpus_lock);
	if (v->initialised)
		rc = 0;
	else if (!vcpu_is_at_rest(v))
		rc = -ERESTART;
	else
		begin_real(v, page_nr);
	spin_unlock(&d->vcpus_lock);
	return rc;
}

/* ---- VCPUOP_initialise ----------------------------------------------------------------------- */

/* It waits for VCPUOP_up. vcpus_lock held. */
void hvm_begin_as(struct vcpu *v, const struct hvm_first *f)
{
	void *page = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM));

	ASSERT_LOCKED(&v->domain->vcpus_lock);
	hvm->start_as(page, f);
	unmap_domain_page(page);
	reset(v, &f->regs);
	WRITE_ONCE(v->initialised, true);
}
