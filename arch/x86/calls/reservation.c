/* SPDX-License-Identifier: MIT */
/*
 * Increase, populate, decrease. Invariants: a frame given is scrubbed, assigned and known to the
 * M2P before the guest learns its number; a frame taken back is held by nobody but its allocation
 * (MEM-4) and reaches the allocator after a flush (TLB-3), which is done before a continuation too.
 * Progress is in the command word (CON-2): checked like a fresh argument.
 */
#include <asm/by_gfn.h>
#include <asm/domain_map.h>
#include <asm/frametable.h>
#include <asm/hypercall.h>
#include <asm/m2p.h>
#include <asm/memory_op.h>
#include <asm/reservation.h>
#include <asm/uaccess.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <xen/memory.h>

#define MAX_GUEST_ORDER	9		/* MEM-2: at most 512 frames between preemption checks */

struct change {
	struct domain *d;
	u64 list;			/* guest array of frame numbers, or 0 */
	u64 nr;
	unsigned order, max_bits;
};

static u64 elem(const struct change *c, u64 i)
{
	return guest_elem(c->list, i, sizeof(xen_pfn_t));
}

/* An extent is called @pfn and what follows it, or nothing. */
static void name_extent(const struct change *c, mfn_t m, pfn_t pfn)
{
	for (u64 j = 0; j < 1ul << c->order; j++)
		m2p_set(mfn_add(m, j),
			pfn_x(pfn) == pfn_x(INVALID_M2P) ? pfn : _pfn(pfn_x(pfn) + j));
}

/*
 * A fresh, assigned extent, or INVALID_MFN. It has its name before it has an owner: once a sibling
 * can name it, it may be given back and be somebody else's.
 */
static mfn_t new_extent(const struct change *c, pfn_t pfn)
{
	mfn_t m = page_alloc_claimed(c->order, c->max_bits, &c->d->claimed);

	if (!mfn_is_valid_num(m))
		return m;
	name_extent(c, m, pfn);
	if (domain_assign_pages(c->d, m, c->order)) {
		name_extent(c, m, INVALID_M2P);
		page_free(ALLOC_DOMAIN, m, c->order);
		return INVALID_MFN;
	}
	return m;
}

static int populate_one(const struct change *c, u64 i)
{
	u64 pfn, mfn;
	mfn_t m;

	if (copy_from_guest(&pfn, elem(c, i), sizeof(pfn)))
		return -EFAULT;
	m = new_extent(c, _pfn(pfn));
	if (!mfn_is_valid_num(m))
		return -ENOMEM;
	if (c->d->hvm)
		return hvm_show_extent(c->d, pfn, m, c->order);
	mfn = mfn_x(m);
	return copy_to_guest(elem(c, i), &mfn, sizeof(mfn));
}

static int increase_one(const struct change *c, u64 i)
{
	mfn_t m = new_extent(c, INVALID_M2P);
	u64 mfn = mfn_x(m);

	if (!mfn_is_valid_num(m))
		return -ENOMEM;
	return c->list ? copy_to_guest(elem(c, i), &mfn, sizeof(mfn)) : 0;
}

static int release_frame(struct domain *d, mfn_t m)
{
	return mfn_has_page(m) ? domain_release_page(d, m) : -EINVAL;
}

static int decrease_one(const struct change *c, u64 i)
{
	u64 mfn;

	if (copy_from_guest(&mfn, elem(c, i), sizeof(mfn)))
		return -EFAULT;
	if (c->d->hvm)
		return hvm_release_extent(c->d, mfn, 1u << c->order);
	return c->order ? domain_release_extent(c->d, _mfn(mfn), 1u << c->order)
			: release_frame(c->d, _mfn(mfn));
}

static int (*const steps[])(const struct change *c, u64 i) = {
	[XENMEM_increase_reservation] = increase_one,
	[XENMEM_decrease_reservation] = decrease_one,
	[XENMEM_populate_physmap] = populate_one,
};

/* As @r says, of whatever domain. */
static bool decode(const struct xen_memory_reservation *r, struct change *c)
{
	c->list = (u64)r->extent_start.p;
	c->nr = r->nr_extents;
	c->order = r->extent_order;
	c->max_bits = XENMEMF_get_address_bits(r->mem_flags);
	return c->order <= MAX_GUEST_ORDER && c->nr <= MEMOP_MAX_EXTENTS &&
	       !(r->mem_flags & XENMEMF_populate_on_demand) &&
	       (c->max_bits == 0 || c->max_bits > PAGE_SHIFT);
}

static long change(unsigned op, u64 arg, struct change *c, u64 start)
{
	bool preempted = false;
	u64 i = start, frames = 0;

	op = index_nospec(op, ARRAY_SIZE(steps));
	c->order = index_nospec(c->order, MAX_GUEST_ORDER + 1);
	for (; i < c->nr && !steps[op](c, i); i++) {
		frames += 1ul << c->order;
		/* What has been taken back is wiped when it is flushed: not all at the end. */
		if (frames % (1ul << MAX_GUEST_ORDER) == 0)
			domain_release_flush(c->d);
		preempted = i + 1 < c->nr && hypercall_preempt_check();
		if (preempted)
			break;
	}
	domain_release_flush(c->d);
	return preempted ? memory_op_continue(op, i + 1, arg) : (long)i;
}

/* ABI: whatever is wrong, none is done; whether there is such a domain is not said. */
long reservation_change(unsigned op, u64 arg, u64 start)
{
	struct xen_memory_reservation r;
	struct change c;
	long rc;

	if (copy_from_guest(&r, arg, sizeof(r)) || !decode(&r, &c))
		return start;
	if (get_target_domain(MAY_reservation_change, r.domid, &c.d))
		return start;
	/* Of an HVM domain the list holds gfns: what comes without one is not built. */
	rc = c.d->hvm && op == XENMEM_increase_reservation ? (long)start
							   : change(op, arg, &c, start);
	put_named_domain(c.d);
	return rc;
}

/* ABI: @nr pages in all, those that it has among them; 0 ends it. */
static long claim(struct domain *d, u64 nr)
{
	u64 has = READ_ONCE(d->nr_pages);

	if (nr && (nr <= has || nr > d->max_pages))
		return -EINVAL;
	return page_claim(&d->claimed, nr ? nr - has : 0);
}

long memory_claim_pages(u64 arg)
{
	struct xen_memory_reservation r;
	struct domain *d;
	long rc;

	if (!domain_may(current->domain, MAY_claim_pages))
		return -EPERM;
	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.extent_start.p || r.extent_order || r.mem_flags)
		return -EINVAL;
	d = get_domain_by_id(r.domid);
	if (!d)
		return -EINVAL;
	rc = claim(d, r.nr_extents);
	put_domain(d);
	return rc;
}
