/* SPDX-License-Identifier: MIT */
/*
 * Planning a domain: which pfn holds what.
 *
 * Pseudo-physical memory is pfns 0 .. nr_pages-1. The initial mapping shows, from virt_base on, in
 * pfn order: the kernel, (the initrd and the p2m list, if the kernel wants them there,) start_info,
 * (the console's ring, if the domain is not dom0,) the bootstrap page tables, one page of stack,
 * slack up to 4 MiB (<xen/xen.h>, "Start-of-day memory layout").
 */
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/build_plan.h>
#include <asm/pgentry.h>
#include <xen/features.h>

#define SLACK_BYTES	KIB(512)

#define OFFERED_FEATURES (1u << XENFEAT_writable_page_tables | 1u << XENFEAT_pae_pgdir_above_4gb | \
			  1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist | \
			  1u << XENFEAT_gnttab_map_avail_bits)

/*
 * Tables that the mapping of [@first, @last] needs, L4 not counted: one at each level for each span
 * it touches.
 */
static u64 tables_for(u64 first, u64 last)
{
	u64 nr = 0;

	for (unsigned shift = L2_SHIFT; shift <= L4_SHIFT; shift += 9)
		nr += (last >> shift) - (first >> shift) + 1;
	return nr;
}

/*
 * Everything that has a pfn gets it; the tables' own number depends on the end they push out, so it
 * is found by iteration.
 */
static void lay_out(struct build_plan *p)
{
	const struct pv_notes *n = &p->elf.notes;
	u64 at = DIV_ROUND_UP(p->elf.mem_end, PAGE_SIZE);

	p->nr_p2m_pages = DIV_ROUND_UP(p->nr_pages, P2M_PER_PAGE);
	p->initrd_bytes = module_size(p->initrd);
	if (!n->mod_start_pfn && p->initrd_bytes) {
		p->initrd_pfn = at;
		at += DIV_ROUND_UP(p->initrd_bytes, PAGE_SIZE);
	}
	if (!n->has_init_p2m) {
		p->p2m_pfn = at;
		p->p2m_va = plan_va(p, at);
		at += p->nr_p2m_pages;
	}
	p->start_info_pfn = at++;
	if (!p->privileged)
		p->console_pfn = at++;
	p->tables_pfn = at;
	p->nr_tables = 1;
	for (;;) {
		u64 nr;

		p->stack_pfn = p->tables_pfn + p->nr_tables;
		p->end_pfn = ROUNDUP(plan_va(p, p->stack_pfn + 1) + SLACK_BYTES + p->heap_bytes,
				     MIB(4)) - p->virt_base;
		p->end_pfn >>= PAGE_SHIFT;
		nr = 1 + tables_for(p->virt_base, plan_va(p, p->end_pfn) - 1);
		if (nr <= p->nr_tables)
			break;
		p->nr_tables = nr;
	}
	at = p->end_pfn;
	if (n->mod_start_pfn && p->initrd_bytes) {
		p->initrd_pfn = at;
		at += DIV_ROUND_UP(p->initrd_bytes, PAGE_SIZE);
	}
	if (n->has_init_p2m) {
		p->p2m_va = n->init_p2m;
		p->p2m_pfn = at;
		p->nr_p2m_tables = tables_for(p->p2m_va,
					      p->p2m_va + (p->nr_p2m_pages << PAGE_SHIFT) - 1);
		p->p2m_tables_pfn = at + p->nr_p2m_pages;
		at = p->p2m_tables_pfn + p->nr_p2m_tables;
	}
	p->nr_filled = at;
	if (at > p->nr_pages)
		fatal("the kernel does not fit %s's memory: with its page tables and initrd it "
		      "needs %lu KiB, %s gives %lu KiB", p->name, at << 2, p->size_word,
		      p->nr_pages << 2);
}

static bool ranges_meet(u64 a, u64 a_end, u64 b, u64 b_end)
{
	return a < b_end && b < a_end;
}

static void check_places(const struct build_plan *p)
{
	u64 end = plan_va(p, p->end_pfn), p2m_end;

	if (end < p->virt_base || ranges_meet(p->virt_base, end, VA_HV_FIRST, VA_HV_END))
		fatal("%s: the kernel's initial mapping %016lx-%016lx wraps or meets the "
		      "hypervisor's range", p->name, p->virt_base, end);
	if (!p->elf.notes.has_init_p2m)
		return;
	if (__builtin_add_overflow(p->p2m_va, p->nr_p2m_pages << PAGE_SHIFT, &p2m_end) ||
	    (p->p2m_va & ~PAGE_MASK) || ranges_meet(p->p2m_va, p2m_end, 1ul << 47, VA_HV_END))
		fatal("%s: the kernel's INIT_P2M note names %016lx, where no list of %lu pages can "
		      "be", p->name, p->p2m_va, p->nr_p2m_pages);
	/* L4-wise, as the two have tables of their own. */
	if (ranges_meet(p->p2m_va >> L4_SHIFT, ((p2m_end - 1) >> L4_SHIFT) + 1,
			p->virt_base >> L4_SHIFT, ((end - 1) >> L4_SHIFT) + 1))
		fatal("%s: the kernel's INIT_P2M note names %016lx, which overlaps its initial "
		      "mapping", p->name, p->p2m_va);
}

/* As the kernel's own words for what it wants, checked against what there is. */
static void read_kernel(struct build_plan *p)
{
	u32 offered = OFFERED_FEATURES | (p->privileged ? 1u << XENFEAT_dom0 : 0);
	const char *why;

	if (!p->image) {
		p->image = module_bytes(p->kernel);
		p->image_bytes = module_size(p->kernel);
	}
	if (elf_parse(p->image, p->image_bytes, &p->elf, &why) ||
	    elf_check_pv(&p->elf, offered, p->privileged, &why))
		fatal("the kernel of %s (module %u%s) %s", p->name, p->kernel,
		      p->image == module_bytes(p->kernel) ? "" : ", unpacked", why);
	p->virt_base = p->elf.notes.virt_base;
}

void build_plan_make(struct build_plan *p)
{
	read_kernel(p);
	lay_out(p);
	check_places(p);
}
