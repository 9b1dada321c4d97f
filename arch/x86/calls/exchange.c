/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange, chunk by chunk. A chunk is the smaller number of extents that makes the same
 * number of frames on both sides: one extent on one side, 2^n on the other.
 *
 * A chunk is exchanged whole or not at all: its input frames are withdrawn (no get succeeds,
 * nothing else has changed) and its output frames allocated, with tables to map them; only then
 * does the part begin that cannot fail. Input frames reach the allocator after a flush (TLB-3),
 * chunk by chunk, so that a long exchange needs no more memory than one chunk. Progress is
 * nr_exchanged in the guest's structure, checked anew at each continuation (CON-2).
 */
#include <asm/domain_map.h>
#include <asm/exchange.h>
#include <asm/frametable.h>
#include <asm/hypercall.h>
#include <asm/m2p.h>
#include <asm/memory_op.h>
#include <asm/uaccess.h>
#include <isola/domain_lookup.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/page_alloc.h>
#include <xen/memory.h>

/*
 * MEM-2: as many frames lie between two preemption checks. Of who drives devices, and of others: as
 * Xen's memop-max-order for hardware domain and domU.
 */
#define MAX_ORDER_DEVICES	12
#define MAX_ORDER_OTHERS	9

struct side {
	u64 list;			/* guest array of frame numbers */
	u64 nr;				/* extents */
	unsigned order;
	unsigned chunk_order;		/* 2^chunk_order extents a chunk */
};

struct exchange {
	struct domain *d;
	struct side in, out;
	unsigned max_bits;
	/* this chunk's withdrawn frames: a list, as domain_withdraw_page() makes it */
	u32 in_frames;
	/* this chunk's new extents' first frames, through page_info.next, last one first */
	u32 out_extents;
};

static u64 elem(const struct side *s, u64 i)
{
	return guest_elem(s->list, i, sizeof(xen_pfn_t));
}

/* ---- The part that can fail ---- */

static int withdraw_chunk(struct exchange *x, u64 chunk)
{
	for (u64 j = 0; j < 1ul << x->in.chunk_order; j++) {
		u64 mfn;

		if (copy_from_guest(&mfn, elem(&x->in, (chunk << x->in.chunk_order) + j),
				    sizeof(mfn)))
			return -EFAULT;
		for (u64 k = 0; k < 1ul << x->in.order; k++) {
			mfn_t m = _mfn(mfn + k);
			int rc = mfn_has_page(m) ? domain_withdraw_page(x->d, m, &x->in_frames)
						 : -EINVAL;

			if (rc)
				return rc == -EBUSY ? -EINVAL : rc;
		}
	}
	return 0;
}

static int allocate_chunk(struct exchange *x)
{
	for (u64 j = 0; j < 1ul << x->out.chunk_order; j++) {
		mfn_t m = page_alloc(ALLOC_DOMAIN, x->out.order, x->max_bits);

		if (!mfn_is_valid_num(m))
			return -ENOMEM;
		if (domain_prepare_pages(x->d, m, x->out.order)) {
			page_free(ALLOC_DOMAIN, m, x->out.order);
			return -ENOMEM;
		}
		page_of(m)->next = x->out_extents;
		x->out_extents = mfn_x(m);
	}
	return 0;
}

static u32 pop_extent(struct exchange *x)
{
	u32 first = x->out_extents;

	x->out_extents = page_of(_mfn(first))->next;
	page_of(_mfn(first))->next = 0;
	return first;
}

/* The chunk is as it was. */
static void undo_chunk(struct exchange *x)
{
	domain_readmit_pages(x->d, &x->in_frames);
	while (x->out_extents) {
		mfn_t m = _mfn(pop_extent(x));

		domain_unprepare_pages(x->d, m, x->out.order);
		page_free(ALLOC_DOMAIN, m, x->out.order);
	}
	domain_release_flush(x->d);
}

/* ---- The part that cannot ---- */

/*
 * Output extent @at of the list is called what the guest says there, before it has an owner: once a
 * sibling can name it, it may be given back and be somebody else's. -EFAULT: the guest's list went
 * away; the frames get no name, and become its own all the same.
 */
