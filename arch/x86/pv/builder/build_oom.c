/* SPDX-License-Identifier: MIT */
/*
 * Option `oom' (CONFIG_AUDIT): before dom0 is built for good, each allocation of its building is
 * refused once; then a whole build is taken apart. Every page must be back, each time. Boot root;
 * no other domain is there to take a page meanwhile.
 */
#include <isola/alloc_fault.h>
#include <isola/lib/cmdline.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/build_plan.h>

static bool opt_oom;
CMDLINE_BOOL("oom", opt_oom);

static u64 free_pages(void)
{
	return nr_free_pages() + nr_free_public_pages();
}

/* A build in which the @nth allocation is refused. Returns whether there were so many. */
static bool try_one(struct build_plan *p, unsigned nth, const char **why)
{
	bool refused;

	alloc_fault_arm(nth);
	build_begin(p);
	*why = build_until(p, BUILD_GIVEN);
	refused = alloc_fault_disarm();
	if (*why)
		return refused;
	*why = build_until(p, BUILD_DONE);
	build_undo(p);
	return refused;
}

void build_try_failures(struct build_plan *p)
{
	u64 before = free_pages();
	unsigned nth = 0, given_up = 0;
	const char *why;
	bool refused;

	if (!opt_oom)
		return;
	do {
		refused = try_one(p, ++nth, &why);
		given_up += why != NULL;
		if (free_pages() != before)
			panic("oom: allocation %u of building %s (%s): %ld pages are missing", nth,
			      p->name, why ? why : "built", (long)(before - free_pages()));
	} while (refused);
	pr_info("oom: %s built and taken apart; each of %u allocations refused once, %u builds "
		"given up: nothing left behind", p->name, nth - 1, given_up);
}
