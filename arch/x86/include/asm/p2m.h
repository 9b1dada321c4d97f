/* SPDX-License-Identifier: MIT */
/*
 * p2m: which frame stands behind a guest-physical page of a domain with nested paging. Tables are
 * public: they hold numbers. Their format is one of four levels, the vendor's (asm/p2m_entry.h).
 *
 * Invariants (HVM-1):
 *   a leaf holds one of the owner's general references on each of its frames, from before it is
 *   written until every CPU has left it: cleared, stamped, interrupted, entered with a flush
 *   a table, once there, stays until no vcpu of the domain runs again: its own walks take no lock;
 *   others' do, and find it closed
 *   a leaf of 2 MiB becomes a table of 4 KiB leaves with the same frames, never the reverse
 */
#pragma once

#include <isola/frame_num.h>
#include <isola/spinlock.h>
#include <isola/types.h>

struct domain;
struct page_info;

#define P2M_LARGE	9u		/* the order of a leaf of 2 MiB */

/* Can domains be made that have one? Written at boot only (hvm/vendor.c). */
extern bool p2m_is_offered;

/*
 * The format of all tables: written at boot only, before there is one (hvm/vendor.c). The last is
 * for processors that an executable leaf of 2 MiB lets a guest stop (CVE-2018-12207, XSA-304): such
 * leaves cannot be executed, and are split where they are to be.
 */
struct p2m_format;
extern const struct p2m_format p2m_npt, p2m_ept, p2m_ept_split;
extern const struct p2m_format *p2m_format;

/* What an access to a page with the type does. Everything else is a hole. */
enum p2m_type { P2M_HOLE, P2M_RAM };

enum p2m_track_phase { TRACK_IDLE, TRACK_MARK, TRACK_FLUSH, TRACK_CLEAN };

/* Which pages have been touched since the last batch: asm/p2m_track.h. */
struct p2m_track {
	u8 mode;			/* enum cache_tracking */
	bool armed;			/* creation is finished */
	bool busy;			/* a CPU does a piece of the batch: it owns what follows */
	enum p2m_track_phase phase;
	u64 begun, done;		/* batches; read by anybody */
	u64 cursor;			/* gfns below it are done, in this phase */
	bool any;			/* is anything due? */
	u64 cleaned;			/* pages, of this batch */
};

struct p2m {
	spinlock_t lock;		/* edits; never held while anything is waited for */
	mfn_t root;			/* the L4; INVALID_MFN: none */
	u64 end;			/* no gfn from here on */
	u64 highest;			/* gfn that a leaf has ever shown; read by anybody */
	u64 stamp;			/* grows with each edit that takes something away */
	/*
	 * bit n: pages have left since vcpu n last told the device models; set before the stamp
	 * moves, whoever has taken the page, and taken by the vcpu itself (hvm/requests.c)
	 */
	u32 left;
	u32 nr_tables;
	u32 max_tables;			/* as many as its pool has pages for */
	bool closed;			/* nobody adds, removes or looks up from outside any more */
	/* p2m_destroy_some(): the L4 and L3 entries that are done */
	u32 destroyed;
	u32 stores;			/* that have asked the log first; wraps */
	struct p2m_track track;
};

/* Behind edits that take something away, before CPUs are interrupted. */
static inline void p2m_move_stamp(struct p2m *p)
{
	__atomic_fetch_add(&p->stamp, 1, __ATOMIC_SEQ_CST);
}

/* A p2m without leaves, of gfns below @end, of any number of tables. -ENOMEM. */
int __must_check p2m_create(struct p2m *p, u64 end);
/*
 * Close @p and free its next tables, which no vcpu of its domain walks any more. True: there are
 * more.
 */
bool __must_check p2m_destroy_some(struct p2m *p);

/*
 * The 2^@order frames from @first on, @d's own, behind @gfn and what follows it; @order is 0 or
 * P2M_LARGE, both numbers are aligned to it. 0; -EINVAL: beyond the end, or a frame is not to be
 * had; -EEXIST: something is there; -ENOMEM, of the pool or the machine. Nothing has changed then,
 * but for tables.
 */
int __must_check p2m_add(struct domain *d, struct p2m *p, gfn_t gfn, mfn_t first, unsigned order);
/*
 * Nothing is behind @gfn any more, and no CPU remembers what was: *@was, of which the leaf's
 * reference is given back. -ENOENT: it was a hole; -ENOMEM: a large leaf cannot be split.
 * Interrupts on; waits for the domain's CPUs.
 */
int __must_check p2m_remove(struct domain *d, struct p2m *p, gfn_t gfn, mfn_t *was);

/*
 * The page at @gfn can be executed from now on: the leaf that shows it is of 4 KiB. False: it is a
 * hole, or there is no memory for a table. No flush: rights have been added, frames are the same.
 */
bool __must_check p2m_make_executable(struct p2m *p, gfn_t gfn);

/* The frame behind @gfn, as it is now; INVALID_MFN: a hole. No lock. */
mfn_t p2m_lookup(const struct p2m *p, gfn_t gfn);
/* The same from another domain: with the lock; the domain that is taken apart has holes alone. */
mfn_t p2m_lookup_foreign(struct p2m *p, gfn_t gfn);
/*
 * The same with one more of @d's references on it, for page_put(); NULL: a hole. No lock: what
 * stands there after the reference has been taken is what it was taken on.
 */
struct page_info *__must_check p2m_get_page(const struct domain *d, const struct p2m *p,
					    gfn_t gfn);
/*
 * For a domain that is not @d: the frame behind @gfn, shared out from now on, for
 * page_put_foreign(). NULL: a hole, or @d is taken apart. With the lock: tables go when @d does.
 */
struct page_info *__must_check p2m_get_foreign(const struct domain *d, struct p2m *p, gfn_t gfn);
