/* SPDX-License-Identifier: MIT */
/*
 * Contexts of another domain's vcpus, and its hypercall page. The domain is paused meanwhile: none
 * of its vcpus changes what is read or written here.
 */
#define __XEN_TOOLS__ 1
#include <asm/domain_context.h>
#include <asm/hvm_context.h>
#include <asm/hypercall_page.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/shadow.h>
#include <asm/uaccess.h>
#include <asm/vcpu_context.h>
#include <asm/visit.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/vcpu.h>
#include <isola/vcpu_timer.h>
#include <xen/domctl.h>

/* ABI: with the last flag it can run at once, as soon as its domain does. */
static long set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
	long rc;

	if (v->domain->hvm)
		return hvm_set_vcpu_context(v, c);
	rc = v->initialised ? vcpu_change_context(v, c) : vcpu_set_context(v, c);
	if (!rc && (c->flags & VGCF_online))
		vcpu_up(v);
	return rc;
}

/* 5 KiB of context on the stack: nothing below here is deep. */
long domain_set_vcpu_context(struct domain *d, const struct xen_domctl_vcpucontext *op)
{
	struct vcpu *v = vcpu_by_id(d, op->vcpu);
	struct vcpu_guest_context c;
	long rc;

	if (!v)
		return -EINVAL;
	if (op->ctxt.p && copy_from_guest(&c, (u64)op->ctxt.p, sizeof(c)))
		return -EFAULT;
	rc = domain_pause_by_control(d);
	if (rc)
		return rc;
	if (op->ctxt.p)
		rc = shadow_instead(d, set_context(v, &c));
	else
		rc = d->hvm ? -EOPNOTSUPP : vcpu_reset(v);
	return domain_unpause_by_control(d) ?: rc;
}

long domain_get_vcpu_context(struct domain *d, const struct xen_domctl_vcpucontext *op)
{
	const struct vcpu *v = vcpu_by_id(d, op->vcpu);
	struct vcpu_guest_context c;
	long rc;

	if (!v)
		return -EINVAL;
	rc = domain_pause_by_control(d);
	if (rc)
		return rc;
	if (!v->initialised)
		rc = -ENODATA;
	else if (d->hvm)
		hvm_get_vcpu_context(v, &c);
	else
		vcpu_get_context(v, &c);
	rc = domain_unpause_by_control(d) ?: rc;
	if (!rc && copy_to_guest((u64)op->ctxt.p, &c, sizeof(c)))
		rc = -EFAULT;
	return rc;
}

static int fill_page(struct domain *d, void *arg)
{
	struct page_info *pg = page_get_from_mfn(*(mfn_t *)arg, d);
	int rc;

	if (!pg)
		return -EINVAL;
	rc = page_type_get_writable(d, pg) ? -EPERM : 0;
	if (!rc) {
		hypercall_page_fill(window_ptr(page_mfn(pg)));
		page_type_put_leaf(pg);
	}
	page_put(pg);
	return rc;
}

long domain_fill_hypercall_page(struct domain *d, const struct xen_domctl_hypercall_init *op)
{
	mfn_t m = _mfn(op->gmfn);

	return visit(d, fill_page, &m);
}
