/* SPDX-License-Identifier: MIT */
/*
 * Building dom0: the start-of-day contract of a PV guest (<xen/xen.h>, "Start-of-day memory layout"), on the boot root.
 *
 * Pseudo-physical memory is pfns 0 .. nr_pages-1. The initial mapping shows, from virt_base on, in pfn order: the kernel, (the initrd
 * and the p2m list, if the kernel wants them there,) start_info, the bootstrap page tables, one page of stack, slack up to
 * 4 MiB. The tables are written as plain data and then typed and pinned by the very code that checks a guest's own (page_pin), so nothing
 * here is trusted.
 */
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/cmdline.h>
#include <isola/lib/elf.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <asm/bootmem.h>
#include <asm/domain_map.h>
#include <asm/gnttab.h>
#include <asm/ioport.h>
#include <asm/m2p.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pv_domain.h>
#include <asm/root.h>
#include <asm/vcpu_private.h>
#include <xen/features.h>
#include <xen/xen.h>

#define RESERVE_PAGES	(MIB(16) >> PAGE_SHIFT)		/* left to the hypervisor unless dom0_mem= says more */
#define SLACK_BYTES	KIB(512)
#define P2M_PER_PAGE	(PAGE_SIZE / sizeof(u64))
#define L1_SPAN		MIB(2)

/* What bootstrap entries look like: a guest's own kernel would have no US bit, the check adds it. */
#define BOOT_TABLE	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define BOOT_RW		(PTE_P | PTE_RW | PTE_US | PTE_A)
#define BOOT_RO		(PTE_P | PTE_US | PTE_A)

#define OFFERED_FEATURES (1u << XENFEAT_writable_page_tables | 1u << XENFEAT_pae_pgdir_above_4gb | \
			  1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist | \
			  1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_dom0)

static struct mem_amount opt_dom0_mem;
static unsigned opt_dom0_max_vcpus;
CMDLINE_UINT("dom0_max_vcpus", opt_dom0_max_vcpus, 1, MAX_VCPUS);

static int parse_dom0_mem(const char *value)
{
	return cmdline_parse_mem_amount(value, &opt_dom0_mem);
}
CMDLINE_CUSTOM("dom0_mem", parse_dom0_mem);

/* One build's plan: pfns, and addresses in the initial mapping. */
struct plan {
	struct domain *d;
	struct elf_image elf;
	u64 nr_pages;
	u64 virt_base;
	u64 initrd_pfn, initrd_bytes;
	u64 p2m_pfn, nr_p2m_pages;	/* the list itself */
	u64 p2m_va;
	u64 p2m_tables_pfn, nr_p2m_tables;	/* its own L1..L3, if it has an address of its own */
	u64 start_info_pfn, tables_pfn, nr_tables, stack_pfn;
	u64 end_pfn;			/* of the initial mapping */
	u64 next_table;			/* allocation cursor within tables */
	mfn_t *p2m;			/* window address of a scratch list: pfn -> mfn */
	mfn_t scratch;
	unsigned scratch_order;
};

static u64 plan_va(const struct plan *p, u64 pfn)
{
	return p->virt_base + (pfn << PAGE_SHIFT);
}

static void *plan_ptr(const struct plan *p, u64 pfn)
{
	return window_ptr(p->p2m[pfn]);
}

/* Module @i's bytes through the all-RAM window. */
static const void *module_bytes(unsigned i)
{
	return (const void *)VA_WINDOW + boot_info.module[i].start;
}

static u64 module_size(unsigned i)
{
	return i < boot_info.nr_modules ? boot_info.module[i].end - boot_info.module[i].start : 0;
}

/* ---- Choosing sizes and places ------------------------------------------------------------------------------- */

