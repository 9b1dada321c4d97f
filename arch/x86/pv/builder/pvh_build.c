/* SPDX-License-Identifier: MIT */
/*
 * Building a PVH domain: see asm/pvh_build.h.
 *
 * Guest-physical memory is RAM from 0 on, but for a hole below 4 GiB (hvm_ram_gfn()). In it lie the
 * kernel where its segments want to be, then the initrd, then start_info with what it names:
 *   struct hvm_start_info, module list, memory map, command line
 * all below the hole. The console's ring is a page of its own in the hole, ACPI tables lie below
 * 1 MiB (pvh_acpi.c).
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/console_ring.h>
#include <asm/hvm.h>
#include <asm/m2p.h>
#include <asm/mapcache.h>
#include <asm/perdomain.h>
#include <asm/pv_domain.h>
#include <asm/pvh_build.h>
#include <asm/vcpu_private.h>
#include <xen/arch-x86/hvm/start_info.h>

#define MAP_ENTRIES	8
/* The last gfn: above all RAM is room for what the guest puts there, as Linux its grant table. */
#define ROOM_GFNS	(GIB(1) >> PAGE_SHIFT)

/* What start_info names lies behind it, within these pages. One is built at a time. */
static struct start_pages {
	struct hvm_start_info info;
	struct hvm_modlist_entry module;
	struct hvm_memmap_table_entry map[MAP_ENTRIES];
	char cmdline[BOOT_MODULE_STRING_BYTES];
} start_pages;
#define SPARE_TABLES 128

#define START_PAGES DIV_ROUND_UP(sizeof(start_pages), PAGE_SIZE)

/* ---- The plan -------------------------------------------------------------------------------- */

static void read_kernel(struct build_plan *p)
{
	const char *why;

	if (!elf_parse(p->image, p->image_bytes, &p->elf, &why)) {
		if (p->elf.notes.has_phys32_entry)
			return;
		why = "has no PHYS32_ENTRY note: it is not a PVH kernel";
	}
	fatal("the kernel of %s (module %u%s) %s", p->name, p->kernel,
	      p->image == module_bytes(p->kernel) ? "" : ", unpacked", why);
}

