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
#include <isola/vcpu.h>

/* One end, held: what has been taken for it is given back by release_end(). */
struct copy_end {
	struct domain *owner;
	struct page_info *pg;
	u32 ref;
	bool pinned, write;
	char *bytes;
};

static s16 hold_frame(struct copy_end *end, mfn_t m)
{
	struct page_info *pg = page_get_from_mfn(m, end->owner);

	if (!pg)
		return GNTST_bad_page;
	if (end->write && page_type_get(pg, PGT_writable)) {
		page_put(pg);
		return GNTST_bad_page;
	}
	end->pg = pg;
	end->bytes = end->owner == current->domain ? window_ptr(m) : map_domain_page(m);
	return GNTST_okay;
}

static s16 hold_end(struct copy_end *end, const struct gnttab_copy_ptr *p, bool by_ref)
{
	mfn_t m;
	s16 status;

	end->owner = domain_by_id(p->domid);
	if (!end->owner)
		return GNTST_bad_domain;
	if (!by_ref)
		return end->owner == current->domain ? hold_frame(end, _mfn(p->u.gmfn))
						     : GNTST_permission_denied;
	end->ref = p->u.ref;
	status = gnttab_pin(end->owner, end->ref, current->domain, end->write, &m);
	if (status != GNTST_okay)
		return status;
	end->pinned = true;
	return hold_frame(end, m);
}

static void release_end(struct copy_end *end)
{
	if (end->pg) {
		unmap_domain_page(end->bytes);
		if (end->write)
			page_put_and_type(end->pg);
		else
			page_put(end->pg);
	}
	if (end->pinned)
		gnttab_unpin(end->owner, end->ref, end->write);
}

void gnttab_copy_one(struct gnttab_copy *op)
{
	struct copy_end source = { .write = false }, dest = { .write = true };

	op->status = GNTST_bad_copy_arg;
	if (op->source.offset > PAGE_SIZE || op->len > PAGE_SIZE - op->source.offset ||
	    op->dest.offset > PAGE_SIZE || op->len > PAGE_SIZE - op->dest.offset)
		return;
	op->status = hold_end(&source, &op->source, op->flags & GNTCOPY_source_gref);
	if (op->status == GNTST_okay)
		op->status = hold_end(&dest, &op->dest, op->flags & GNTCOPY_dest_gref);
	if (op->status == GNTST_okay)
		memmove(dest.bytes + op->dest.offset, source.bytes + op->source.offset, op->len);
	release_end(&dest);
	release_end(&source);
}
