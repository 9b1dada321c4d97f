/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_acquire_resource. The numbers are told without references: the entries that name them hold
 * one, as the caller's mmu_update names their owner.
 */
#define __XEN_TOOLS__ 1		/* it is among the tools' */
#include <asm/gnttab.h>
#include <asm/hvm_domain.h>
#include <asm/ioreq.h>
#include <asm/percpu.h>
#include <asm/resource.h>
#include <asm/uaccess.h>
#include <isola/domain.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/privilege.h>
#include <isola/vcpu.h>
#include <xen/memory.h>

static long tell_size(const struct domain *d, u64 arg, const struct xen_mem_acquire_resource *r)
{
	u32 nr = d->grants->max_frames;

	if (r->nr_frames)
		return -EINVAL;
	return copy_to_guest(arg + offsetof(typeof(*r), nr_frames), &nr, sizeof(nr));
}

static long tell_frames(struct domain *d, const struct xen_mem_acquire_resource *r)
{
	int rc;

	if (r->frame >= GNTTAB_MAX_FRAMES || r->nr_frames > GNTTAB_MAX_FRAMES - r->frame)
		return -EINVAL;
	rc = gnttab_grow(d, r->frame + r->nr_frames);
	for (u32 i = 0; i < r->nr_frames && !rc; i++) {
		u64 n = index_nospec(r->frame + i, GNTTAB_MAX_FRAMES);
		u64 frame = mfn_x(d->grants->frame[n]);

		rc = copy_to_guest(guest_elem((u64)r->frame_list.p, i, sizeof(frame)), &frame,
				   sizeof(frame));
	}
	return rc;
}

/* The page's own numbers: whoever maps one holds it by that (asm/ioreq.h). */
static long tell_server(struct domain *d, u64 arg, const struct xen_mem_acquire_resource *r)
{
	u32 nr = IOREQ_SERVER_FRAMES;
	mfn_t m;
	long rc = 0;

	if (!r->frame_list.p)
		return r->nr_frames ? -EINVAL :
		       copy_to_guest(arg + offsetof(typeof(*r), nr_frames), &nr, sizeof(nr));
	if (r->frame >= nr || r->nr_frames > nr - r->frame)
		return -EINVAL;
	for (u32 i = 0; i < r->nr_frames && !rc; i++) {
		u64 frame;

		rc = ioreq_server_frame(d, r->id, r->frame + i, &m);
		frame = mfn_x(m);
		if (!rc)
			rc = copy_to_guest(guest_elem((u64)r->frame_list.p, i, sizeof(frame)),
					   &frame, sizeof(frame));
	}
	return rc;
}

static long acquire(struct domain *d, u64 arg, const struct xen_mem_acquire_resource *r)
{
	if (r->type == XENMEM_resource_ioreq_server && d->hvm)
		return tell_server(d, arg, r);
	if (r->type != XENMEM_resource_grant_table)
		return -EOPNOTSUPP;
	/* Status frames are version 2's. */
	if (r->id != XENMEM_resource_grant_table_id_shared)
		return -EINVAL;
	return r->frame_list.p ? tell_frames(d, r) : tell_size(d, arg, r);
}

long memory_acquire_resource(u64 arg)
{
	struct xen_mem_acquire_resource r;
	struct domain *d;
	long rc;

	if (!domain_may(current->domain, MAY_acquire_resource))
		return -EPERM;
	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.pad)
		return -EINVAL;
	if (r.domid == current->domain->domid)
		return -EPERM;
	d = get_domain_by_id(r.domid);
	if (!d)
		return -ESRCH;
	rc = acquire(d, arg, &r);
	put_domain(d);
	return rc;
}
