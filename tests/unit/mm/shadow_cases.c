/* SPDX-License-Identifier: MIT */
/*
 * What chance does not come to: error codes one by one, full trees, what is no guest's.
 */
#include <string.h>
#include <asm/frametable.h>
#include <asm/percpu.h>
#include <asm/root.h>
#include <asm/shadow_tree.h>
#include <asm/window.h>
#include "shadow.h"
#include "tap.h"

#define ALL (PTE_P | PTE_RW | PTE_US)

static pte_t *entry(unsigned f, unsigned i) { return (pte_t *)window_ptr(_mfn(f)) + i; }

/* One table of each level; all upper entries of the first two below lead to one L1. */
static void make_tables(void)
{
	for (unsigned f = 1; f < NR_FRAMES; f++) {
		*page_of(_mfn(f)) = (struct page_info){ .owner = 5 };
		memset(window_ptr(_mfn(f)), 0, PAGE_SIZE);
	}
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		*entry(FIRST_OF(3), i) = pte_make(_mfn(FIRST_OF(2)), ALL);
		*entry(FIRST_OF(2), i) = pte_make(_mfn(FIRST_L1), ALL);
	}
	*entry(FIRST_OF(4), 0) = *entry(FIRST_OF(4), 511) = pte_make(_mfn(FIRST_OF(3)), ALL);
	*entry(FIRST_L1, 0) = pte_make(_mfn(DATA_FIRST), ALL);
	this_vcpu.kernel_mode = 1;
	this_vcpu.kernel_l4 = this_vcpu.user_l4 = _mfn(FIRST_OF(4));
}

/* ---- Error codes: each entry of the way absent or without a right, by each kind of access ---- */

static void one_code(unsigned level, pte_t e, u32 kind)
{
	static const unsigned table[] = { 0, FIRST_L1, FIRST_OF(2), FIRST_OF(3), FIRST_OF(4) };
	pte_t *pe = entry(table[level], 0), was = *pe, way;
	bool goes = (e & PTE_P) && (e & PTE_US) && !((kind & PFEC_W) && !(e & PTE_RW)) &&
		    !((kind & PFEC_I) && (e & PTE_NX));
	u32 ec;

	*pe = pte_make(pte_mfn(was), e);
	guest_invlpg(0);
	ec = shadow_access(0, kind, &way);
	check(ec == (goes ? 0 : kind | (e & PTE_P ? PFEC_P : 0)),
	      "level %u, entry %lx, access %x: error code %x", level, e, kind, ec);
	check(!(*pe & PTE_A) == !goes, "A is set where it goes");
	*pe = was;
	guest_invlpg(0);
}

static void error_codes(void)
{
	static const pte_t entries[] = { 0, ALL, ALL & ~PTE_RW, ALL & ~PTE_US, ALL | PTE_NX,
					 ALL & ~PTE_P };
	static const u32 kinds[] = { PFEC_U, PFEC_U | PFEC_W, PFEC_U | PFEC_I };

	for (unsigned user = 0; user < 2; user++, shadow_toggle())
		for (unsigned level = 1; level <= 4; level++)
			for (unsigned i = 0; i < 6; i++)
				for (unsigned k = 0; k < 3; k++)
					one_code(level, entries[i], kinds[k]);
	all_ok("a guest's fault has the error code of its own tables");
}

/* ---- What is no guest's ---- */

static void not_the_guests(void)
{
	const u64 cr3 = this_cpu.cr3;
	pte_t way;

	check(shadow_guest_fault(0, PFEC_U | PFEC_P | PFEC_R) == 0 && shadow_crashes == 1,
	      "a reserved bit ends the domain");
	check(shadow_guest_fault(VA_HV_FIRST, PFEC_U | PFEC_P) == (PFEC_U | PFEC_P),
	      "a fault at the hypervisor's addresses is the guest's as it is");
	check(!shadow_own_fault(VA_HV_FIRST, PFEC_W), "the hypervisor's own, there, is a bug's");
	this_cpu.cr3 = 0x1000;
	check(!shadow_own_fault(0, 0), "on another root too");
	this_cpu.cr3 = cr3;
	this_cpu.shadowed = false;
	check(!shadow_own_fault(0, 0), "and of a vcpu without a shadow");
	this_cpu.shadowed = true;
	*entry(FIRST_L1, 0) = pte_make(_mfn(DATA_FIRST), ALL & ~(PTE_US | PTE_RW));
	guest_invlpg(0);
	check(shadow_own_access(0, 0, &way) && !shadow_own_access(0, PFEC_W, &way),
	      "what is not for users is for the hypervisor; read-only is for nobody");
	*entry(FIRST_L1, 0) = pte_make(_mfn(DATA_FIRST), ALL);
	guest_invlpg(0);
	all_ok("what is not a guest's fault is told apart");
}

