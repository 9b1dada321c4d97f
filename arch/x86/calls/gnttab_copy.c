/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: bytes from one frame to another, each named by a grant or, the caller's own, by
 * number. Every element resolves and checks its own two ends: nothing is carried over from the one
 * before (GNT-8).
 */
#include <isola/lib/string.h>
#include <asm/gnttab.h>
#include <asm/gnttab_list.h>
#include <asm/gnttab_pin.h>
#include <asm/mapcache.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/window.h>
#include <isola/domain_lookup.h>
#include <isola/vcpu.h>

/*
 * All in line, and by arguments: copy_between() stands once for each common case, and where an
 * owner is known to be the current domain @d, nothing is left of what another one needs.
 */

/* Pin the ends that are named by grants, or none: their frames come from there. */
static __always_inline s16 pin_ends(const struct gnttab_copy *op, const struct domain *d,
				    struct domain *from, bool from_ref, mfn_t *source,
				    struct domain *to, bool to_ref, mfn_t *dest)
{
	struct domain *held = from_ref ? from : to;
	s16 status = GNTST_okay;

	if (!from_ref && !to_ref)
		return status;
	spin_lock(&held->grants->lock);
	if (from_ref)
		status = gnttab_pin(from, op->source.u.ref, d, false, source);
	if (to_ref && likely(status == GNTST_okay)) {
		gnttab_pass_lock(held, to);
		held = to;
		status = gnttab_pin(to, op->dest.u.ref, d, true, dest);
		if (from_ref && unlikely(status != GNTST_okay)) {
			gnttab_pass_lock(held, from);
			held = from;
			gnttab_unpin(from, op->source.u.ref, d, false);
		}
	}
	spin_unlock(&held->grants->lock);
	return status;
}

/* The opposite: the granter sees "free" last (GNT-2). */
static __always_inline void unpin_ends(const struct gnttab_copy *op, const struct domain *d,
				       struct domain *from, bool from_ref, struct domain *to,
				       bool to_ref)
{
	struct domain *held = to_ref ? to : from;

	if (!from_ref && !to_ref)
		return;
	spin_lock(&held->grants->lock);
	if (to_ref)
		gnttab_unpin(to, op->dest.u.ref, d, true);
	if (from_ref) {
		gnttab_pass_lock(held, from);
		held = from;
		gnttab_unpin(from, op->source.u.ref, d, false);
	}
	spin_unlock(&held->grants->lock);
}

static __always_inline bool hold_frame(const struct domain *d, struct domain *owner, mfn_t m,
				       bool write)
{
	if (unlikely(!gnttab_get_frame(d, owner, m)))
		return false;
	if (write && unlikely(page_type_get_writable(owner, page_of(m)))) {
		gnttab_put_frame(d, owner, m);
		return false;
	}
	return true;
}

static __always_inline void release_frame(const struct domain *d, const struct domain *owner,
					  mfn_t m, bool write)
{
	if (write)
		page_type_put_leaf(page_of(m));
	gnttab_put_frame(d, owner, m);
}

/* Frame @m of @owner, held. */
static __always_inline char *map_frame(const struct domain *owner, mfn_t m, const struct domain *d)
{
	return likely(owner == d) ? window_ptr(m) : map_domain_page(m);
}

static __always_inline void unmap_frame(const struct domain *owner, const char *p,
					const struct domain *d)
{
	if (unlikely(owner != d))
		unmap_domain_page(p);
}

/* Quadwords, then what is left of one: without a call. Two frames do not overlap. */
static __always_inline void copy_across(char *to, const char *from, u64 len)
{
	u64 words = len / 8, bytes = len % 8;

	asm volatile ("rep movsq" : "+D"(to), "+S"(from), "+c"(words) :: "memory");
	if (bytes)
		asm volatile ("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) :: "memory");
}

/* Both frames are held. */
static __always_inline void copy_bytes(const struct gnttab_copy *op, const struct domain *d,
				       const struct domain *from, mfn_t source,
				       const struct domain *to, mfn_t dest)
{
	char *read = map_frame(from, source, d), *write = map_frame(to, dest, d);

	if (likely(mfn_x(source) != mfn_x(dest)))
		copy_across(write + op->dest.offset, read + op->source.offset, op->len);
	else
		memmove(write + op->dest.offset, read + op->source.offset, op->len);
	unmap_frame(to, write, d);
	unmap_frame(from, read, d);
}

/* Both ends are pinned. */
static __always_inline s16 copy_frames(const struct gnttab_copy *op, const struct domain *d,
				       struct domain *from, mfn_t source, struct domain *to,
				       mfn_t dest)
{
	s16 status = GNTST_bad_page;

	if (unlikely(!hold_frame(d, from, source, false)))
		return status;
	if (likely(hold_frame(d, to, dest, true))) {
		copy_bytes(op, d, from, source, to, dest);
		release_frame(d, to, dest, true);
		status = GNTST_okay;
	}
	release_frame(d, from, source, false);
	return status;
}

static __always_inline s16 copy_between(const struct gnttab_copy *op, const struct domain *d,
					struct domain *from, bool from_ref, struct domain *to,
					bool to_ref)
{
	mfn_t source = _mfn(op->source.u.gmfn), dest = _mfn(op->dest.u.gmfn);
	s16 status;

	/* The members have 16 bits: no sum of two wraps. */
	if (unlikely(op->source.offset + op->len > (int)PAGE_SIZE ||
		     op->dest.offset + op->len > (int)PAGE_SIZE))
		return GNTST_bad_copy_arg;
	status = pin_ends(op, d, from, from_ref, &source, to, to_ref, &dest);
	if (unlikely(status != GNTST_okay))
		return status;
	status = copy_frames(op, d, from, source, to, dest);
	unpin_ends(op, d, from, from_ref, to, to_ref);
	return status;
}

/* Where one end is another domain's, or wrong. */
static __noinline s16 copy_any(const struct gnttab_copy *op)
{
	bool from_ref = op->flags & GNTCOPY_source_gref, to_ref = op->flags & GNTCOPY_dest_gref;
	struct domain *from, *to;
	s16 status = GNTST_bad_domain;

	/* By number only one's own, as DOMID_SELF (ABI). */
	if ((!from_ref && op->source.domid != DOMID_SELF) ||
	    (!to_ref && op->dest.domid != DOMID_SELF))
		return GNTST_permission_denied;
	from = get_named_domain(op->source.domid);
	if (!from)
		return status;
	to = get_named_domain(op->dest.domid);
	if (to) {
		status = copy_between(op, current->domain, from, from_ref, to, to_ref);
		put_named_domain(to);
	}
	put_named_domain(from);
	return status;
}

static __always_inline s16 copy(const struct gnttab_copy *op)
{
	bool from_ref = op->flags & GNTCOPY_source_gref, to_ref = op->flags & GNTCOPY_dest_gref;
	struct domain *d = current->domain;

	if (likely(from_ref && op->source.domid == d->domid)) {
		if (to_ref && op->dest.domid == d->domid)
			return copy_between(op, d, d, true, d, true);
		if (!to_ref && op->dest.domid == DOMID_SELF)
			return copy_between(op, d, d, true, d, false);
	}
	return copy_any(op);
}

GNTTAB_ELEMENT(copy, op.status = copy(&op), status)
GNTTAB_LIST(copy)