static u64 choose_nr_pages(void)
{
	u64 avail = nr_free_pages(), want = opt_dom0_mem.size_bytes >> PAGE_SHIFT;
	u64 least = opt_dom0_mem.min_bytes >> PAGE_SHIFT, most = opt_dom0_mem.max_bytes >> PAGE_SHIFT;
	u64 spare = RESERVE_PAGES + avail / 256;	/* page tables, list scratch, heap */

	avail = avail > spare ? avail - spare : 0;
	if (!want)
		want = avail;
	want = max(want, least);
	if (most)
		want = min(want, most);
	if (want > avail)
		fatal("dom0_mem: %lu MiB are wanted for dom0 and only %lu MiB are free", want >> 8, avail >> 8);
	return want;
}

/* Tables that the mapping of [@first, @last] needs, L4 not counted: one at each level for each span it touches. */
static u64 tables_for(u64 first, u64 last)
{
	u64 nr = 0;

	for (unsigned shift = L2_SHIFT; shift <= L4_SHIFT; shift += 9)
		nr += (last >> shift) - (first >> shift) + 1;
	return nr;
}

/* Everything that has a pfn gets it; the tables' own number depends on the end they push out, so it is found by iteration. */
static void lay_out(struct plan *p)
{
	const struct pv_notes *n = &p->elf.notes;
	u64 at = DIV_ROUND_UP(p->elf.mem_end, PAGE_SIZE);

	p->nr_p2m_pages = DIV_ROUND_UP(p->nr_pages, P2M_PER_PAGE);
	p->initrd_bytes = module_size(1);
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
	p->tables_pfn = at;
	p->nr_tables = 1;
	for (;;) {
		u64 nr;

		p->stack_pfn = p->tables_pfn + p->nr_tables;
		p->end_pfn = ROUNDUP(plan_va(p, p->stack_pfn + 1) + SLACK_BYTES, MIB(4)) - p->virt_base;
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
		p->nr_p2m_tables = tables_for(p->p2m_va, p->p2m_va + (p->nr_p2m_pages << PAGE_SHIFT) - 1);
		p->p2m_tables_pfn = at + p->nr_p2m_pages;
		at = p->p2m_tables_pfn + p->nr_p2m_tables;
	}
	if (at > p->nr_pages)
		fatal("the kernel does not fit dom0's memory: with its page tables and initrd it needs %lu KiB, dom0_mem gives %lu KiB",
		      at << 2, p->nr_pages << 2);
}

static bool ranges_meet(u64 a, u64 a_end, u64 b, u64 b_end)
{
	return a < b_end && b < a_end;
}

static void check_places(const struct plan *p)
{
	u64 end = plan_va(p, p->end_pfn), p2m_end;

	if (end < p->virt_base || ranges_meet(p->virt_base, end, VA_HV_FIRST, VA_HV_END))
		fatal("the kernel's initial mapping %016lx-%016lx wraps or meets the hypervisor's range", p->virt_base, end);
	if (!p->elf.notes.has_init_p2m)
		return;
	if (__builtin_add_overflow(p->p2m_va, p->nr_p2m_pages << PAGE_SHIFT, &p2m_end) || (p->p2m_va & ~PAGE_MASK) ||
	    ranges_meet(p->p2m_va, p2m_end, 1ul << 47, VA_HV_END))
		fatal("the kernel's INIT_P2M note names %016lx, where no list of %lu pages can be", p->p2m_va, p->nr_p2m_pages);
	/* L4-wise, as the two have tables of their own. */
	if (ranges_meet(p->p2m_va >> L4_SHIFT, ((p2m_end - 1) >> L4_SHIFT) + 1, p->virt_base >> L4_SHIFT,
			((end - 1) >> L4_SHIFT) + 1))
		fatal("the kernel's INIT_P2M note names %016lx, which overlaps its initial mapping", p->p2m_va);
}

/* ---- Memory -------------------------------------------------------------------------------------------------------- */

