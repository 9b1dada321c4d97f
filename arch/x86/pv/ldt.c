/* SPDX-License-Identifier: MIT */
/*
 * The LDT. The setting (base, entries) stays until changed; the pages behind it are looked up in
 * the guest's kernel table one by one, at the first fault on each (so the window may be sparse),
 * and all forgotten when that table changes. Invariant: as gdt.c.
 */
#include <asm/gdt.h>
#include <asm/insn.h>
#include <asm/ldt.h>
#include <asm/ldtr.h>
#include <asm/page_ref.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>
#include <asm/loaded.h>
#include <asm/pt_modify.h>
#include <asm/root.h>
#include <asm/uaccess.h>
#include <asm/vcpu_private.h>
#include <isola/errno.h>
#include <isola/nospec.h>
#include <isola/vcpu.h>

#define MAX_LDT_ENTS	(PV_LDT_FRAMES * PAGE_SIZE / DESC_BYTES)

static_assert(MAX_LDT_ENTS == 8192, "what a selector can reach");

void ldt_unmap_pages(void)
{
	for (unsigned i = 0; i < PV_LDT_FRAMES; i++) {
		mfn_t m = this_vcpu.ldt_frame[i];

		if (!mfn_is_valid_num(m))
			continue;
		destroy_perdomain_mapping(current, VA_LDT + ((u64)i << PAGE_SHIFT), 1);
		this_vcpu.ldt_frame[i] = INVALID_MFN;
		desc_frame_put(m);
	}
}

void ldt_load(void)
{
	ldtr_load(this_vcpu.ldt_ents);
}

bool ldt_setting_ok(u64 base, u64 nr_ents)
{
	return nr_ents <= MAX_LDT_ENTS && IS_ALIGNED(base, PAGE_SIZE) &&
	       (!nr_ents || guest_range_ok(base, nr_ents * DESC_BYTES));
}

int ldt_set(u64 base, u32 nr_ents)
{
	if (!ldt_setting_ok(base, nr_ents))
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
	pte_t e = pt_read_l1e(this_vcpu.ldt_base + ((u64)i << PAGE_SHIFT));
	mfn_t m = pte_mfn(e);

	ASSERT_KERNEL_ROOT();
	if (!pte_present(e) || desc_frame_get(m))
		return false;
	this_vcpu.ldt_frame[i] = m;
	populate_perdomain_mapping(current, VA_LDT + ((u64)i << PAGE_SHIFT), 1, &m, PAGE_HV_RW);
	return true;
}

/*
 * Interrupts stay on while the kernel root is loaded in passing: taking the page may wait for
 * flushes, and whoever waits answers. Nothing sees the difference: handlers leave CR3 as
 * this_cpu.cr3 says (asi/root.c), and the vcpu is switched away at its exit only.
 */
static bool map_page_in_passing(unsigned i)
{
	u64 flags = irq_save();
	bool mapped;

	root_peek_kernel();
	irq_restore(flags);
	mapped = map_page(i);
	flags = irq_save();
	root_peek_done();
	irq_restore(flags);
	return mapped;
}

bool ldt_map_page_fault(u64 offset)
{
	unsigned i;

	if (offset >= (u64)this_vcpu.ldt_ents * DESC_BYTES)
		return false;
	i = index_nospec(offset >> PAGE_SHIFT, PV_LDT_FRAMES);
	if (mfn_is_valid_num(this_vcpu.ldt_frame[i]))
		return false;
	return this_cpu.cr3 == current->cr3_kernel ? map_page(i) : map_page_in_passing(i);
}