/* ---- Clean frames ---- */

static void clean_frames(void)
{
	struct page_info *pg = page_of(_mfn(DATA_FIRST));
	pte_t way;

	shadow_unload();
	*entry(FIRST_L1, 0) |= PTE_A | PTE_D;
	pg->type_info |= PGT_clean;
	shadow_load();
	check(shadow_access(0, PFEC_U, &way) == 0 && !(way & PTE_RW) && (pg->type_info & PGT_clean),
	      "what is clean is shown, and not writable");
	check(shadow_access(0, PFEC_U | PFEC_W, &way) == 0 && (way & PTE_RW) &&
		      !(pg->type_info & PGT_clean),
	      "and is marked before it is");
	shadow_unload();
	pg->type_info |= PGT_clean;
	shadow_load();
	shadow_access(0, PFEC_U, &way);
	*entry(FIRST_L1, 0) &= ~PTE_P;
	check(shadow_access(0, PFEC_U | PFEC_W, &way) == (PFEC_U | PFEC_W),
	      "a page that went while it was shown read-only is absent");
	*entry(FIRST_L1, 0) |= PTE_P;
	all_ok("a frame is read-only while it is clean");
}

/* ---- Full trees ---- */

static void fill_up(unsigned tree, unsigned cap)
{
	unsigned long before = shadow_reloads, want = 3 * cap;
	pte_t way;

	for (u64 i = 0; i < want; i++) {
		check(shadow_access(i << L2_SHIFT, PFEC_U, &way) == 0 &&
			      mfn_x(pte_mfn(way)) == DATA_FIRST,
		      "page %lu of a tree", i);
		check(shadow_vcpu.shadow.nr_used[tree] <= cap, "a tree has so many pages");
		check(shadow_reloads == before || shadow_reloads > before, "on");
	}
	check(shadow_reloads - before == 3, "full %lu times", shadow_reloads - before);
}

static void full_trees(void)
{
	pte_t way;

	shadow_access(0, PFEC_U, &way);
	shadow_toggle();
	fill_up(SHADOW_USER, VCPU_SHADOW_PAGES - SHADOW_SPLIT);
	check(!cpu_tree_entry(shadow_vcpu.cr3_kernel, 0), "with one tree the other is forgotten");
	shadow_access(0, PFEC_U, &way);
	shadow_toggle();
	check(shadow_vcpu.shadow.nr_used[SHADOW_USER] > 0, "of the other some are left");
	fill_up(SHADOW_KERNEL, SHADOW_SPLIT);
	check(!cpu_tree_entry(shadow_vcpu.cr3_user, 0), "with one tree the other is forgotten");
	all_ok("a full tree begins anew");
}

/* ---- Forgetting ---- */

static bool has(unsigned tree)
{
	return cpu_tree_entry(tree ? shadow_vcpu.cr3_user : shadow_vcpu.cr3_kernel, 0) ||
	       cpu_tree_entry(tree ? shadow_vcpu.cr3_user : shadow_vcpu.cr3_kernel, ~0ul << 39);
}

static void fill_both(void)
{
	pte_t way;

	for (unsigned i = 0; i < 2; i++, shadow_toggle()) {
		shadow_access(0, PFEC_U, &way);
		shadow_access(~0ul << 39, PFEC_U, &way);
	}
	check(has(0) && has(1), "both trees have something");
}

static void forgetting(void)
{
	fill_both();
	shadow_base(_mfn(FIRST_OF(4)));
	check(!has(0) && has(1), "another base of the kernel's: its tree");
	fill_both();
	shadow_toggle();
	shadow_base(_mfn(FIRST_OF(4)));
	check(has(0) && !has(1), "another base of the user's: that tree");
	shadow_toggle();
	fill_both();
	root_reload();
	check(!has(0) && !has(1), "a flush: both");
	fill_both();
	shadow_unload();
	shadow_load();
	check(!has(0) && !has(1), "another turn: both");
	fill_both();
	this_cpu.visited = shadow_vcpu.domain;
	guest_invlpg(0x1000);
	this_cpu.visited = NULL;
	check(!has(0) && !has(1), "INVLPG on a visit: both");
	fill_both();
	guest_invlpg(VA_HV_FIRST);
	check(has(0) && has(1), "INVLPG of an address that is no guest's: nothing");
	all_ok("trees are forgotten one by one, or both");
}

void shadow_cases(void)
{
	make_tables();
	shadow_come();
	shadow_load();
	error_codes();
	not_the_guests();
	clean_frames();
	full_trees();
	forgetting();
	shadow_unload();
	shadow_go();
	all_ok("all pages have come back");
}