static void give_memory(struct plan *p)
{
	u64 pfn = 0, list_bytes = p->nr_pages * sizeof(mfn_t);

	while ((PAGE_SIZE << p->scratch_order) < list_bytes)
		p->scratch_order++;
	p->scratch = page_alloc(ALLOC_DOMAIN, p->scratch_order, 0);
	if (!mfn_is_valid_num(p->scratch))
		fatal("not enough memory to build dom0: no %lu KiB in one piece", PAGE_SIZE << p->scratch_order >> 10);
	p->p2m = window_ptr(p->scratch);

	for (unsigned order = 9; pfn < p->nr_pages; ) {
		mfn_t m;

		while (order && (1ul << order) > p->nr_pages - pfn)
			order--;
		m = page_alloc(ALLOC_DOMAIN, order, 0);
		if (!mfn_is_valid_num(m) && order) {
			order--;
			continue;
		}
		if (!mfn_is_valid_num(m) || domain_assign_pages(p->d, m, order))
			fatal("not enough memory to build dom0: %lu of %lu MiB given", pfn >> 8, p->nr_pages >> 8);
		for (u64 i = 0; i < 1ul << order; i++) {
			p->p2m[pfn + i] = mfn_add(m, i);
			m2p_set(mfn_add(m, i), _pfn(pfn + i));
		}
		pfn += 1ul << order;
	}
}

static void copy_in(const struct plan *p, u64 paddr, const void *from, u64 bytes)
{
	while (bytes) {
		u64 off = paddr & ~PAGE_MASK, n = min(bytes, PAGE_SIZE - off);

		memcpy(plan_ptr(p, paddr >> PAGE_SHIFT) + off, from, n);
		paddr += n;
		from += n;
		bytes -= n;
	}
}

static void load_kernel(const struct plan *p)
{
	/* Memory was zero when it was given: the segments' tails need nothing. */
	for (unsigned i = 0; i < p->elf.nr_segments; i++)
		copy_in(p, p->elf.segment[i].paddr, p->elf.segment[i].bytes, p->elf.segment[i].file_size);
	if (p->initrd_bytes)
		copy_in(p, p->initrd_pfn << PAGE_SHIFT, module_bytes(1), p->initrd_bytes);
}

/* ABI: 32 bytes each: push rcx; push r11; mov eax,n; syscall; pop r11; pop rcx; ret. iret keeps rax, too, and does not come back. */
static void write_hypercall_page(const struct plan *p)
{
	static const u8 stub[] = { 0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 };
	static const u8 iret_stub[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0, 0x0f, 0x05 };
	u8 *page;

	if (!p->elf.notes.has_hypercall_page)
		return;
	page = plan_ptr(p, (p->elf.notes.hypercall_page - p->virt_base) >> PAGE_SHIFT);
	memset(page, 0xcc, PAGE_SIZE);
	for (unsigned i = 0; i < PAGE_SIZE / 32; i++) {
		memcpy(page + i * 32, stub, sizeof(stub));
		page[i * 32 + 4] = i;
	}
	memset(page + __HYPERVISOR_iret * 32, 0xcc, 32);
	memcpy(page + __HYPERVISOR_iret * 32, iret_stub, sizeof(iret_stub));
}

static void write_p2m(const struct plan *p)
{
	for (u64 i = 0; i < p->nr_p2m_pages; i++) {
		u64 first = i * P2M_PER_PAGE, n = min(P2M_PER_PAGE, p->nr_pages - first);
		u64 *list = plan_ptr(p, p->p2m_pfn + i);

		memset(list, 0xff, PAGE_SIZE);
		memcpy(list, p->p2m + first, n * sizeof(u64));
	}
}

/* ---- Bootstrap page tables ------------------------------------------------------------------------------------------- */

/* The table below entry @pe; a new one is the page at *@cursor. */
static pte_t *table_below(const struct plan *p, pte_t *pe, u64 *cursor)
{
	if (!pte_present(*pe))
		*pe = pte_make(p->p2m[(*cursor)++], BOOT_TABLE);
	return window_ptr(pte_mfn(*pe));
}