void pvh_plan_make(struct build_plan *p)
{
	u64 at, low = min(p->nr_pages, HVM_HOLE_GFN);

	if (!hvm)
		fatal("%s: type=pvh: %s", p->name, hvm_why_not);
	read_kernel(p);
	at = DIV_ROUND_UP(p->elf.mem_end, PAGE_SIZE);
	p->initrd_bytes = module_size(p->initrd);
	p->initrd_pfn = at;
	p->start_info_pfn = at + DIV_ROUND_UP(p->initrd_bytes, PAGE_SIZE);
	at = p->start_info_pfn + START_PAGES;
	if (p->elf.mem_start < MIB(1))
		fatal("the kernel of %s (module %u) begins below 1 MiB, where ACPI tables are",
		      p->name, p->kernel);
	if (at > low)
		fatal("the kernel does not fit %s's memory: with its initrd it needs %lu KiB, "
		      "%s gives %lu KiB", p->name, at << 2, p->size_word, low << 2);
	if (p->elf.notes.phys32_entry < p->elf.mem_start ||
	    p->elf.notes.phys32_entry >= p->elf.mem_end)
		fatal("the kernel of %s (module %u) has PHYS32_ENTRY 0x%lx outside itself",
		      p->name, p->kernel, p->elf.notes.phys32_entry);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void __noreturn no_memory(const struct build_plan *p, const char *what)
{
	fatal("not enough memory to build %s: %s", p->name, what);
}

/* 2^@order pages of RAM, the @nth on. False: there are none in one piece. */
static bool give(struct build_plan *p, u64 nth, unsigned order)
{
	mfn_t m = page_alloc(ALLOC_DOMAIN, order, 0);
	u64 gfn = hvm_ram_gfn(nth);

	if (!mfn_is_valid_num(m))
		return false;
	if (domain_assign_pages(p->d, m, order))
		no_memory(p, "no window tables");
	for (u64 i = 0; i < 1ul << order; i++)
		m2p_set(mfn_add(m, i), _pfn(gfn + i));
	if (p2m_add(p->d, &p->d->hvm->p2m, _gfn(gfn), m, order))
		no_memory(p, "no nested tables");
	return true;
}

static void give_memory(struct build_plan *p)
{
	unsigned order;

	for (u64 n = 0; n < p->nr_pages; n += 1ul << order) {
		order = n % (1ul << P2M_LARGE) || p->nr_pages - n < 1ul << P2M_LARGE ? 0
										     : P2M_LARGE;
		if (give(p, n, order))
			continue;
		if (!order || !give(p, n, 0))
			no_memory(p, "not all of its memory");
		order = 0;
	}
	p->d->hvm->ram_end = hvm_ram_gfn(p->nr_pages - 1) + 1;
}

/* Memory was zero when it was given. */
static void copy_in(struct build_plan *p, u64 gpa, const void *from, u64 bytes)
{
	while (bytes) {
		u64 off = gpa & ~PAGE_MASK, n = min(bytes, PAGE_SIZE - off);
		u8 *page = map_domain_page(p2m_lookup(&p->d->hvm->p2m,
						      _gfn(gpa >> PAGE_SHIFT)));

		memcpy(page + off, from, n);
		unmap_domain_page(page);
		gpa += n;
		from += n;
		bytes -= n;
	}
}

/* The ring, and the port behind it, as for any static domain (calls/console_ring.c). */
static void make_console(struct build_plan *p)
{
	struct hvm_domain *h = p->d->hvm;
	mfn_t m;

	if (domain_prepare_special_page(p->d, &m))
		no_memory(p, "no page for its console");
	domain_adopt_special_page(p->d, m);
	console_ring_create(p->d, m);
	if (p2m_add(p->d, &h->p2m, _gfn(HVM_CONSOLE_GFN), m, 0))
		no_memory(p, "no nested tables");
	h->param[HVM_PARAM_CONSOLE_PFN] = HVM_CONSOLE_GFN;
	h->param[HVM_PARAM_CONSOLE_EVTCHN] = CONSOLE_RING_PORT;
	evtchn_bind_own(p->d, CONSOLE_RING_PORT);
}

/* ---- Contents -------------------------------------------------------------------------------- */

static void load(struct build_plan *p)
{
	for (unsigned i = 0; i < p->elf.nr_segments; i++)
		copy_in(p, p->elf.segment[i].paddr, p->elf.segment[i].bytes,
			p->elf.segment[i].file_size);
	if (p->initrd_bytes)
		copy_in(p, p->initrd_pfn << PAGE_SHIFT, module_bytes(p->initrd), p->initrd_bytes);
}

static void write_start_info(struct build_plan *p)
{
	u64 at = p->start_info_pfn << PAGE_SHIFT;
	struct start_pages *s = &start_pages;
	struct hvm_map_entry e;
	const void *tables;
	unsigned n = 0;
	u64 bytes;

	memset(s, 0, sizeof(*s));
	for (; n < MAP_ENTRIES && hvm_map_entry(p->d, n, &e); n++)
		s->map[n] = (struct hvm_memmap_table_entry){
			.addr = e.addr, .size = e.size, .type = e.type };
	strlcpy(s->cmdline, p->cmdline, sizeof(s->cmdline));
	s->module.paddr = p->initrd_pfn << PAGE_SHIFT;
	s->module.size = p->initrd_bytes;
	s->info = (struct hvm_start_info){
		.magic = XEN_HVM_START_MAGIC_VALUE, .version = 1,
		.nr_modules = p->initrd_bytes ? 1 : 0,
		.modlist_paddr = p->initrd_bytes ? at + offsetof(struct start_pages, module) : 0,
		.cmdline_paddr = at + offsetof(struct start_pages, cmdline),
		.memmap_paddr = at + offsetof(struct start_pages, map),
		.memmap_entries = n,
	};
	s->info.rsdp_paddr = PVH_ACPI_GPA;
	copy_in(p, at, s, sizeof(*s));
	tables = pvh_acpi_make(p->nr_vcpus, &bytes);
	copy_in(p, PVH_ACPI_GPA, tables, bytes);
}

static void ready_first(struct build_plan *p)
{
	struct vcpu *v = p->d->vcpu[0];
	struct vcpu_private *priv = map_domain_page(v->private_mfn[0]);
	void *page;

	priv->regs = (struct regs){
		.rbx = p->start_info_pfn << PAGE_SHIFT, .rip = p->elf.notes.phys32_entry,
		.rflags = EFLAGS_MBS };
	unmap_domain_page(priv);
	page = map_domain_page(perdomain_mfn(v, VA_VCPU_HVM));
	hvm->start32(page);
	unmap_domain_page(page);
	v->initialised = true;
}

void pvh_build(struct build_plan *p)
{
	const char *why;

	if (domain_create(p->domid, false, &p->d))
		no_memory(p, "no domain");
	p->d->max_pages = p->max_pages;
	p->d->max_vcpus = p->nr_vcpus;
	if (hvm_domain_create(p->d, max(HVM_HIGH_GFN, hvm_ram_gfn(p->nr_pages)) + ROOM_GFNS))
		no_memory(p, "no nested tables");
	why = pv_domain_make_parts(p->d);
	if (why)
		no_memory(p, why);
	if (pv_domain_make_vcpus(p->d))
		no_memory(p, "a vcpu has no page tables");
	give_memory(p);
	make_console(p);
	load(p);
	write_start_info(p);
	ready_first(p);
	/* What it takes if all large leaves are split, and some it names elsewhere. */
	p->d->hvm->p2m.max_tables = p->d->hvm->p2m.nr_tables + SPARE_TABLES +
				    (p->nr_pages >> P2M_LARGE);
}
