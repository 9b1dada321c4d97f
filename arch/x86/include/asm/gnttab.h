/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: a domain lends frames by writing entries into a shared table.
 *
 * struct grant_table is a public object: numbers only. The shared entries are guest memory: each is
 * read once, checked, and used from the copy (GNT-3). A pin is one use of an entry by somebody;
 * while an entry has pins its frame does not change for us, whatever the guest writes. The guest
 * sees "free" last (GNT-2). Versions, transfer and the rest that Xen has and this has not are
 * refused in gnttab_op.c.
 */
#pragma once

#include <isola/domain.h>
#include <isola/spinlock.h>
#include <xen/grant_table.h>

#define GNTTAB_MAX_FRAMES	64u		/* Xen's default */
#define GNTTAB_REFS_PER_FRAME	(PAGE_SIZE / sizeof(struct grant_entry_v1))
/* Of a domain that maps: a control domain may be the backend of many. */
#define GNTTAB_MAX_HANDLES		8192u
#define GNTTAB_MAX_CONTROL_HANDLES	32768u

/* What a mapping may be, in the flags of a handle and of who asks for one. */
#define GNTTAB_MAPPED	(GNTMAP_host_map | GNTMAP_device_map)

/* The hypervisor's own half of one entry. All zero: no pins. Under grant_table.lock. */
struct grant_pins {
	u32 mfn;			/* valid while pinned: what the first pin found */
	domid_t domid;			/* likewise: whose pins they are, one domain's */
	u32 readers, writers;		/* uses of each kind */
};

static_assert(GNTTAB_MAX_CONTROL_HANDLES < 1u << 31, "nor do all uses at a time come near 2^32");

/*
 * One mapping: a handle is an index. flags 0: free, ref is one more than the next free one's, 0 at
 * the end. Under the lock of the *mapping* domain's table.
 */
struct grant_handle {
	u64 mfn;
	u32 ref;
	domid_t granter;
	u16 flags;			/* GNTMAP_*: what is still held (GNT-1) */
};

/*
 * Handles whose mappings a list has undone: busy, and so unchanged and nobody else's, until what
 * they hold of their frames is given back behind one flush of the mapper's CPUs.
 */
#define GNTTAB_UNMAP_BATCH	32u
struct gnttab_unmapped {
	u32 nr;
	bool entries;			/* some mapping went: the flush is due */
	u32 handle[GNTTAB_UNMAP_BATCH];
};

struct grant_table {
	spinlock_t lock;
	/* an HVM domain's: its entries name gfns, looked up while it is not closed; or NULL */
	const struct p2m *p2m;
	u32 nr_frames;			/* <= max_frames; only grows (GNT-6) */
	u32 nr_mfn_refs;		/* entries that name mfns: those of all frames, or none */
	u32 max_frames;			/* <= GNTTAB_MAX_FRAMES; as its domain was made */
	mfn_t frame[GNTTAB_MAX_FRAMES];	/* the domain's own special pages */
	struct grant_pins *pins[GNTTAB_MAX_FRAMES];
	/*
	 * The domain is dying: its entries are not looked at any more, and their frames may be
	 * gone. Pins are counted all the same.
	 */
	bool closed;
	struct grant_handle *handles;	/* max_handles of them, made at the first map */
	u32 max_handles;
	u32 nr_handles;			/* used at some time; only grows, but for the dying */
	u32 free_handle;		/* one more than the first free one among them, 0: none */
};

/* d's table, with one frame. -ENOMEM: nothing left behind then. */
int __must_check gnttab_create(struct domain *d);
/* Undo it, if it was made; its frames go with the domain's. No handle holds anything any more. */
void gnttab_destroy(struct domain *d);
/*
 * Make it @nr_frames long, if it is shorter. -ENOMEM, -EINVAL (beyond the maximum, or closed): it
 * is as it was. Any root.
 */
int __must_check gnttab_grow(struct domain *d, u32 nr_frames);

/*
 * Lists of operations, each with a status of its own: what hc_grant_table_op() returns. An unmap is
 * complete, flush included, whenever the guest runs again.
 */
long gnttab_map_grant_ref_list(u64 list, u32 count);
long gnttab_unmap_grant_ref_list(u64 list, u32 count);
long gnttab_unmap_and_replace_list(u64 list, u32 count);
long gnttab_copy_list(u64 list, u32 count);
/*
 * The end of @d's part in grants, as lender and as borrower: its table is closed; what it has
 * mapped is given back, pins and references, all but those of its page-table entries. 0, or
 * -ERESTART: it should stop, and be called again. Of a domain that is dying and of which no vcpu
 * will run; on any root with a mapcache. Others' pins of its entries stay until they unmap: each
 * of their handles has a reference on a frame, and the frame one on its owner (DOM-1).
 */
int __must_check gnttab_release_mappings(struct domain *d);
/* Flush, then give back what the handles in @batch held; it is empty then. */
void gnttab_unmap_finish(struct gnttab_unmapped *batch);
