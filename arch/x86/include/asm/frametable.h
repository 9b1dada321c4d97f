/* SPDX-License-Identifier: MIT */
/*
 * The frame table: one struct page_info for every frame of RAM, at VA_FRAMETABLE + mfn * 32.
 * Public.
 *
 * It is sparse: a 2 MiB piece of the table (64 Ki frames, 256 MiB of machine memory) stands only
 * where RAM does. mfn_has_page() must be asked before page_of() is dereferenced for
 * a number a guest gave (PTE-3).
 */
#pragma once

#include <isola/frame_num.h>
#include <asm/layout.h>
#include <xen/xen.h>

/*
 * count_info: flags | references of others than the owner | the owner's references.
 * General references: the allocation itself (one of the two flags of PGC_allocated, in no count);
 * one per present guest entry that names the frame; one per pin, loaded guest CR3, parked table,
 * descriptor-window frame, grant handle, special page, running operation. Whose an entry's is says
 * the owner of its table; a handle's, the domain that maps. A free frame has count_info == 0.
 * Shared out: a domain that is not its owner has used the frame since it was allocated (TLB-9). Set
 * with the first such reference; stays while the frame is allocated. PGC_unshared is the sign, so
 * that the owner, at the cost of one comparison, need not ask whose reference it is about to put.
 * An orphan, whose owner has given it back while others hold it, is PGC_leaving with their
 * references and nothing else (MEM-5).
 */
#define PGC_unshared    (1ul << 63)      /* allocated; only its owner has ever used it */
#define PGC_leaving     (1ul << 62)      /* every get fails: the owner is giving the frame back */
#define PGC_hv          (1ul << 61)      /* the hypervisor's own memory: no guest reference ever */
#define PGC_shared_out  (1ul << 60)      /* allocated; and not unshared */
#define PGC_allocated   (PGC_unshared | PGC_shared_out)
#define PGC_foreign_mask (((1ul << 20) - 1) << 40)
#define PGC_foreign_one (1ul << 40)
#define PGC_own_mask    ((1ul << 40) - 1)
#define PGC_one         1ul

/*
 * type_info: type | flags | type reference count. The type changes only while the count is zero
 * (TYP-1) and only by compare-and-swap in type_word.c. "validated": the contents have been checked
 * for the type. "partial": a half-done table; progress in page_info.nr_validated (PRE-1).
 * Type references: writable: one per present guest entry with RW; l1..l4: one per naming entry of
 * the level above, pin, guest CR3; seg_desc: one per GDT/LDT window frame.
 */
#define PGT_type_shift  60
#define PGT_none        (0ul << PGT_type_shift)  /* not used since it was scrubbed */
#define PGT_l1          (1ul << PGT_type_shift)
#define PGT_l2          (2ul << PGT_type_shift)
#define PGT_l3          (3ul << PGT_type_shift)
#define PGT_l4          (4ul << PGT_type_shift)
#define PGT_seg_desc    (5ul << PGT_type_shift)
#define PGT_writable    (7ul << PGT_type_shift)
#define PGT_type_mask   (7ul << PGT_type_shift)
#define PGT_pinned      (1ul << 59)
#define PGT_validated   (1ul << 58)
#define PGT_partial     (1ul << 57)
#define PGT_locked      (1ul << 56)              /* page lock: its entries are being changed */
/*
 * An entry with RW and another cache type than write-back has named it since its lines were last
 * flushed: caches and memory may differ (COH-2). Of writable frames: kept while idle, set only by
 * who holds a type reference.
 */
#define PGT_non_coherent (1ul << 55)
/*
 * The hypervisor works on it too: write-back. It has a type reference from its adoption until the
 * frame is freed, also as an orphan: the count does not end before.
 */
#define PGT_special     (1ul << 54)
/*
 * Not written since the log was last read (control/log_dirty.c), which sets it; whoever may write,
 * or changes the frame's use, clears it first (LOG-1). Frames of domains that are not logged have
 * it never, or not for long.
 */
#define PGT_clean       (1ul << 53)
#define PGT_count_mask  ((1ul << 48) - 1)

struct page_info {
	u64 count_info;
	u64 type_info;
	/* flush clock when the last type use ended (TLB-2); while free: order of the free block */
	u32 tlb_stamp;
	/* valid while count_info & PGC_count_mask; DOMID_INVALID when none */
	domid_t owner;
	/* l1..l4 only: entries [0, n) hold their references (PRE-1) */
	u16 nr_validated;
	/* owner's page_list, or the allocator's free list: frame numbers, 0 = end */
	u32 next, prev;
#define NEXT_OF_M2P	1u		/* with DOMID_IO, whose others say 0: the M2P's own frame */
};

static_assert(sizeof(struct page_info) == 32, "the frame table's 32 bytes per frame");

static inline struct page_info *page_of(mfn_t m)
{
	return (struct page_info *)VA_FRAMETABLE + mfn_x(m);
}

static inline mfn_t page_mfn(const struct page_info *pg)
{
	return _mfn(pg - (const struct page_info *)VA_FRAMETABLE);
}

/* One past the highest frame of RAM. */
extern u64 max_page;

#define PIECE_SHIFT	16			/* frames per piece: 2 MiB of struct page_info */
#define MAX_PIECES	(MAX_MFN >> PIECE_SHIFT)

/* Does piece n stand? Written at boot only. */
extern bool piece_stands[MAX_PIECES];

/* Is there a page_info for @m, any number from a guest? No locks. */
#ifdef HOSTED
bool mfn_has_page(mfn_t m);
#else
static inline bool mfn_has_page(mfn_t m)
{
	return mfn_x(m) < max_page && piece_stands[mfn_x(m) >> PIECE_SHIFT];
}
#endif

/*
 * Build the table's mappings for boot_memmap's RAM into the current root's slot 260; then for the
 * M2P. Boot only.
 */
void frametable_init(void);

/* How many bits of machine address there are, with the highest frame: log2 plus the page offset. */
static inline u32 machine_address_bits(void)
{
	return max_page > 1 ? 64 - __builtin_clzl(max_page - 1) + PAGE_SHIFT : PAGE_SHIFT;
}
