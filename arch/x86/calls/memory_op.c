/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_memory_op: the table of its operations, and the questions among them. Operations that
 * change memory are in reservation.c, maps in memory_map.c.
 */
#define __XEN_TOOLS__ 1		/* the sharing questions are among the tools' */
#include <asm/exchange.h>
#include <asm/frametable.h>
#include <asm/hvm_domain.h>
#include <asm/hypercall.h>
#include <asm/layout.h>
#include <asm/m2p_block.h>
#include <asm/mapcache.h>
#include <asm/memory_map.h>
#include <asm/memory_op.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/reservation.h>
#include <asm/resource.h>
#include <asm/uaccess.h>
#include <asm/window.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/vcpu.h>
#include <xen/memory.h>

#define MEMOP_CMD_MASK		((1u << MEMOP_CMD_BITS) - 1)
#define DOMU_MAX_MFN		0x7fffffffful	/* what the M2P's address range can hold */

/* The domain of a struct xen_memory_domain at @arg, for put_named_domain() to end. */
static int arg_domain(u64 arg, struct domain **d)
{
	struct xen_memory_domain which;

	if (copy_from_guest(&which, arg, sizeof(which)))
		return -EFAULT;
	return get_target_domain(MAY_reservation_read, which.domid, d);
}

/* What @ask says of it. */
static long about(u64 arg, long (*ask)(struct domain *d))
{
	struct domain *d;
	long rc = arg_domain(arg, &d);

	if (rc)
		return rc;
	rc = ask(d);
	put_named_domain(d);
	return rc;
}

static long nr_pages(struct domain *d)
{
	return READ_ONCE(d->nr_pages);
}

static long max_pages(struct domain *d)
{
	return READ_ONCE(d->max_pages);
}

/*
 * What a PV domain says itself: another's is looked at as that domain's frame, which a domain that
 * dies gives back.
 */
static long max_gpfn(struct domain *d)
{
	struct page_info *pg = page_of(d->shared_info_mfn);
	const struct shared_info *s;
	long rc;

	if (d->hvm)
		return READ_ONCE(d->hvm->p2m.highest);
	if (d != current->domain && !page_get_foreign(pg, d))
		return -ESRCH;
	s = d == current->domain ? window_ptr(page_mfn(pg)) : map_domain_page(page_mfn(pg));
	rc = READ_ONCE(s->arch.max_pfn);
	rc = rc ? rc - 1 : 0;		/* it has not said it yet */
	if (d != current->domain) {
		unmap_domain_page(s);
		page_put_foreign(pg);
	}
	return rc;
}

static long op_current_reservation(u64 arg)
{
	return about(arg, nr_pages);
}

static long op_maximum_reservation(u64 arg)
{
	return about(arg, max_pages);
}

static long op_maximum_gpfn(u64 arg)
{
	return about(arg, max_gpfn);
}

/* ABI: which says that there is none. */
static long op_get_vnumainfo(u64 arg)
{
	struct xen_vnuma_topology_info op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_target_domain(MAY_get_vnumainfo, op.domid, &d);
	if (rc)
		return rc;
	put_named_domain(d);
	return -EOPNOTSUPP;
}

static long op_maximum_ram_page(u64 arg __maybe_unused)
{
	return max_page;
}

static long op_machphys_mapping(u64 arg)
{
	const struct xen_machphys_mapping m = {
		.v_start = VA_M2P,
		.v_end = VA_M2P_END,
		.max_mfn = domain_may(current->domain, MAY_see_whole_m2p) ? max_page - 1
									  : DOMU_MAX_MFN,
	};

	return copy_to_guest(arg, &m, sizeof(m));
}

