/* SPDX-License-Identifier: MIT */
/*
 * Building a domain by a plan (asm/build_plan.h): its memory, what is in it, its vcpus; and taking
 * it apart. Boot root.
 */
#include <isola/evtchn.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/build_plan.h>
#include <asm/console_ring.h>
#include <asm/dom0_option.h>
#include <asm/hypercall_page.h>
#include <asm/m2p.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/pv_domain.h>
#include <asm/vcpu_private.h>
#include <xen/xen.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

static const char *make_scratch(struct build_plan *p)
{
	p->scratch_order = 0;
	while ((PAGE_SIZE << p->scratch_order) < p->nr_pages * sizeof(mfn_t))
		p->scratch_order++;
	p->scratch = page_alloc(ALLOC_DOMAIN, p->scratch_order, 0);
	if (!mfn_is_valid_num(p->scratch))
		return "no list of its pages in one piece";
	p->p2m = window_ptr(p->scratch);
	return NULL;
}

void build_free_scratch(struct build_plan *p)
{
	if (mfn_is_valid_num(p->scratch))
		page_free(ALLOC_DOMAIN, p->scratch, p->scratch_order);
	p->scratch = INVALID_MFN;
}

/* 2^order pages from @pfn on. */
static int give_block(struct build_plan *p, u64 pfn, unsigned order)
{
	mfn_t m = page_alloc(ALLOC_DOMAIN, order, 0);

	if (!mfn_is_valid_num(m))
		return -ENOMEM;
	if (domain_assign_pages(p->d, m, order)) {
		page_free(ALLOC_DOMAIN, m, order);
		return -ENOMEM;
	}
	for (u64 i = 0; i < 1ul << order; i++) {
		p->p2m[pfn + i] = mfn_add(m, i);
		m2p_set(mfn_add(m, i), _pfn(pfn + i));
	}
	return 0;
}

/* Frames for all pages below @end that have none, by the largest blocks that there are. */
static int give_memory(struct build_plan *p, u64 end)
{
	unsigned order = 9;

	while (p->nr_given < end) {
		while (order && (1ul << order) > end - p->nr_given)
			order--;
		if (!give_block(p, p->nr_given, order))
			p->nr_given += 1ul << order;
		else if (order)
			order--;
		else
			return -ENOMEM;
	}
	return 0;
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
		copy_in(p, p->initrd_pfn << PAGE_SHIFT, module_bytes(p->initrd), p->initrd_bytes);
}

static void write_hypercall_page(const struct build_plan *p)
{
	if (p->elf.notes.has_hypercall_page)
		hypercall_page_fill(plan_ptr(p, (p->elf.notes.hypercall_page - p->virt_base) >>
						PAGE_SHIFT));
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
	if (p->privileged) {
		si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	} else {
		si->console.domU.mfn = mfn_x(p->p2m[p->console_pfn]);
		si->console.domU.evtchn = CONSOLE_RING_PORT;
	}
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
	strlcpy((char *)si->cmd_line, p->cmdline, sizeof(si->cmd_line));
	if (strlen(p->cmdline) >= sizeof(si->cmd_line))
		pr_warn("%s: the kernel's command line is cut to %lu characters", p->name,
			sizeof(si->cmd_line) - 1);
}

/* dom0's console is the machine's. */
static void connect_console(const struct build_plan *p)
{
	if (p->privileged)
		return;
	console_ring_create(p->d, p->p2m[p->console_pfn]);
	evtchn_bind_own(p->d, CONSOLE_RING_PORT);
}

/* The first has an address space and a first instruction. */
static void ready_vcpu(const struct build_plan *p)
{
	struct vcpu *v = p->d->vcpu[0];
	struct vcpu_private *priv = window_ptr(v->private_mfn[0]);
	mfn_t l4 = p->p2m[p->tables_pfn];

	priv->kernel_l4 = l4;
	v->copy[0].l4 = l4;
	priv->regs.rip = p->elf.notes.entry;
	priv->regs.rsp = plan_va(p, p->stack_pfn + 1);
	priv->regs.rsi = plan_va(p, p->start_info_pfn);
	v->initialised = true;
}

/* ---- What can fail, and what takes it back --------------------------------------------------- */

static const char *make_domain(struct build_plan *p)
{
	if (domain_create(p->domid, p->privileged, &p->d))
		return "no domain";
	p->d->max_pages = p->max_pages;
	p->d->max_vcpus = p->nr_vcpus;
	p->d->msr_relaxed = p->privileged && dom0_option.msr_relaxed;
	if (p->elf.notes.pae_extended_cr3)
		p->d->vm_assist |= 1ul << VMASST_TYPE_pae_extended_cr3;
	return NULL;
}

/* With all that it has, memory too. */
static void abandon_domain(struct build_plan *p)
{
	if (p->d)
		pv_domain_abandon(p->d);
	p->d = NULL;
	p->nr_given = 0;
}

static const char *make_parts(struct build_plan *p)
{
	return pv_domain_make_parts(p->d);
}

static const char *make_vcpus(struct build_plan *p)
{
	return pv_domain_make_vcpus(p->d) ? "a vcpu has no page tables" : NULL;
}

static const char *make_filled(struct build_plan *p)
{
	return give_memory(p, p->nr_filled) ? "not all of its memory" : NULL;
}

/* In order. NULL, or what there is not. */
static const char *(*const steps[])(struct build_plan *p) = {
	make_domain, make_parts, make_vcpus, make_scratch, make_filled,
};

void build_undo(struct build_plan *p)
{
	build_free_scratch(p);
	abandon_domain(p);
}

const char *build_make(struct build_plan *p)
{
	const char *why = NULL;

	p->d = NULL;
	p->scratch = INVALID_MFN;
	for (unsigned i = 0; i < ARRAY_SIZE(steps) && !why; i++)
		why = steps[i](p);
	if (why)
		build_undo(p);
	return why;
}

void build_load(struct build_plan *p)
{
	load_kernel(p);
}

const char *build_give_rest(struct build_plan *p)
{
	return give_memory(p, p->nr_pages) ? "not all of its memory" : NULL;
}

void build_fill(struct build_plan *p)
{
	write_hypercall_page(p);
	write_p2m(p);
	write_start_info(p);
	build_tables_make(p);
	connect_console(p);
	ready_vcpu(p);
	domain_show(p->d);
}
