/* SPDX-License-Identifier: MIT */
/*
 * What is saved of a domain, and restored, beside contexts: asm/domain_save.h. A vcpu's private
 * pages are looked at while its domain is paused.
 */
#define __XEN_TOOLS__ 1
#include <asm/cpufeature.h>
#include <asm/domain_save.h>
#include <asm/fpu.h>
#include <asm/frametable.h>
#include <asm/hvm_domain.h>
#include <asm/layout.h>
#include <asm/m2p.h>
#include <asm/mapcache.h>
#include <asm/insn.h>
#include <asm/page_type.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/lib/string.h>
#include <isola/vcpu.h>
#include <xen/domctl.h>

/* ---- Pages ----------------------------------------------------------------------------------- */

#define MOST_FRAMES 1024		/* of one call, ABI */

/*
 * ABI: what is not the domain's, or has no name (shared_info, grant frames), is none; a table has
 * its level only while it is one. Racy, if the domain runs: then the tools ask again.
 */
static u64 use_of(const struct domain *d, mfn_t m)
{
	const struct page_info *pg = page_of(m);
	u64 type;

	if (!mfn_has_page(m) || !page_is_to_be_had(pg, d) ||
	    pfn_x(m2p_get(m)) == pfn_x(INVALID_M2P))
		return XEN_DOMCTL_PFINFO_XTAB;
	type = READ_ONCE(pg->type_info);
	if (!type_level(type) || !(type & PGT_count_mask) || !(type & PGT_validated))
		return XEN_DOMCTL_PFINFO_NOTAB;
	return (u64)type_level(type) << XEN_DOMCTL_PFINFO_LTAB_SHIFT |
	       (type & PGT_pinned ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
}

/*
 * The same of an HVM domain, by gfn: no frame of its is a table to us. ABI: what there is of it
 * beside its RAM (shared_info, grant frames) is none.
 */
static u64 use_of_gfn(const struct domain *d, u64 gfn)
{
	struct hvm_domain *h = d->hvm;

	if (!mfn_is_valid_num(p2m_lookup_foreign(&h->p2m, _gfn(gfn))) ||
	    gfn == READ_ONCE(h->shared_info_gfn))
		return XEN_DOMCTL_PFINFO_XTAB;
	for (unsigned i = 0; i < HVM_GRANT_FRAMES; i++)
		if (gfn == READ_ONCE(h->grant_gfn[i]))
			return XEN_DOMCTL_PFINFO_XTAB;
	return XEN_DOMCTL_PFINFO_NOTAB;
}

/* @by_gfn: known where this is called. */
static __always_inline long each_use(const struct domain *d, u64 array, u64 nr, bool by_gfn)
{
	for (u64 i = 0; i < nr; i++) {
		u64 at = guest_elem(array, i, sizeof(u64)), x;

		if (copy_from_guest(&x, at, sizeof(x)))
			return -EFAULT;
		x = by_gfn ? use_of_gfn(d, x) : use_of(d, _mfn(x));
		if (copy_to_guest(at, &x, sizeof(x)))
			return -EFAULT;
	}
	return 0;
}

long domain_page_uses(const struct domain *d, const struct xen_domctl_getpageframeinfo3 *op)
{
	u64 array = (u64)op->array.p;

	if (op->num > MOST_FRAMES)
		return -E2BIG;
	return d->hvm ? each_use(d, array, op->num, true) : each_use(d, array, op->num, false);
}

/* ---- A vcpu's private pages ------------------------------------------------------------------ */

/* The first private page of @d's vcpu @id, once its domain waits; to be ended by let_go(). */
static long look_at(struct domain *d, u32 id, struct vcpu_private **p)
{
	const struct vcpu *v = vcpu_by_id(d, id);
	long rc;

	if (!v)
		return -EINVAL;
	rc = domain_pause_by_control(d);
	if (!rc)
		*p = map_domain_page(v->private_mfn[0]);
	return rc;
}

static long let_go(struct domain *d, const void *page, long rc)
{
	unmap_domain_page(page);
	return domain_unpause_by_control(d) ?: rc;
}

long domain_get_ext_context(struct domain *d, struct xen_domctl_ext_vcpucontext *op)
{
	struct vcpu_private *p;
	long rc = look_at(d, op->vcpu, &p);

	if (rc)
		return rc;
	*op = (struct xen_domctl_ext_vcpucontext){
		.vcpu = op->vcpu, .size = sizeof(*op),
		.syscall32_callback_eip = p->syscall32.address,
		.sysenter_callback_eip = p->sysenter.address,
		.syscall32_callback_cs = SEL_USER_CS64, .sysenter_callback_cs = SEL_USER_CS64,
		.syscall32_disables_events = p->syscall32.mask_events,
		.sysenter_disables_events = p->sysenter.mask_events,
	};
	return let_go(d, p, 0);
}

long domain_set_ext_context(struct domain *d, const struct xen_domctl_ext_vcpucontext *op)
{
	struct vcpu_private *p;
	long rc;

	if (op->size < offsetof(struct xen_domctl_ext_vcpucontext, vmce) ||
	    !is_guest_address(op->syscall32_callback_eip) ||
	    !is_guest_address(op->sysenter_callback_eip))
		return -EINVAL;
	rc = look_at(d, op->vcpu, &p);
	if (rc)
		return rc;
	p->syscall32 = (struct pv_callback){ op->syscall32_callback_eip,
					     op->syscall32_disables_events };
	p->sysenter = (struct pv_callback){ op->sysenter_callback_eip,
					    op->sysenter_disables_events };
	return let_go(d, p, 0);
}

/* ---- FPU ------------------------------------------------------------------------------------- */

/* Before the image, ABI. */
struct xstate_head {
	u64 xcr0, xcr0_accum;
};

/* In the image's header (SDM vol. 1 §13.4.2): which components there are, and how they lie. */
struct xstate_bits {
	u64 xstate_bv, xcomp_bv;
};

static u64 xstate_bytes(u64 xcr0)
{
	return sizeof(struct xstate_head) + (xcr0 ? fpu_image_bytes(xcr0) : 0);
}

/* The image's pages, one behind the other: from or to @at of the caller's. */
static long copy_image(const struct vcpu *v, u64 at, u64 bytes, bool out)
{
	for (unsigned n = 2; bytes; n++) {
		u64 some = min(bytes, (u64)PAGE_SIZE);
		void *page = map_domain_page(v->private_mfn[n]);
		int rc = out ? copy_to_guest(at, page, some) : copy_from_guest(page, at, some);

		unmap_domain_page(page);
		if (rc)
			return rc;
		at += some;
		bytes -= some;
	}
	return 0;
}

long domain_get_xstate(struct domain *d, struct xen_domctl_vcpuextstate *op)
{
	u64 bytes = xstate_bytes(cpu_facts.xcr0), buffer = (u64)op->buffer.p;
	struct xstate_head head = { .xcr0_accum = cpu_facts.xcr0 };
	struct vcpu_private *p;
	long rc;

	if (!buffer) {
		op->xfeature_mask = cpu_facts.xcr0;
		op->size = bytes;
		return vcpu_by_id(d, op->vcpu) ? 0 : -EINVAL;
	}
	if (op->size < bytes || op->xfeature_mask != cpu_facts.xcr0)
		return -EINVAL;
	rc = look_at(d, op->vcpu, &p);
	if (rc)
		return rc;
	op->size = bytes;
	head.xcr0 = cpu_facts.xcr0 ? (p->xcr0 ?: XCR0_X87) : 0;
	rc = copy_to_guest(buffer, &head, sizeof(head));
	if (!rc)
		rc = copy_image(vcpu_by_id(d, op->vcpu), buffer + sizeof(head),
				bytes - sizeof(head), true);
	return let_go(d, p, rc);
}

/* What has been checked is put in place behind the rest, which was read again. */
static long take_xstate(const struct vcpu *v, struct vcpu_private *p, u64 at,
			const struct xstate_head *head, const struct xstate_bits *bits)
{
	long rc = copy_image(v, at, fpu_image_bytes(head->xcr0_accum), false);
	u8 *image = map_domain_page(v->private_mfn[2]);

	memset(image + FX_BYTES, 0, XSAVE_HEADER);
	memcpy(image + FX_BYTES, bits, sizeof(*bits));
	unmap_domain_page(image);
	if (!rc)
		p->xcr0 = head->xcr0;
	return rc;
}

long domain_set_xstate(struct domain *d, const struct xen_domctl_vcpuextstate *op)
{
	u64 buffer = (u64)op->buffer.p;
	struct xstate_head head;
	struct xstate_bits bits;
	struct vcpu_private *p;
	long rc;

	if (op->size < sizeof(head))
		return -EINVAL;
	if (copy_from_guest(&head, buffer, sizeof(head)))
		return -EFAULT;
	if (op->size == sizeof(head))		/* nothing was there to be saved */
		return vcpu_by_id(d, op->vcpu) ? 0 : -EINVAL;
	if (copy_from_guest(&bits, buffer + sizeof(head) + FX_BYTES, sizeof(bits)))
		return -EFAULT;
	rc = fpu_check_image(head.xcr0, head.xcr0_accum, bits.xstate_bv, bits.xcomp_bv,
			     op->size - sizeof(head));
	if (!rc)
		rc = look_at(d, op->vcpu, &p);
	if (rc)
		return rc;
	rc = take_xstate(vcpu_by_id(d, op->vcpu), p, buffer + sizeof(head), &head, &bits);
	return let_go(d, p, rc);
}

/* ---- MSRs ------------------------------------------------------------------------------------ */

long domain_get_msrs(struct domain *d, struct xen_domctl_vcpu_msrs *op)
{
	struct xen_domctl_vcpu_msr msr = { .index = MSR_TSC_AUX };
	struct vcpu_private *p;
	long rc;

	if (!op->msrs.p) {
		op->msr_count = 1;
		return vcpu_by_id(d, op->vcpu) ? 0 : -EINVAL;
	}
	rc = look_at(d, op->vcpu, &p);
	if (rc)
		return rc;
	msr.value = p->tsc_aux;
	if (msr.value && !op->msr_count)
		rc = -ENOBUFS;
	else if (msr.value)
		rc = copy_to_guest((u64)op->msrs.p, &msr, sizeof(msr));
	op->msr_count = msr.value != 0;
	return let_go(d, p, rc);
}

/* One of them. TSC_AUX has 32 bits (SDM vol. 3 §17.17.2); 0 of any other is what it is. */
static long set_msr(struct vcpu_private *p, const struct xen_domctl_vcpu_msr *msr)
{
	if (msr->reserved || (msr->index == MSR_TSC_AUX ? msr->value >> 32 : msr->value))
		return -EINVAL;
	if (msr->index == MSR_TSC_AUX)
		p->tsc_aux = msr->value;
	return 0;
}

#define MOST_MSRS 64u			/* as many as Xen's tools know, and some */

long domain_set_msrs(struct domain *d, struct xen_domctl_vcpu_msrs *op)
{
	u32 nr = op->msr_count;
	struct vcpu_private *p = NULL;
	long rc;

	if (nr > MOST_MSRS)
		return -EINVAL;
	rc = look_at(d, op->vcpu, &p);
	for (u32 i = 0; !rc && i < nr; i++) {
		struct xen_domctl_vcpu_msr msr;

		op->msr_count = i;
		rc = copy_from_guest(&msr, guest_elem((u64)op->msrs.p, i, sizeof(msr)),
				     sizeof(msr));
		if (!rc)
			rc = set_msr(p, &msr);
	}
	return p ? let_go(d, p, rc) : rc;
}
