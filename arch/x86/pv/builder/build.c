/* SPDX-License-Identifier: MIT */
/*
 * Building a domain by a plan (asm/build_plan.h): its memory, what is in it, its vcpus; and taking
 * it apart. In stages; one that should stop is called again, and has kept where it is in the plan.
 */
#include <isola/boot_info.h>
#include <isola/errno.h>
#include <isola/evtchn.h>
#include <isola/lib/string.h>
#include <isola/page_alloc.h>
#include <isola/printk.h>
#include <asm/build_plan.h>
#include <asm/console_ring.h>
#include <asm/dom0_option.h>
#include <asm/hypercall_page.h>
#include <asm/m2p.h>
#include <asm/mapcache.h>
#include <asm/preempt.h>
#include <asm/pv_domain.h>
#include <asm/vcpu_private.h>
#include <asm/vga_info.h>
#include <xen/xen.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

/* -ENOMEM: @what there is not. */
static int missing(struct build_plan *p, const char *what)
{
	p->missing = what;
	return -ENOMEM;
}

unsigned build_scratch_order(u64 nr_pages)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < nr_pages * sizeof(mfn_t))
		order++;
	return order;
}

static int make_scratch(struct build_plan *p)
{
	if (p->p2m)
		return 0;
	p->scratch_order = build_scratch_order(p->nr_pages);
	p->scratch = page_alloc(ALLOC_DOMAIN, p->scratch_order, 0);
	if (!mfn_is_valid_num(p->scratch))
		return missing(p, "no list of its pages in one piece");
	p->p2m = window_ptr(p->scratch);
	return 0;
}

