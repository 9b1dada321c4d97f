/* SPDX-License-Identifier: MIT */
/*
 * One domain's build: the plan, shared by the three files that carry it out: build_plan.c (sizes
 * and places), build_tables.c (bootstrap page tables), build.c (memory and contents). Boot root
 * only.
 */
#pragma once

#include <isola/domain.h>
#include <isola/lib/elf.h>
#include <isola/memmap.h>
#include <asm/domain_map.h>
#include <asm/static_domain.h>

#define P2M_PER_PAGE	(PAGE_SIZE / sizeof(u64))

struct build_plan {
	/* What is wanted. */
	const char *name;			/* in the log: "dom0", "domain web" */
	const char *size_word;			/* what on a command line said its size */
	domid_t domid;
	bool privileged;
	unsigned kernel, initrd;		/* modules; NO_MODULE: none */
	const char *cmdline;
	u64 nr_pages, max_pages;		/* at first; as many as it may ever have */
	unsigned nr_vcpus;

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
	mfn_t *p2m;				/* scratch list, by window address: pfn -> mfn */
	mfn_t scratch;				/* where it stands; INVALID_MFN: nowhere */
	unsigned scratch_order;
};

static inline u64 plan_va(const struct build_plan *p, u64 pfn)
{
	return p->virt_base + (pfn << PAGE_SHIFT);
}

static inline void *plan_ptr(const struct build_plan *p, u64 pfn)
{
	return window_ptr(p->p2m[pfn]);
}

/* Module @i's bytes, through the all-RAM window, and how many; 0 for NO_MODULE. */
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

/*
 * What can fail of the building: the domain, its parts, vcpus and memory. Returns NULL, or what
 * there is not: then nothing is left of what there was.
 */
const char *__must_check build_make(struct build_plan *p);
/* Kernel and initrd into their places: then the modules are not needed any more. */
void build_load(struct build_plan *p);
/* The pages that nothing of the plan stands in. NULL, or what there is not; it can be undone. */
const char *__must_check build_give_rest(struct build_plan *p);
/* What cannot fail: all else that stands in its memory. */
void build_fill(struct build_plan *p);
/* Take a domain apart that was made, filled or not, and of which no vcpu has ever run. */
void build_undo(struct build_plan *p);
/* The list of its pages, which nothing needs once it is filled. */
void build_free_scratch(struct build_plan *p);

#ifdef CONFIG_AUDIT
void build_try_failures(struct build_plan *p);	/* build_oom.c */
#else
static inline void build_try_failures(struct build_plan *p __maybe_unused) {}
#endif

/*
 * Write the bootstrap page tables into the pages the plan has for them, then type and pin them, and
 * take the references that vcpu 0's base pointer holds.
 */
void build_tables_make(const struct build_plan *p);