static void map_page(const struct plan *p, u64 va, u64 pfn, u64 flags, u64 *cursor)
{
	pte_t *l3 = table_below(p, (pte_t *)plan_ptr(p, p->tables_pfn) + pt_index(va, 4), cursor);
	pte_t *l2 = table_below(p, l3 + pt_index(va, 3), cursor);
	pte_t *l1 = table_below(p, l2 + pt_index(va, 2), cursor);

	l1[pt_index(va, 1)] = pte_make(p->p2m[pfn], flags);
}

static bool is_table(const struct plan *p, u64 pfn)
{
	return pfn - p->tables_pfn < p->nr_tables || pfn - p->p2m_tables_pfn < p->nr_p2m_tables;
}

static void write_tables(const struct plan *p)
{
	u64 cursor = p->tables_pfn + 1, p2m_cursor = p->p2m_tables_pfn;

	for (u64 pfn = 0; pfn < p->end_pfn; pfn++)
		map_page(p, plan_va(p, pfn), pfn, is_table(p, pfn) ? BOOT_RO : BOOT_RW, &cursor);
	BUG_ON(cursor > p->tables_pfn + p->nr_tables);
	if (!p->elf.notes.has_init_p2m)
		return;
	for (u64 i = 0; i < p->nr_p2m_pages; i++)
		map_page(p, p->p2m_va + (i << PAGE_SHIFT), p->p2m_pfn + i, BOOT_RW, &p2m_cursor);
	BUG_ON(p2m_cursor > p->p2m_tables_pfn + p->nr_p2m_tables);
}

/* Type and pin the tables, and take the reference that the vcpu's base pointer holds. */
static void take_tables(struct plan *p)
{
	mfn_t l4 = p->p2m[p->tables_pfn];
	int rc;

	do
		rc = page_pin(p->d, l4, PGT_l4);
	while (rc == -ERESTART || rc == -EINTR);
	if (rc || page_get_and_type(page_of(l4), p->d, PGT_l4))
		panic("the bootstrap page tables are refused by our own check: %d", rc);
}

/* ---- start_info, shared_info, vcpus --------------------------------------------------------------------------------- */

static void write_start_info(const struct plan *p)
{
	const struct pv_notes *n = &p->elf.notes;
	start_info_t *si = plan_ptr(p, p->start_info_pfn);
	const char *suffix = n->pae_extended_cr3 ? "p" : "";

	strlcpy(si->magic, "xen-3.0-x86_64", sizeof(si->magic));
	strlcpy(si->magic + strlen(si->magic), suffix, 2);
	si->nr_pages = p->nr_pages;
	si->shared_info = mfn_to_maddr(p->d->shared_info_mfn);
	si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si->pt_base = plan_va(p, p->tables_pfn);
	si->nr_pt_frames = p->nr_tables;
	si->mfn_list = p->p2m_va;
	if (n->has_init_p2m) {
		si->first_p2m_pfn = p->p2m_pfn;
		si->nr_p2m_frames = p->nr_p2m_pages + p->nr_p2m_tables;
	}
	if (p->initrd_bytes) {
		si->mod_start = n->mod_start_pfn ? p->initrd_pfn : plan_va(p, p->initrd_pfn);
		si->mod_len = p->initrd_bytes;
		if (n->mod_start_pfn)
			si->flags |= SIF_MOD_START_PFN;
	}
	strlcpy((char *)si->cmd_line, boot_info.module[0].string, sizeof(si->cmd_line));
	if (strlen(boot_info.module[0].string) >= sizeof(si->cmd_line))
		pr_warn("the kernel's command line is cut to %lu characters", sizeof(si->cmd_line) - 1);
}

static void make_shared_info(struct domain *d)
{
	struct shared_info *s;

	if (domain_add_special_page(d, &d->shared_info_mfn) || gnttab_create(d))
		fatal("not enough memory to build dom0: no shared_info page, or no grant table");
	s = window_ptr(d->shared_info_mfn);
	for (unsigned i = 0; i < ARRAY_SIZE(s->vcpu_info); i++)
		s->vcpu_info[i].evtchn_upcall_mask = 1;
}

