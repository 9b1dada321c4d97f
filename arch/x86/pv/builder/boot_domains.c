/* SPDX-License-Identifier: MIT */
/*
 * The domains that a boot begins with, from the loader's lines to their first instructions: those
 * that module lines describe, in their order, then dom0, which gets what memory is left. Boot root.
 */
#include <isola/evtchn.h>
#include <isola/lib/bitmap.h>
#include <isola/lib/format.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <asm/build_plan.h>
#include <asm/dom0_size.h>
#include <asm/domain_map.h>
#include <asm/gnttab.h>
#include <asm/percpu.h>
#include <asm/pv_domain.h>
#include <asm/static_domain.h>
#include <asm/vcpu_area.h>

/* Left to the hypervisor, whatever dom0_mem= says. */
#define RESERVE_PAGES	(MIB(16) >> PAGE_SHIFT)

static struct static_config config;
static struct build_plan plan;
static char kernel_line[BOOT_MODULE_STRING_BYTES];
static struct domain *built[1 + STATIC_DOMAINS];
static unsigned nr_built;

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

/* @loaded, if any, is called when nothing of the modules is needed for it any more. */
static struct domain *build(struct build_plan *p, void (*loaded)(void))
{
	const char *why;

	build_plan_make(p);
	build_try_failures(p);
	why = build_make(p);
	if (why)
		fatal("not enough memory to build %s: %s", p->name, why);
	build_load(p);
	if (loaded)
		loaded();
	why = build_give_rest(p);
	if (why)
		fatal("not enough memory to build %s: %s", p->name, why);
	build_fill(p);
	build_free_scratch(p);
	report(p);
	built[nr_built++] = p->d;
	return p->d;
}

/* ---- dom0 ------------------------------------------------------------------------------------ */

/* The modules' memory counts: it is free before dom0 gets the most of its own. */
static u64 dom0_nr_pages(u64 *most)
{
	u64 avail = nr_free_pages() + page_alloc_nr_module_pages();
	u64 spare = RESERVE_PAGES + avail / 256;	/* page tables, list scratch, heap */

	avail = avail > spare ? avail - spare : 0;
	*most = dom0_size_max_pages(avail);
	return dom0_size_pages(avail);
}

static void build_dom0(void)
{
	plan = (struct build_plan){
		.name = "dom0", .size_word = "dom0_mem", .domid = DOMID_DOM0, .privileged = true,
		.kernel = config.dom0_kernel, .initrd = config.dom0_ramdisk,
		.cmdline = boot_info.module[config.dom0_kernel].string,
		.nr_vcpus = dom0_size_vcpus(nr_cpus),
	};
	plan.nr_pages = dom0_nr_pages(&plan.max_pages);
	dom0 = build(&plan, page_alloc_take_modules);
	dom0->ends_machine = true;
}

/* ---- The others ------------------------------------------------------------------------------ */

static domid_t static_domid(unsigned i)
{
	return DOMID_DOM0 + 1 + i;
}

/* What the user has said, and behind it where the shares of domain @i are. */
static const char *line_of(unsigned i)
{
	const struct static_domain *s = &config.domain[i];
	size_t n = snprintf(kernel_line, sizeof(kernel_line), "%s", s->cmdline);

	for (unsigned k = 0; k < s->nr_shares; k++) {
		unsigned owner, ref = static_share_ref(&config, i, k, &owner);

		n = min(n, sizeof(kernel_line) - 1);
		n += snprintf(kernel_line + n, sizeof(kernel_line) - n, "%sisola.share.%s=%u:%u",
			      n ? " " : "", s->share[k].name, static_domid(owner), ref);
	}
	return kernel_line;
}

/* Domain @i. */
static void build_static(unsigned i)
{
	const struct static_domain *s = &config.domain[i];
	char name[8 + DOMAIN_NAME_BYTES];
	struct domain *d;

	snprintf(name, sizeof(name), "domain %s", s->name);
	plan = (struct build_plan){
		.name = name, .size_word = "mem", .domid = static_domid(i),
		.kernel = s->kernel, .initrd = s->ramdisk, .cmdline = line_of(i),
		.nr_pages = s->mem_bytes >> PAGE_SHIFT, .max_pages = s->mem_bytes >> PAGE_SHIFT,
		.nr_vcpus = s->nr_vcpus,
	};
	if (!bitmap_empty(s->pin, CONFIG_NR_CPUS) && bitmap_empty(s->pin, nr_cpus))
		fatal("module %u, domain %s: pin= names none of this machine's %u CPUs", s->kernel,
		      s->name, nr_cpus);
	d = build(&plan, NULL);
	strlcpy(d->name, s->name, sizeof(d->name));
	d->ends_machine = s->ends_machine;
	for (unsigned v = 0; v < d->nr_vcpus; v++)
		sched_set_pin(d->vcpu[v], s->pin);
	sched_set_weight(d, s->weight);
	sched_set_cap(d, s->cap);
}

/*
 * The ports that domain @i declares, each pair once, by the domain that comes first; the other has
 * declared it, too. Static domains are built first, in their order.
 */
static void connect_ports(unsigned i)
{
	const struct static_domain *s = &config.domain[i];

	for (unsigned n = 0; n < s->nr_ports; n++) {
		unsigned peer = static_domain_by_name(&config, s->port[n].peer);

		if (peer > i)
			evtchn_connect(built[i], s->port[n].port, built[peer],
				       s->port[n].peer_port);
	}
}

/* Reference @ref of @owner's table is frame @m, for @user. The all-RAM window is loaded. */
static void lend(struct domain *owner, unsigned ref, const struct domain *user, mfn_t m,
		 bool writable)
{
	struct grant_entry_v1 *e = window_ptr(owner->grants->frame[0]);

	e[ref] = (struct grant_entry_v1){
		.flags = GTF_permit_access | (writable ? 0 : GTF_readonly), .domid = user->domid,
		.frame = mfn_x(m),
	};
}

/* The pages that domain @i owns: special ones, which have no pfn, each for both to map. */
static void make_shares(unsigned i)
{
	const struct static_domain *s = &config.domain[i];

	for (unsigned n = 0; n < s->nr_shares; n++) {
		unsigned owner, ref = static_share_ref(&config, i, n, &owner);
		unsigned peer = static_domain_by_name(&config, s->share[n].peer);
		mfn_t m;

		if (owner != i)
			continue;
		if (domain_prepare_special_page(built[i], &m))
			fatal("not enough memory for what domain %s shares", s->name);
		domain_adopt_special_page(built[i], m);
		lend(built[i], ref, built[i], m, true);
		lend(built[i], ref + 1, built[peer], m,
		     static_share_peer(&config, i, n)->writable);
	}
}

/* ---- All of them ----------------------------------------------------------------------------- */

void pv_build_domains(void)
{
	const char *why;

	if (static_config_read(&boot_info, &config, &why))
		fatal("%s", why);
	for (unsigned i = 0; i < config.nr; i++)
		build_static(i);
	for (unsigned i = 0; i < config.nr; i++) {
		connect_ports(i);
		make_shares(i);
	}
	if (config.dom0_kernel != NO_MODULE)
		build_dom0();
	else
		page_alloc_take_modules();
}

void pv_start_domains(void)
{
	for (unsigned i = 0; i < nr_built; i++)
		domain_begin(built[i]);
}
