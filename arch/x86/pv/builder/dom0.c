/* SPDX-License-Identifier: MIT */
/*
 * dom0, from its plan to its first instruction. Boot root.
 */
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/build_plan.h>
#include <asm/pv_domain.h>
#include <asm/vcpu_area.h>

void pv_build_dom0(void)
{
	static struct build_plan plan;
	struct build_plan *p = &plan;
	const char *why;

	build_plan_make(p);
	build_try_failures(p);
	why = build_make(p);
	if (why)
		fatal("not enough memory to build dom0: %s", why);
	build_load(p);
	page_alloc_take_modules();	/* what was in them is dom0's now, and so is the rest */
	why = build_give_rest(p);
	if (why)
		fatal("not enough memory to build dom0: %s", why);
	build_fill(p);
	build_free_scratch(p);
	dom0 = p->d;

	pr_info("dom0: %lu MiB, %u vcpus, kernel %016lx-%016lx, entry %016lx", p->nr_pages >> 8,
		p->nr_vcpus, p->elf.virt_start, p->elf.virt_end, p->elf.notes.entry);
	pr_info("dom0: start_info %016lx, %lu page tables at %016lx, stack %016lx, p2m list %016lx",
		plan_va(p, p->start_info_pfn), p->nr_tables, plan_va(p, p->tables_pfn),
		plan_va(p, p->stack_pfn), p->p2m_va);
	if (p->initrd_bytes)
		pr_info("dom0: initrd of %lu KiB at pfn %lx", p->initrd_bytes >> 10, p->initrd_pfn);
	/* What having a view of its own costs, in public pages and its own. */
	pr_info("dom0: isolation takes %u KiB for its window, %u KiB for each vcpu "
		"(%u roots, %u tables, %u private pages)",
		p->d->nr_window_tables << 2, VCPU_ISOLATION_PAGES << 2, VCPU_ROOTS,
		VCPU_AREA_TABLES, VCPU_PRIVATE_PAGES);
}