/* All know their vcpu_info; the first has an address space and a first instruction. */
static void ready_vcpus(const struct plan *p)
{
	struct vcpu *v = p->d->vcpu[0];
	struct vcpu_private *priv = window_ptr(v->private_mfn[0]);
	struct shared_info *s = window_ptr(p->d->shared_info_mfn);
	mfn_t l4 = p->p2m[p->tables_pfn];

	for (unsigned i = 0; i < p->d->nr_vcpus; i++)
		((struct vcpu_private *)window_ptr(p->d->vcpu[i]->private_mfn[0]))->vcpu_info = &s->vcpu_info[i];
	priv->kernel_l4 = l4;
	v->copy[0].l4 = l4;
	priv->regs.rip = p->elf.notes.entry;
	priv->regs.rsp = plan_va(p, p->stack_pfn + 1);
	priv->regs.rsi = plan_va(p, p->start_info_pfn);
	v->initialised = true;
}

static void make_vcpus(struct domain *d)
{
	for (unsigned i = 0; i < d->nr_vcpus; i++) {
		sched_add_vcpu(d->vcpu[i]);
		if (root_create_vcpu(d->vcpu[i]))
			fatal("not enough memory to build dom0: vcpu %u has no page tables", i);
		pv_vcpu_init_private(d->vcpu[i]);
	}
}

/* As the kernel's own words for what it wants, checked against what there is. */
static void read_kernel(struct plan *p)
{
	const char *why;

	if (elf_parse(module_bytes(0), module_size(0), &p->elf, &why) ||
	    elf_check_pv(&p->elf, OFFERED_FEATURES, true, &why))
		fatal("the kernel (first module) %s", why);
	p->virt_base = p->elf.notes.virt_base;
}

void pv_build_dom0(void)
{
	static struct plan plan;
	struct plan *p = &plan;
	unsigned nr_vcpus = opt_dom0_max_vcpus ? opt_dom0_max_vcpus : min(nr_cpus, (unsigned)MAX_VCPUS);

	read_kernel(p);
	p->nr_pages = choose_nr_pages();
	lay_out(p);
	check_places(p);

	p->d = domain_create(DOMID_DOM0, nr_vcpus, true);
	if (!p->d)
		fatal("not enough memory to build dom0: no domain");
	p->d->max_pages = ~0u;
	if (ioport_rights_create(p->d))
		fatal("not enough memory to build dom0: no I/O port map");
	if (p->elf.notes.pae_extended_cr3)
		p->d->vm_assist |= 1ul << VMASST_TYPE_pae_extended_cr3;
	if (window_prepare(p->d))
		fatal("not enough memory to build dom0: no window tables");
	make_vcpus(p->d);
	give_memory(p);
	make_shared_info(p->d);
	load_kernel(p);
	write_hypercall_page(p);
	write_p2m(p);
	write_start_info(p);
	write_tables(p);
	take_tables(p);
	ready_vcpus(p);
	page_free(ALLOC_DOMAIN, p->scratch, p->scratch_order);
	dom0 = p->d;

	pr_info("dom0: %lu MiB, %u vcpus, kernel %016lx-%016lx, entry %016lx", p->nr_pages >> 8, nr_vcpus,
		p->elf.virt_start, p->elf.virt_end, p->elf.notes.entry);
	pr_info("dom0: start_info %016lx, %lu page tables at %016lx, stack %016lx, p2m list %016lx", plan_va(p, p->start_info_pfn),
		p->nr_tables, plan_va(p, p->tables_pfn), plan_va(p, p->stack_pfn), p->p2m_va);
	if (p->initrd_bytes)
		pr_info("dom0: initrd of %lu KiB at pfn %lx", p->initrd_bytes >> 10, p->initrd_pfn);
	pr_info("dom0: %u window tables (%u KiB)", p->d->nr_window_tables, p->d->nr_window_tables << 2);
}
