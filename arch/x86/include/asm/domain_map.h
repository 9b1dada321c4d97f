/* SPDX-License-Identifier: MIT */
/*
 * What stands in a domain's memory window (window.h). A frame enters when it is assigned, and
 * leaves only in its owner's own call.
 */
#pragma once

#include <isola/frame_num.h>
#include <isola/domain.h>
#include <asm/window.h>

struct page_info;

/*
 * Give 2^order scrubbed frames of class domain to @d: owner set, count 1 (the allocation
 * reference), type none, linked into page_list, mapped in d's window. -ENOMEM (tables; max_pages
 * reached): nothing changed then, once domain_release_flush() has been called.
 */
int __must_check domain_assign_pages(struct domain *d, mfn_t first, unsigned order);

/*
 * One more page of @d for a purpose of the ABI (shared_info, grant frames): its own, writable by
 * it, not counted in nr_pages, held by one general and one writable reference for the domain's
 * life. In two steps, so that several come or none: prepare (-ENOMEM), then adopt, or unprepare.
 */
int __must_check domain_prepare_special_page(struct domain *d, mfn_t *m);
void domain_unprepare_special_page(struct domain *d, mfn_t m);
void domain_adopt_special_page(struct domain *d, mfn_t m);

/*
 * Take frame @m away from @d and free it: d's own call, or one for it of the control domain's.
 * Refused with -EBUSY while d itself has a reference beside the allocation's, and when it dies. The
 * caller batches: frames go back to the allocator when domain_release_flush() has flushed, or, if
 * others have references, with the last of those.
 */
int __must_check domain_release_page(struct domain *d, mfn_t m);
/* The same for @nr frames, each of which may be none at all: all of them or, on an error, none. */
int __must_check domain_release_extent(struct domain *d, mfn_t first, u32 nr);
/*
 * Flush the domain's CPUs and free what has left the window, frames and tables. Interrupts on;
 * waits for the CPUs, so no lock is held that is taken with interrupts off.
 */
void domain_release_flush(struct domain *d);

/*
 * Frame @m, one of @d's that is not loaded, is called @pfn. -EINVAL: it is not d's, or leaving.
 * Without a reference, which would be of the owner's own kind: of a dying domain nobody has those.
 */
int __must_check domain_name_page(struct domain *d, mfn_t m, pfn_t pfn);

/* @pg, an orphan without a reference: no CPU remembers it any more. */
void domain_free_orphan(struct page_info *pg);

/*
 * Take frames of @d, special ones too, and free them: of a domain that no CPU has loaded, nor will,
 * and that gets no more. What it holds itself of its frames is not asked for; what others hold they
 * keep (MEM-5). Its window is cleared before. True: there are more.
 */
bool __must_check domain_discard_some(struct domain *d);
/* All of them, and the window, of a domain of which no vcpu has ever run. */
void domain_discard_pages(struct domain *d);

/*
 * Frames of @d that go for others that come, d's own call; nr_pages counts neither. In four steps:
 *   withdraw   @m joins *list (0: empty; through page_info.next): every get fails, it is still in
 *              the window. -EBUSY: d itself has a reference beside the allocation's; -ENOMEM;
 *              nothing changed then
 *   prepare    what will map 2^order new frames exists. -ENOMEM; or unprepare, before they come
 *   expel      all of *list out of the window, for domain_release_flush() to free; or readmit: as
 *              before withdraw
 *   adopt      2^order frames come, as by domain_assign_pages(); they have been prepared
 * Whatever happened, domain_release_flush() is called at the end.
 */
int __must_check domain_withdraw_page(struct domain *d, mfn_t m, u32 *list);
int __must_check domain_prepare_pages(struct domain *d, mfn_t first, unsigned order);
void domain_unprepare_pages(struct domain *d, mfn_t first, unsigned order);
void domain_expel_pages(struct domain *d, u32 *list);
void domain_readmit_pages(struct domain *d, u32 *list);
void domain_adopt_pages(struct domain *d, mfn_t first, unsigned order);

/*
 * Fill slots 262..271 of @l4 (a root page, by public address) with d's window (NULL: none; asi off:
 * all RAM).
 */
void window_fill_root(u64 *l4, const struct domain *d);
/*
 * Make every L3 (and first L2) that the window can need on this machine, before the domain's first
 * root is made (T13).
 */
int __must_check window_prepare(struct domain *d);
/* Undo it, or the part that was done: no root names the window any more, and no frame is in it. */
void window_unprepare(struct domain *d);

/* Boot: the tables that show all RAM. */
void window_init(void);
extern u64 window_all_ram[NR_WINDOW_SLOTS];
