/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: TLBs, and roots, the tables that a CPU walks.
 */
#include <string.h>
#include <asm/ldtr.h>
#include <asm/perdomain.h>
#include <asm/root.h>
#include <asm/tlb.h>
#include <asm/vcpu_area.h>
#include <isola/printk.h>
#include "world_parts.h"

bool tlb_use[NR_FRAMES][NR_USES];
u64 world_clock, world_flushed;
pte_t kernel_root[WORLD_CPUS][PT_ENTRIES], user_root[WORLD_CPUS][PT_ENTRIES];

/* ---- TLBs ---- */

static void flush_hardware(const struct domain *d)
{
	world_interrupt_others();
	if (d == current->domain) {
		memset(tlb_use, 0, sizeof(tlb_use));
		world_flushed = world_clock;
	} else {
		memset(world_other.tlb_use, 0, sizeof(world_other.tlb_use));
		world_other.flushed = world_clock;
	}
	if (world_yield)
		world_yield(false);
}

static void flush(const struct domain *d)
{
	flush_hardware(d);
	if (world_on_flush)
		world_on_flush(d);
}

/*
 * The TLB is that of another CPU, on which the guest's second half runs on the same roots: flushing
 * here does nothing for it. That is the hard case; what holds for it holds for this CPU.
 */
void tlb_flush_local(void)
{
	if (world_on_flush)
		world_on_flush(current->domain);
}

void tlb_invlpg(u64 va) { (void)va; }		/* may forget; need not */
/* nobody has one, but in log.c */
__attribute__((weak)) void shadow_forget_page(u64 va) { (void)va; }
void invlpg(u64 va) { (void)va; }
void cache_flush_all(void) { }
u32 tlb_stamp_now(void) { return ++world_clock; }

static void flush_if_behind(const struct domain *d, u32 stamp)
{
	if ((d == current->domain ? world_flushed : world_other.flushed) < stamp)
		flush(d);
}

void tlb_flush_stamped(const struct domain *d, u32 stamp)
{
	if (!d || d == current->domain)
		flush_if_behind(current->domain, stamp);
	if (!d || d != current->domain)
		flush_if_behind(world_other.cpu.curr->domain, stamp);
}

void tlb_flush_vcpus(const struct domain *d, u64 mask, u64 va)
{
	if (va == ~0ul)
		flush(d);
}

/* One step down from entry @e of a table of @level; what it names, or ~0. */
static unsigned walk_step(pte_t e, unsigned level)
{
	unsigned f = mfn_x(pte_mfn(e));

	if (!pte_present(e) || f >= NR_FRAMES)
		return ~0u;
	if (level > 1) {
		tlb_use[f][USE_L1 + level - 2] = true;
	} else {
		tlb_use[f][USE_READ] = true;
		if (e & PTE_RW)
			tlb_use[f][USE_WRITE] = true;
	}
	return f;
}

/* An entry of @table that is present, if there is one, else any. */
static pte_t some_entry(const pte_t *table)
{
	unsigned first = world_random();

	for (unsigned i = 0; i < NR_SLOTS; i++) {
		pte_t e = pte_read(&table[slots[(first + i) % NR_SLOTS]]);

		if (pte_present(e))
			return e;
	}
	return pte_read(&table[slots[first % NR_SLOTS]]);
}

bool tlb_touch(unsigned table, unsigned slot)
{
	if (!tlb_use[table][USE_L1])
		return false;
	walk_step(pte_read(frame_ptr(table) + slot), 1);
	return true;
}

void tlb_walk(const pte_t *root)
{
	unsigned f = world_random() % NR_FRAMES, level = 1 + world_random() % 3;

	if (world_random() % 2 || !tlb_use[f][USE_L1 + level - 1]) {
		f = walk_step(some_entry(root), 4);
		level = 3;
	}
	for (; level && f < NR_FRAMES; level--)
		f = walk_step(some_entry(frame_ptr(f)), level);
}

/* ---- Roots ---- */

static pte_t root_entry(pte_t e) { return pte_present(e) ? e : 0; }

