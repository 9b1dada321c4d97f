/* SPDX-License-Identifier: MIT */
/*
 * The LDT. The setting (base, entries) stays until changed; the pages behind it are looked up in
 * the guest's kernel table one by one, at the first fault on each (so the window may be sparse),
 * and all forgotten when that table changes. Invariant: as gdt.c.
 */
#include <asm/gdt.h>
#include <asm/ldt.h>
#include <asm/ldtr.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/pgentry.h>
#include <asm/pt_modify.h>
#include <asm/root.h>
#include <asm/uaccess.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/vcpu.h>

#define DESC_BYTES	8u
#define MAX_LDT_ENTS	(PV_LDT_FRAMES * PAGE_SIZE / DESC_BYTES)

static_assert(MAX_LDT_ENTS == 8192, "what a selector can reach");

void ldt_unmap(void)
{
	/* Pages are mapped below ldt_ents only, and unmapped before it changes. */
	if (likely(!this_vcpu.ldt_ents))
		return;
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++) {
		mfn_t m = this_vcpu.ldt_frame[i];

		if (!mfn_is_valid_num(m))
			continue;
		vcpu_area_unmap(VA_LDT + ((u64)i << PAGE_SHIFT));
		this_vcpu.ldt_frame[i] = INVALID_MFN;
		desc_frame_put(m);
	}
}

void ldt_load(void)
{
	ldtr_load(this_vcpu.ldt_ents);
}

int ldt_set(u64 base, u32 nr_ents)
{
	if (nr_ents > MAX_LDT_ENTS || !IS_ALIGNED(base, PAGE_SIZE))
		return -EINVAL;
	if (nr_ents && !guest_range_ok(base, (u64)nr_ents * DESC_BYTES))
		return -EINVAL;
	if (base == this_vcpu.ldt_base && nr_ents == this_vcpu.ldt_ents)
		return 0;
	ldt_unmap();
	this_vcpu.ldt_base = base;
	this_vcpu.ldt_ents = nr_ents;
	ldt_load();
	return 0;
}

/* On the kernel root, which alone shows the guest's tables. */
static bool map_page(unsigned i)
{
	struct page_info *table;
	const pte_t *pe = pt_walk_l1e(this_vcpu.ldt_base + ((u64)i << PAGE_SHIFT), &table);
	pte_t e;

	if (!pe)
		return false;
	e = pte_read(pe);
	page_put(table);
	if (!pte_present(e) || desc_frame_get(pte_mfn(e)))
		return false;
	this_vcpu.ldt_frame[i] = pte_mfn(e);
	vcpu_area_map(VA_LDT + ((u64)i << PAGE_SHIFT), pte_mfn(e), PAGE_HV_RW);
	return true;
}

bool ldt_map_page_fault(u64 offset)
{
	unsigned i = offset >> PAGE_SHIFT;
	bool peek = this_cpu.cr3 != current->cr3_kernel, mapped;

	if (offset >= (u64)this_vcpu.ldt_ents * DESC_BYTES ||
	    mfn_is_valid_num(this_vcpu.ldt_frame[i]))
		return false;
	if (peek)
		root_peek_kernel();
	mapped = map_page(i);
	if (peek)
		root_peek_done();
	return mapped;
}
