/* SPDX-License-Identifier: MIT */
/*
 * One domain's build: the plan, shared by the three files that carry it out: build_plan.c (sizes
 * and places), build_tables.c (bootstrap page tables), build.c (memory and contents).
 *
 * On the boot root, which shows all RAM; or, for a domain that is built anew, by the keeper
 * (asm/keeper.h), whose window shows the modules and the scratch list. The domain's own pages are
 * mapped one by one, and its tables are pinned on a visit.
 */
#pragma once

#include <isola/domain.h>
#include <isola/lib/elf.h>
#include <isola/memmap.h>
#include <asm/domain_map.h>
#include <asm/mapcache.h>
#include <asm/static_domain.h>

#define P2M_PER_PAGE	(PAGE_SIZE / sizeof(u64))

struct build_plan {
	/* What is wanted. */
	const char *name;			/* in the log: "dom0", "domain web" */
	const char *size_word;			/* what on a command line said its size */
	domid_t domid;
	bool privileged;
	bool is_unpacker;			/* it has no console, and maps no grants */
	unsigned kernel, initrd;		/* modules; NO_MODULE: none */
	const void *image;			/* the kernel's file; NULL: the module as it is */
	u64 image_bytes;
	const char *cmdline;
	u64 nr_pages, max_pages;		/* at first; as many as it may ever have */
	unsigned nr_vcpus;
	u64 heap_bytes;				/* mapped behind the stack, for an unpacker */

	/* What comes of it. Places are pfns; all but the p2m list and its tables lie in the initial
	 * mapping. */
	struct domain *d;
	struct elf_image elf;
	u64 virt_base;
	u64 initrd_pfn, initrd_bytes;
	u64 p2m_pfn, nr_p2m_pages;		/* the list itself */
	u64 p2m_va;
	u64 p2m_tables_pfn, nr_p2m_tables;	/* its L1..L3, if it has an address of its own */
	u64 start_info_pfn, console_pfn, tables_pfn, nr_tables, stack_pfn;
	u64 end_pfn;				/* of the initial mapping */
	u64 nr_filled;				/* pages up to the last that has a place here */
	u64 nr_given;				/* pages that have a frame by now */
	/* scratch list, by window address: pfn -> mfn. Not NULL beforehand: it is the caller's. */
	mfn_t *p2m;
	mfn_t scratch;				/* where it stands; INVALID_MFN: not ours to free */
	unsigned scratch_order;

	/* How far the building has come. */
	unsigned stage, segment;
	u64 cursor;				/* of the stage: bytes or pages that are done */
	u64 next_table, next_p2m_table;		/* pfns */
	const char *missing;			/* what there is not, when it fails */
};

static inline u64 plan_va(const struct build_plan *p, u64 pfn)
{
	return p->virt_base + (pfn << PAGE_SHIFT);
}

/* Page @pfn, until unmap_domain_page(). */
static inline void *plan_map(const struct build_plan *p, u64 pfn)
{
	return map_domain_page(p->p2m[pfn]);
}

/* Module @i's bytes, which the window shows, and how many; 0 for NO_MODULE. */
static inline const void *module_bytes(unsigned i)
{
	return (const void *)VA_WINDOW + boot_info.module[i].start;
}

static inline u64 module_size(unsigned i)
{
	return i == NO_MODULE ? 0 : boot_info.module[i].end - boot_info.module[i].start;
}

/*
 * Read the kernel of what is wanted, and give everything its size and place. What cannot be:
 * fatal().
 */
void build_plan_make(struct build_plan *p);

/* How far a build has come. Only what stands before BUILD_GIVEN can fail. */
enum build_mark {
	BUILD_LOADED,	/* kernel and initrd are in their places: no module is needed any more */
	BUILD_GIVEN,	/* it has all of its memory */
	BUILD_DONE,	/* and what stands in it; nobody finds it before domain_show() */
};

/*
 * Begin to build, and go on up to @mark. 0; -ENOMEM: p->missing says what there is not, and what
 * was made is to be undone; -ERESTART: something else is due, call again.
 */
void build_begin(struct build_plan *p);
int __must_check build_step(struct build_plan *p, enum build_mark mark);
/* At boot, where nothing else is due: NULL, or what there is not; then nothing is left of it. */
const char *__must_check build_until(struct build_plan *p, enum build_mark mark);
/* Take a domain apart that was made, filled or not, and of which no vcpu has ever run. Boot. */
void build_undo(struct build_plan *p);
/* The list of its pages, which nothing needs once it is filled; and how large it is. */
unsigned build_scratch_order(u64 nr_pages);
void build_free_scratch(struct build_plan *p);

#ifdef CONFIG_AUDIT
void build_try_failures(struct build_plan *p);	/* build_oom.c */
#else
static inline void build_try_failures(struct build_plan *p __maybe_unused) {}
#endif

/*
 * Write the bootstrap page tables into the pages the plan has for them. 0; -ERESTART: call again.
 */
int __must_check build_tables_write(struct build_plan *p);
/*
 * Type and pin them, and take the references that vcpu 0's base pointer holds, and the console's
 * ring. 0; -ERESTART.
 */
int __must_check build_tables_take(struct build_plan *p);