static void copy_root(pte_t *root, mfn_t l4)
{
	const pte_t *from = mfn_is_valid_num(l4) ? frame_ptr(mfn_x(l4)) : NULL;

	for (unsigned i = 0; i < PT_ENTRIES; i++)
		root[i] = from && (i < L4_SLOT_HV_FIRST || i > L4_SLOT_HV_LAST)
				  ? root_entry(from[i])
				  : 0;
}

void root_l4_init(pte_t *l4)
{
	memset(l4 + L4_SLOT_HV_FIRST, 0,
	       (L4_SLOT_HV_LAST + 1 - L4_SLOT_HV_FIRST) * sizeof(pte_t));
}

/*
 * kernel_root and user_root are another CPU's, whose record names the same L4s: they show an edit
 * only after the dispatch. Until then that CPU walks what they showed, so it must still be what it
 * was.
 */
void root_l4_written(pte_t *pl4e, struct root_dirty *dirty)
{
	mfn_t m = window_mfn(pl4e);

	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++)
		if (mfn_eq(m, world_vcpu(cpu)->kernel_l4) || mfn_eq(m, world_vcpu(cpu)->user_l4))
			dirty->cpus[0] |= 2;
}

static void check_root(const pte_t *root)
{
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		const struct page_info *pg = page_of(pte_mfn(root[i]));

		if (pte_present(root[i]) && (pg->type_info & (PGT_type_mask | PGT_validated)) !=
						    (PGT_l3 | PGT_validated))
			panic("frame %lu is type %lx while a loaded root names it",
			      mfn_x(pte_mfn(root[i])), pg->type_info);
	}
}

void root_dispatch(struct root_dirty *dirty)
{
	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++) {
		check_root(kernel_root[cpu]);
		check_root(user_root[cpu]);
	}
	if (!dirty->cpus[0])
		return;
	dirty->cpus[0] = 0;
	world_interrupt_others();
	for (unsigned cpu = 0; cpu < world_nr_cpus; cpu++) {
		copy_root(kernel_root[cpu], world_vcpu(cpu)->kernel_l4);
		copy_root(user_root[cpu], world_vcpu(cpu)->user_l4);
	}
	flush(current->domain);
}

/* A CR3 write. With two CPUs the TLB holds what either may know, and one forgetting is nothing. */
static void flush_own(void)
{
	if (world_nr_cpus == 1)
		flush_hardware(current->domain);
}

void root_set_kernel(mfn_t l4)
{
	this_vcpu.kernel_l4 = l4;
	copy_root(kernel_root[world_cpu], l4);
	flush_own();
	if (world_on_flush)
		world_on_flush(current->domain);
}

void root_set_user(mfn_t l4)
{
	this_vcpu.user_l4 = l4;
	copy_root(user_root[world_cpu], l4);
	if (world_on_flush)
		world_on_flush(current->domain);
}

/* The record of what is loaded and CR3 change together (SWI-1). */
static void peek(void)
{
	if (!world_irq_off)
		panic("a root is loaded in passing with interrupts on");
	flush_own();
}

static u64 peeked_from;

void root_peek_kernel(void)
{
	peek();
	peeked_from = this_cpu.cr3;
	this_cpu.cr3 = current->cr3_kernel;
}

void root_peek_done(void)
{
	this_cpu.cr3 = peeked_from;
	peek();
}

/* As the processor has it: another window, and nothing of this vcpu's. */
void root_begin_visit(struct domain *d)
{
	if (world_irq_off)
		panic("a visit with interrupts off");
	this_cpu.visited = d;
	flush_own();
	world_window_load();
}

void root_end_visit(void)
{
	this_cpu.visited = NULL;
	flush_own();
	world_window_load();
}

void ldtr_load(u32 nr_ents) { (void)nr_ents; }
void vcpu_area_clear_gdt_page(struct vcpu *v, unsigned i) { (void)v, (void)i; }
__attribute__((weak)) void destroy_perdomain_mapping(struct vcpu *v, u64 va, unsigned nr) { }

void populate_perdomain_mapping(struct vcpu *v, u64 va,
				unsigned nr, const mfn_t *mfn,
				u64 flags)
{
}

