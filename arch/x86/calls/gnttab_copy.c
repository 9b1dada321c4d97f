/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: bytes from one frame to another, each named by a grant or, the caller's own, by
 * number. Every element resolves and checks its own two ends: nothing is carried over from the one
 * before (GNT-8).
 */
#include <isola/lib/string.h>
#include <asm/gnttab.h>
#include <asm/mapcache.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/window.h>
#include <isola/domain_lookup.h>
#include <isola/vcpu.h>

/*
 * One end, held: what has been taken for it is given back by release_end(). All in line: @write is
 * known where they are used.
 */
struct copy_end {
	struct domain *owner;
	struct page_info *pg;
	u32 ref;
	char *bytes;
};

static __noinline void *map_foreign(struct page_info *pg)
{
	page_share_out(pg);
	return map_domain_page(page_mfn(pg));
}

static __always_inline s16 hold_frame(struct copy_end *end, mfn_t m, bool write)
{
	struct page_info *pg = page_get_from_mfn(m, end->owner);

	if (unlikely(!pg))
		return GNTST_bad_page;
	if (write && unlikely(page_type_get_writable(end->owner, pg))) {
		page_put(pg);
		return GNTST_bad_page;
	}
	end->pg = pg;
	end->bytes = likely(end->owner == current->domain) ? window_ptr(m) : map_foreign(pg);
	return GNTST_okay;
}

static __always_inline s16 hold_end(struct copy_end *end, const struct gnttab_copy_ptr *p,
				    bool by_ref, bool write)
{
	mfn_t m;
	s16 status;

	end->ref = p->u.ref;		/* if it is one */
	/* By number only one's own, as DOMID_SELF (ABI). */
	if (!by_ref && p->domid != DOMID_SELF)
		return GNTST_permission_denied;
	end->owner = get_named_domain(p->domid);
	if (unlikely(!end->owner))
		return GNTST_bad_domain;
	if (!by_ref)
		return hold_frame(end, _mfn(p->u.gmfn), write);
	status = gnttab_pin(end->owner, end->ref, current->domain, write, &m);
	if (unlikely(status != GNTST_okay))
		goto put;
	status = hold_frame(end, m, write);
	if (likely(status == GNTST_okay))
		return GNTST_okay;
	gnttab_unpin(end->owner, end->ref, write);
put:
	put_named_domain(end->owner);
	return status;
}

/* @end is held. */
static __always_inline void release_end(struct copy_end *end, bool by_ref, bool write)
{
	if (unlikely(end->owner != current->domain))
		unmap_domain_page(end->bytes);
	if (write)
		page_type_put_leaf(end->pg);
	page_put(end->pg);
	if (by_ref) {
		gnttab_unpin(end->owner, end->ref, write);
		put_named_domain(end->owner);
	}
}

static __always_inline s16 copy(const struct gnttab_copy *op)
{
	bool from_ref = op->flags & GNTCOPY_source_gref, to_ref = op->flags & GNTCOPY_dest_gref;
	struct copy_end source, dest;
	s16 status;

	if (op->source.offset > PAGE_SIZE || op->len > PAGE_SIZE - op->source.offset ||
	    op->dest.offset > PAGE_SIZE || op->len > PAGE_SIZE - op->dest.offset)
		return GNTST_bad_copy_arg;
	status = hold_end(&source, &op->source, from_ref, false);
	if (unlikely(status != GNTST_okay))
		return status;
	status = hold_end(&dest, &op->dest, to_ref, true);
	if (likely(status == GNTST_okay)) {
		memmove(dest.bytes + op->dest.offset, source.bytes + op->source.offset, op->len);
		release_end(&dest, to_ref, true);
	}
	release_end(&source, from_ref, false);
	return status;
}

void gnttab_copy_one(struct gnttab_copy *op)
{
	op->status = copy(op);
}
