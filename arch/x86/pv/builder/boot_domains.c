/* SPDX-License-Identifier: MIT */
/*
 * The domains that a boot begins with, from the loader's lines to their first instructions: those
 * that module lines describe, in their order, then dom0, which gets what memory is left. Boot root.
 *
 * A kernel that is packed is unpacked first (asm/unpack.h), for which the boot root and this stack
 * are left: what has been done by then is in `built', and build_next() goes on from there.
 */
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/build_plan.h>
#include <asm/dom0_size.h>
#include <asm/keeper.h>
#include <asm/hvm_domain.h>
#include <asm/percpu.h>
#include <asm/pv_domain.h>
#include <asm/pvh_build.h>
#include <asm/restart.h>
#include <asm/static_build.h>
#include <asm/unpack.h>
#include <asm/vcpu_area.h>

/* Left to the hypervisor, whatever dom0_mem= says. */
#define RESERVE_PAGES	(MIB(16) >> PAGE_SHIFT)

static struct build_plan plan;
static struct domain *built[1 + STATIC_DOMAINS];
static unsigned nr_built;
static void (*when_built)(void);

static void build_next(void);

/* ---- One domain ------------------------------------------------------------------------------ */

static void report(const struct build_plan *p)
{
	pr_info("%s: %lu MiB, %u vcpus, kernel %016lx-%016lx, entry %016lx", p->name,
		p->nr_pages >> 8, p->nr_vcpus, p->elf.virt_start, p->elf.virt_end,
		p->elf.notes.entry);
	pr_info("%s: start_info %016lx, %lu page tables at %016lx, stack %016lx, p2m list %016lx",
		p->name, plan_va(p, p->start_info_pfn), p->nr_tables, plan_va(p, p->tables_pfn),
		plan_va(p, p->stack_pfn), p->p2m_va);
	if (p->initrd_bytes)
		pr_info("%s: initrd of %lu KiB at pfn %lx", p->name, p->initrd_bytes >> 10,
			p->initrd_pfn);
	/* What having a view of its own costs, in public pages and its own. */
	pr_info("%s: isolation takes %u KiB for its window, %u KiB for each vcpu "
		"(%u roots, %u tables, %u private pages)",
		p->name, p->d->nr_window_tables << 2, VCPU_ISOLATION_PAGES << 2, VCPU_ROOTS,
		VCPU_AREA_TABLES, VCPU_PRIVATE_PAGES);
}

static void build_up_to(struct build_plan *p, enum build_mark mark)
{
	const char *why = build_until(p, mark);

	if (why)
		fatal("not enough memory to build %s: %s", p->name, why);
}

/* @loaded, if any, is called when nothing of the modules is needed for it any more. */
static struct domain *build(struct build_plan *p, void (*loaded)(void))
{
	build_plan_make(p);
	build_try_failures(p);
	build_begin(p);
	build_up_to(p, BUILD_LOADED);
	unpack_done();
	if (loaded)
		loaded();
	build_up_to(p, BUILD_DONE);
	domain_show(p->d);
	build_free_scratch(p);
	report(p);
	built[nr_built++] = p->d;
	return p->d;
}

/* ---- dom0 ------------------------------------------------------------------------------------ */

/* The modules' memory counts, and the unpacker's: free before dom0 gets the most of its own. */
static u64 dom0_nr_pages(u64 *most)
{
	u64 avail = nr_free_pages() + page_alloc_nr_module_pages() + unpack_nr_pages();
	u64 spare = RESERVE_PAGES + avail / 256;	/* page tables, list scratch, heap */

	avail = avail > spare ? avail - spare : 0;
	*most = dom0_size_max_pages(avail);
	return dom0_size_pages(avail);
}

static void build_dom0(void)
{
	plan = (struct build_plan){
		.name = "dom0", .size_word = "dom0_mem", .domid = DOMID_DOM0, .privileged = true,
		.kernel = static_config.dom0_kernel, .initrd = static_config.dom0_ramdisk,
		.cmdline = boot_info.module[static_config.dom0_kernel].string,
		.nr_vcpus = dom0_size_vcpus(nr_cpus),
	};
	unpack_kernel(&plan, build_next);
	plan.nr_pages = dom0_nr_pages(&plan.max_pages);
	dom0 = build(&plan, page_alloc_take_modules);
	dom0->ends_machine = true;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static struct domain *build_pvh(struct build_plan *p)
{
	pvh_plan_make(p);
	pvh_build(p);
	unpack_done();
	domain_show(p->d);
	pr_info("%s: PVH, %lu MiB, %u vcpus, kernel %lx-%lx, entry %lx, start_info %lx, %u nested "
		"tables", p->name, p->nr_pages >> 8, p->nr_vcpus, p->elf.mem_start,
		p->elf.mem_end, p->elf.notes.phys32_entry, p->start_info_pfn << PAGE_SHIFT,
		p->d->hvm->p2m.nr_tables);
	built[nr_built++] = p->d;
	return p->d;
}

static void build_static(unsigned i)
{
	static_plan(&plan, i);
	unpack_kernel(&plan, build_next);
	if (static_config.domain[i].is_pvh) {
		static_settle(i, build_pvh(&plan));
		built[i]->hvm->p2m.track.mode = static_config.domain[i].cache_tracking;
		return;
	}
	if (static_config.domain[i].restarts && plan.image != module_bytes(plan.kernel)) {
		unpack_into_module(&plan);
		keeper_keep_module(plan.kernel);
	}
	static_settle(i, build(&plan, NULL));
}

/* What has an end that is to be another beginning keeps its modules. */
static void keep_what_restarts(void)
{
	for (unsigned i = 0; i < static_config.nr; i++)
		if (static_config.domain[i].restarts)
			restart_prepare(i);
}

/* All with each other, once. */
static void connect_all(void)
{
	static bool done;

	for (unsigned i = 0; i < static_config.nr && !done; i++) {
		static_connect(i, built[i]);
		if (static_make_shares(i, built[i]))
			fatal("not enough memory for what domain %s shares",
			      static_config.domain[i].name);
	}
	done = true;
}

/* All that are not built yet; dom0 is the last. */
static void build_next(void)
{
	while (nr_built < static_config.nr)
		build_static(nr_built);
	connect_all();
	if (static_config.dom0_kernel != NO_MODULE)
		build_dom0();
	else
		page_alloc_take_modules();
	when_built();
}

void pv_build_domains(void (*then)(void))
{
	const char *why;

	when_built = then;
	if (static_config_read(&boot_info, &static_config, &why))
		fatal("%s", why);
	keep_what_restarts();
	build_next();
}

void pv_start_domains(void)
{
	restart_start();
	for (unsigned i = 0; i < nr_built; i++)
		domain_begin(built[i]);
}