static int name_extent(const struct exchange *x, u64 at, u32 first)
{
	u64 pfn;

	if (copy_from_guest(&pfn, elem(&x->out, at), sizeof(pfn)))
		return -EFAULT;
	for (u64 k = 0; k < 1ul << x->out.order; k++)
		m2p_set(_mfn(first + k), _pfn(pfn + k));
	return 0;
}

static int tell_extent(const struct exchange *x, u64 at, u32 first)
{
	u64 mfn = first;

	return copy_to_guest(elem(&x->out, at), &mfn, sizeof(mfn));
}

static int commit_chunk(struct exchange *x, u64 chunk)
{
	int rc = 0;

	for (u32 n = x->in_frames; n; n = page_of(_mfn(n))->next)
		m2p_set(_mfn(n), INVALID_M2P);
	domain_expel_pages(x->d, &x->in_frames);
	for (u64 j = 1ul << x->out.chunk_order; j-- > 0;) {
		u64 at = (chunk << x->out.chunk_order) + j;
		u32 first = pop_extent(x);
		int error = name_extent(x, at, first);

		domain_adopt_pages(x->d, _mfn(first), x->out.order);
		if (!error)
			error = tell_extent(x, at, first);
		rc = rc ? rc : error;
	}
	domain_release_flush(x->d);
	return rc;
}

static int exchange_chunk(struct exchange *x, u64 chunk)
{
	int rc = withdraw_chunk(x, chunk);

	if (!rc)
		rc = allocate_chunk(x);
	if (rc) {
		undo_chunk(x);
		return rc;
	}
	return commit_chunk(x, chunk);
}

/* ---- The call ---- */

static int decode(const struct xen_memory_exchange *arg, struct exchange *x)
{
	x->in = (struct side){ (u64)arg->in.extent_start.p, arg->in.nr_extents,
				arg->in.extent_order, 0 };
	x->out = (struct side){ (u64)arg->out.extent_start.p, arg->out.nr_extents,
				 arg->out.extent_order, 0 };
	x->max_bits = XENMEMF_get_address_bits(arg->out.mem_flags);
	if (max(arg->in.extent_order, arg->out.extent_order) >
	    (domain_may(current->domain, MAY_map_io_memory) ? MAX_ORDER_DEVICES : MAX_ORDER_OTHERS))
		return -EPERM;
	x->in.order = index_nospec(x->in.order, MAX_ORDER_DEVICES + 1);
	x->out.order = index_nospec(x->out.order, MAX_ORDER_DEVICES + 1);
	if (arg->nr_exchanged > x->in.nr || arg->in.domid != arg->out.domid ||
	    x->in.nr > ~0ul >> x->in.order || x->out.nr > ~0ul >> x->out.order ||
	    x->in.nr << x->in.order != x->out.nr << x->out.order)
		return -EINVAL;
	if (x->in.order < x->out.order)
		x->in.chunk_order = x->out.order - x->in.order;
	else
		x->out.chunk_order = x->in.order - x->out.order;
	x->d = current->domain;
	if (arg->in.domid != DOMID_SELF && arg->in.domid != x->d->domid)
		return refuse_other(MAY_exchange, arg->in.domid);
	return x->max_bits && x->max_bits <= PAGE_SHIFT ? -ENOMEM : 0;
}

long memory_exchange(u64 arg)
{
	struct xen_memory_exchange guest;
	struct exchange x = { 0 };
	bool preempted = false;
	u64 chunk, nr_chunks;
	int rc;

	if (copy_from_guest(&guest, arg, sizeof(guest)))
		return -EFAULT;
	rc = decode(&guest, &x);
	chunk = rc ? 0 : guest.nr_exchanged >> x.in.chunk_order;
	nr_chunks = rc ? 0 : x.in.nr >> x.in.chunk_order;
	while (!rc && !preempted && chunk < nr_chunks) {
		rc = exchange_chunk(&x, chunk);
		chunk += !rc;
		guest.nr_exchanged = chunk << x.in.chunk_order;
		preempted = !rc && chunk < nr_chunks && hypercall_preempt_check();
	}
	if (copy_to_guest(arg + offsetof(struct xen_memory_exchange, nr_exchanged),
			  &guest.nr_exchanged, sizeof(guest.nr_exchanged)))
		return -EFAULT;
	return preempted ? memory_op_continue(XENMEM_exchange, 0, arg) : rc;
}