void build_free_scratch(struct build_plan *p)
{
	if (mfn_is_valid_num(p->scratch))
		page_free(ALLOC_DOMAIN, p->scratch, p->scratch_order);
	p->scratch = INVALID_MFN;
	p->p2m = NULL;
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

/*
 * Frames for all pages below @end that have none, by the largest blocks that there are. Who stops
 * has had one: it begins with the largest again.
 */
static int give_memory(struct build_plan *p, u64 end)
{
	unsigned order = 9;

	while (p->nr_given < end) {
		while (order && (1ul << order) > end - p->nr_given)
			order--;
		if (give_block(p, p->nr_given, order)) {
			if (!order--)
				return missing(p, "not all of its memory");
			continue;
		}
		p->nr_given += 1ul << order;
		if (p->nr_given < end && hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

static int give_filled(struct build_plan *p)
{
	return give_memory(p, p->nr_filled);
}

static int give_rest(struct build_plan *p)
{
	return give_memory(p, p->nr_pages);
}

/* What is left of @bytes behind the first p->cursor. */
static int copy_in(struct build_plan *p, u64 paddr, const void *from, u64 bytes)
{
	while (p->cursor < bytes) {
		u64 at = paddr + p->cursor, off = at & ~PAGE_MASK;
		u64 n = min(bytes - p->cursor, PAGE_SIZE - off);
		u8 *page = plan_map(p, at >> PAGE_SHIFT);

		memcpy(page + off, from + p->cursor, n);
		unmap_domain_page(page);
		p->cursor += n;
		if (hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

/* Memory was zero when it was given: the segments' tails need nothing. */
static int load_kernel(struct build_plan *p)
{
	for (; p->segment < p->elf.nr_segments; p->segment++, p->cursor = 0) {
		const struct elf_segment *s = &p->elf.segment[p->segment];
		int rc = copy_in(p, s->paddr, s->bytes, s->file_size);

		if (rc)
			return rc;
	}
	return 0;
}

static int load_initrd(struct build_plan *p)
{
	if (!p->initrd_bytes)
		return 0;
	return copy_in(p, p->initrd_pfn << PAGE_SHIFT, module_bytes(p->initrd), p->initrd_bytes);
}

static int write_hypercall_page(struct build_plan *p)
{
	void *page;

	if (!p->elf.notes.has_hypercall_page)
		return 0;
	page = plan_map(p, (p->elf.notes.hypercall_page - p->virt_base) >> PAGE_SHIFT);
	hypercall_page_fill(page);
	unmap_domain_page(page);
	return 0;
}

static int write_p2m(struct build_plan *p)
{
	while (p->cursor < p->nr_p2m_pages) {
		u64 first = p->cursor * P2M_PER_PAGE, n = min(P2M_PER_PAGE, p->nr_pages - first);
		u64 *list = plan_map(p, p->p2m_pfn + p->cursor);

		memset(list, 0xff, PAGE_SIZE);
		memcpy(list, p->p2m + first, n * sizeof(u64));
		unmap_domain_page(list);
		p->cursor++;
		if (hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

/* ---- start_info, shared_info, vcpus ---------------------------------------------------------- */

static void fill_start_info(const struct build_plan *p, start_info_t *si)
{
	const struct pv_notes *n = &p->elf.notes;
	const char *suffix = n->pae_extended_cr3 ? "p" : "";

	strlcpy(si->magic, "xen-3.0-x86_64", sizeof(si->magic));
	strlcpy(si->magic + strlen(si->magic), suffix, 2);
	si->nr_pages = p->nr_pages;
	si->shared_info = mfn_to_maddr(p->d->shared_info_mfn);
	if (p->privileged) {
		dom0_vga_console_info_t *vga = (dom0_vga_console_info_t *)(si + 1);

		si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
		si->console.dom0.info_size = (u32)vga_info_fill(
			&boot_info.video, boot_info.efi != BOOT_NO_EFI, vga);
		if (si->console.dom0.info_size)
			si->console.dom0.info_off = sizeof(*si);
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

static int write_start_info(struct build_plan *p)
{
	start_info_t *si = plan_map(p, p->start_info_pfn);

	fill_start_info(p, si);
	unmap_domain_page(si);
	return 0;
}

/* dom0's console is the machine's; an unpacker has none. */
static int connect_console(struct build_plan *p)
{
	if (!p->privileged && !p->is_unpacker)
		evtchn_bind_own(p->d, CONSOLE_RING_PORT);
	return 0;
}

/* The first has an address space and a first instruction. */
static int ready_vcpu(struct build_plan *p)
{
	struct vcpu *v = p->d->vcpu[0];
	struct vcpu_private *priv = map_domain_page(v->private_mfn[0]);
	mfn_t l4 = p->p2m[p->tables_pfn];

	priv->kernel_l4 = l4;
	v->copy[0].l4 = l4;
	priv->regs.rip = p->elf.notes.entry;
	priv->regs.rsp = plan_va(p, p->stack_pfn + 1);
	priv->regs.rsi = plan_va(p, p->start_info_pfn);
	unmap_domain_page(priv);
	v->initialised = true;
	return 0;
}

/* ---- What can fail, and what takes it back --------------------------------------------------- */

static int make_domain(struct build_plan *p)
{
	if (domain_create(p->domid, p->privileged, &p->d))
		return missing(p, "no domain");
	p->d->max_pages = p->max_pages;
	p->d->max_vcpus = p->nr_vcpus;
	p->d->msr_relaxed = p->privileged && dom0_option.msr_relaxed;
	if (p->elf.notes.pae_extended_cr3)
		p->d->vm_assist |= 1ul << VMASST_TYPE_pae_extended_cr3;
	return 0;
}

/* With all that it has, memory too. */
static void abandon_domain(struct build_plan *p)
{
	if (p->d)
		pv_domain_abandon(p->d);
	p->d = NULL;
	p->nr_given = 0;
}

static int make_parts(struct build_plan *p)
{
	const char *why = pv_domain_make_parts(p->d);

	return why ? missing(p, why) : 0;
}

static int make_vcpus(struct build_plan *p)
{
	return pv_domain_make_vcpus(p->d) ? missing(p, "a vcpu has no page tables") : 0;
}

/* In order. */
static int (*const stages[])(struct build_plan *p) = {
	make_domain, make_parts, make_vcpus, make_scratch, give_filled, load_kernel, load_initrd,
#define END_LOADED 7u
	give_rest,
#define END_GIVEN 8u
	write_hypercall_page, write_p2m, write_start_info, build_tables_write, build_tables_take,
	connect_console, ready_vcpu,
};

static const unsigned end_of[] = {
	[BUILD_LOADED] = END_LOADED, [BUILD_GIVEN] = END_GIVEN, [BUILD_DONE] = ARRAY_SIZE(stages),
};

void build_undo(struct build_plan *p)
{
	build_free_scratch(p);
	abandon_domain(p);
}

void build_begin(struct build_plan *p)
{
	p->d = NULL;
	p->scratch = INVALID_MFN;
	p->missing = NULL;
	p->stage = p->segment = 0;
	p->cursor = p->nr_given = 0;
	p->next_table = p->tables_pfn + 1;
	p->next_p2m_table = p->p2m_tables_pfn;
}

int build_step(struct build_plan *p, enum build_mark mark)
{
	while (p->stage < end_of[mark]) {
		int rc = stages[p->stage](p);

		if (rc)
			return rc;
		p->stage++;
		p->cursor = 0;
	}
	return 0;
}

const char *build_until(struct build_plan *p, enum build_mark mark)
{
	int rc;

	do
		rc = build_step(p, mark);
	while (rc == -ERESTART);
	if (rc)
		build_undo(p);
	return rc ? p->missing : NULL;
}