/* ABI: whoever maps blocks one behind the other gets something for each: a hole's is the last. */
static long op_machphys_mfn_list(u64 arg)
{
	struct xen_machphys_mfn_list list;
	u64 nr, last = 0;

	if (!domain_may(current->domain, MAY_see_whole_m2p))
		return -EPERM;
	if (copy_from_guest(&list, arg, sizeof(list)))
		return -EFAULT;
	nr = min((u64)list.max_extents, m2p_nr_blocks());
	for (u64 i = 0; i < nr; i++) {
		mfn_t m = m2p_block(i);

		last = mfn_is_valid_num(m) ? mfn_x(m) : last;
		if (copy_to_guest(guest_elem((u64)list.extent_start.p, i, sizeof(last)), &last,
				  sizeof(last)))
			return -EFAULT;
	}
	list.nr_extents = nr;
	return copy_to_guest(arg, &list, sizeof(list));
}

/* A PV domain numbers its frames itself: there is no map to add to. */
static long op_add_to_physmap(u64 arg)
{
	struct xen_add_to_physmap op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_target_domain(MAY_add_to_physmap, op.domid, &d);
	if (rc)
		return rc;
	put_named_domain(d);
	return -EACCES;
}

/*
 * Nothing is populated on demand: whatever the target, every page is there. ABI: the tools set one
 * of an HVM domain whenever its balloon is to move.
 */
static long pod_target(u64 arg, bool set)
{
	xen_pod_target_t op;
	struct domain *d;
	long rc = 0;

	if (!domain_may(current->domain, MAY_pod_target))
		return -EPERM;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = get_named_domain(op.domid);
	if (!d)
		return -ESRCH;
	if (!d->hvm || (set && op.target_pages > READ_ONCE(d->max_pages)))
		rc = -EINVAL;
	op.tot_pages = READ_ONCE(d->nr_pages);
	op.pod_cache_pages = op.pod_entries = 0;
	put_named_domain(d);
	return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}

static long op_set_pod_target(u64 arg)
{
	return pod_target(arg, true);
}

static long op_get_pod_target(u64 arg)
{
	return pod_target(arg, false);
}

/* No page is shared between domains by content. */
static long op_no_sharing(u64 arg __maybe_unused)
{
	return 0;
}

static long (*const ops[])(u64 arg) = {
	[XENMEM_maximum_ram_page]       = op_maximum_ram_page,
	[XENMEM_current_reservation]    = op_current_reservation,
	[XENMEM_maximum_reservation]    = op_maximum_reservation,
	[XENMEM_maximum_gpfn]           = op_maximum_gpfn,
	[XENMEM_add_to_physmap]         = op_add_to_physmap,
	[XENMEM_machphys_mapping]       = op_machphys_mapping,
	[XENMEM_machphys_mfn_list]      = op_machphys_mfn_list,
	[XENMEM_memory_map]             = memory_map_own,
	[XENMEM_set_memory_map]         = memory_map_set,
	[XENMEM_machine_memory_map]     = memory_map_machine,
	[XENMEM_exchange]               = memory_exchange,
	[XENMEM_set_pod_target]         = op_set_pod_target,
	[XENMEM_get_pod_target]         = op_get_pod_target,
	[XENMEM_get_sharing_freed_pages] = op_no_sharing,
	[XENMEM_get_sharing_shared_pages] = op_no_sharing,
	[XENMEM_claim_pages]            = memory_claim_pages,
	[XENMEM_acquire_resource]       = memory_acquire_resource,
	[XENMEM_get_vnumainfo]          = op_get_vnumainfo,
};

long hc_memory_op(u64 cmd, u64 arg)
{
	unsigned op = cmd & MEMOP_CMD_MASK;
	u64 start = cmd >> MEMOP_CMD_BITS;
	int rc = page_type_finish_parked();

	if (rc)
		return hypercall_continue(memory_op, cmd, arg);
	switch (op) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation_change(op, arg, start);
	}
	if (op >= ARRAY_SIZE(ops) || !ops[op])
		return -ENOSYS;
	op = index_nospec(op, ARRAY_SIZE(ops));
	return start ? -EINVAL : ops[op](arg);	/* the rest has no progress to speak of */
}
