/* SPDX-License-Identifier: MIT */
/*
 * Building dom0 by a plan (asm/build_plan.h): its memory, what is in it, its vcpus. Boot root.
 */
#include <isola/evtchn.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <isola/sched.h>
#include <isola/vcpu_timer.h>
#include <asm/build_plan.h>
#include <asm/dom0_option.h>
#include <asm/gnttab.h>
#include <asm/ioport.h>
#include <asm/m2p.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pv_domain.h>
#include <asm/root.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_private.h>
#include <xen/xen.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

static void make_scratch_list(struct build_plan *p)
{
	u64 list_bytes = p->nr_pages * sizeof(mfn_t);

	while ((PAGE_SIZE << p->scratch_order) < list_bytes)
		p->scratch_order++;
	p->scratch = page_alloc(ALLOC_DOMAIN, p->scratch_order, 0);
	if (!mfn_is_valid_num(p->scratch))
		fatal("not enough memory to build dom0: no %lu KiB in one piece",
		      PAGE_SIZE << p->scratch_order >> 10);
	p->p2m = window_ptr(p->scratch);
}

/* Give frames to all pages below @end that have none. */
static void give_memory(struct build_plan *p, u64 end)
{
	u64 pfn = p->nr_given;

	for (unsigned order = 9; pfn < end; ) {
		mfn_t m;

		while (order && (1ul << order) > end - pfn)
			order--;
		m = page_alloc(ALLOC_DOMAIN, order, 0);
		if (!mfn_is_valid_num(m) && order) {
			order--;
			continue;
		}
		if (!mfn_is_valid_num(m) || domain_assign_pages(p->d, m, order))
			fatal("not enough memory to build dom0: %lu of %lu MiB given", pfn >> 8,
			      p->nr_pages >> 8);
		for (u64 i = 0; i < 1ul << order; i++) {
			p->p2m[pfn + i] = mfn_add(m, i);
			m2p_set(mfn_add(m, i), _pfn(pfn + i));
		}
		pfn += 1ul << order;
	}
	p->nr_given = pfn;
}

static void copy_in(const struct build_plan *p, u64 paddr, const void *from, u64 bytes)
{
	while (bytes) {
		u64 off = paddr & ~PAGE_MASK, n = min(bytes, PAGE_SIZE - off);

		memcpy(plan_ptr(p, paddr >> PAGE_SHIFT) + off, from, n);
		paddr += n;
		from += n;
		bytes -= n;
	}
}

static void load_kernel(const struct build_plan *p)
{
	/* Memory was zero when it was given: the segments' tails need nothing. */
	for (unsigned i = 0; i < p->elf.nr_segments; i++)
		copy_in(p, p->elf.segment[i].paddr, p->elf.segment[i].bytes,
			p->elf.segment[i].file_size);
	if (p->initrd_bytes)
		copy_in(p, p->initrd_pfn << PAGE_SHIFT, module_bytes(1), p->initrd_bytes);
}

/*
 * ABI: 32 bytes each: push rcx; push r11; mov eax,n; syscall; pop r11; pop rcx; ret. iret keeps
 * rax, too, and does not come back.
 */
static void write_hypercall_page(const struct build_plan *p)
{
	static const u8 stub[] = {
		0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3,
	};
	static const u8 iret_stub[] = {
		0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0, 0x0f, 0x05,
	};
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

static void write_p2m(const struct build_plan *p)
{
	for (u64 i = 0; i < p->nr_p2m_pages; i++) {
		u64 first = i * P2M_PER_PAGE, n = min(P2M_PER_PAGE, p->nr_pages - first);
		u64 *list = plan_ptr(p, p->p2m_pfn + i);

		memset(list, 0xff, PAGE_SIZE);
		memcpy(list, p->p2m + first, n * sizeof(u64));
	}
}

/* ---- start_info, shared_info, vcpus ---------------------------------------------------------- */

static void write_start_info(const struct build_plan *p)
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
		pr_warn("the kernel's command line is cut to %lu characters",
			sizeof(si->cmd_line) - 1);
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
static void ready_vcpus(const struct build_plan *p)
{
	struct vcpu *v = p->d->vcpu[0];
	struct vcpu_private *priv = window_ptr(v->private_mfn[0]);
	struct shared_info *s = window_ptr(p->d->shared_info_mfn);
	mfn_t l4 = p->p2m[p->tables_pfn];

	for (unsigned i = 0; i < p->d->nr_vcpus; i++)
		((struct vcpu_private *)window_ptr(p->d->vcpu[i]->private_mfn[0]))->vcpu_info =
			&s->vcpu_info[i];
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
		vcpu_timers_init(d->vcpu[i]);
		if (root_create_vcpu(d->vcpu[i]))
			fatal("not enough memory to build dom0: vcpu %u has no page tables", i);
		pv_vcpu_init_private(d->vcpu[i]);
	}
}

void pv_build_dom0(void)
{
	static struct build_plan plan;
	struct build_plan *p = &plan;

	build_plan_make(p);
	p->d = domain_create(DOMID_DOM0, p->nr_vcpus, true);
	if (!p->d)
		fatal("not enough memory to build dom0: no domain");
	p->d->max_pages = p->max_pages;
	p->d->msr_relaxed = dom0_option.msr_relaxed;
	if (ioport_rights_create(p->d))
		fatal("not enough memory to build dom0: no I/O port map");
	if (p->elf.notes.pae_extended_cr3)
		p->d->vm_assist |= 1ul << VMASST_TYPE_pae_extended_cr3;
	if (window_prepare(p->d))
		fatal("not enough memory to build dom0: no window tables");
	make_vcpus(p->d);
	make_scratch_list(p);
	give_memory(p, p->nr_filled);
	make_shared_info(p->d);
	load_kernel(p);
	page_alloc_take_modules();	/* what was in them is dom0's now, and so is the rest */
	give_memory(p, p->nr_pages);
	write_hypercall_page(p);
	write_p2m(p);
	write_start_info(p);
	build_tables_make(p);
	ready_vcpus(p);
	page_free(ALLOC_DOMAIN, p->scratch, p->scratch_order);
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
