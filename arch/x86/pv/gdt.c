/* SPDX-License-Identifier: MIT */
/*
 * The GDT: set_gdt and update_descriptor. Invariant: a frame is in the window exactly while its two
 * references are held; it leaves the window, flushed, before they are dropped. The hardware limit
 * never changes: unset pages read as zero.
 */
#include <asm/gdt.h>
#include <asm/hypercall.h>
#include <asm/page_ref.h>
#include <asm/page_type.h>
#include <asm/percpu.h>
#include <asm/perdomain.h>
#include <asm/pgentry.h>
#include <asm/loaded.h>
#include <asm/seg_desc.h>
#include <asm/uaccess.h>
#include <asm/vcpu_area.h>
#include <asm/vcpu_private.h>
#include <asm/window.h>
#include <isola/errno.h>
#include <isola/vcpu.h>
#include <xen/xen.h>

#define DESCS_PER_PAGE	(PAGE_SIZE / DESC_BYTES)
#define MAX_GDT_ENTS	(PV_GDT_FRAMES * DESCS_PER_PAGE)

static_assert(MAX_GDT_ENTS == FIRST_RESERVED_GDT_ENTRY, "the ABI's bound");

int desc_frame_get(mfn_t m)
{
	if (!mfn_has_page(m))
		return -EINVAL;
	return page_get_and_type(page_of(m), loaded_domain(), PGT_seg_desc);
}

void desc_frame_put(mfn_t m)
{
	page_type_put_leaf(page_of(m));
	page_put(page_of(m));
}

static void gdt_replace(unsigned i, mfn_t new)
{
	mfn_t old = this_vcpu.gdt_frame[i];
	u64 va = VA_GDT + ((u64)i << PAGE_SHIFT);

	if (mfn_is_valid_num(new))
		/* writable: the CPU sets Accessed in descriptors */
		populate_perdomain_mapping(current, va, 1, &new, PAGE_HV_RW);
	else if (mfn_is_valid_num(old))
		vcpu_area_clear_gdt_page(current, i);
	this_vcpu.gdt_frame[i] = new;
	if (mfn_is_valid_num(old))
		desc_frame_put(old);
}

int gdt_set(const mfn_t *frames, unsigned nr_ents)
{
	unsigned nr = DIV_ROUND_UP(nr_ents, DESCS_PER_PAGE), i;

	ASSERT_KERNEL_ROOT();
	if (nr_ents > MAX_GDT_ENTS)
		return -EINVAL;
	for (i = 0; i < nr; i++)
		if (desc_frame_get(frames[i]))
			goto put_frames;
	for (i = 0; i < PV_GDT_FRAMES; i++)
		gdt_replace(i, i < nr ? frames[i] : INVALID_MFN);
	return 0;
put_frames:
	while (i--)
		desc_frame_put(frames[i]);
	return -EINVAL;
}

long hc_set_gdt(u64 list, u64 nr_ents)
{
	mfn_t frames[PV_GDT_FRAMES];
	unsigned nr;
	int rc = page_type_finish_parked();

	if (rc)
		return hypercall_continue(set_gdt, list, nr_ents);
	nr_ents = (u32)nr_ents;
	if (nr_ents > MAX_GDT_ENTS)
		return -EINVAL;
	nr = DIV_ROUND_UP(nr_ents, DESCS_PER_PAGE);
	if (copy_from_guest(frames, list, nr * sizeof(frames[0])))
		return -EFAULT;
	return gdt_set(frames, nr_ents);
}

/*
 * The frame's present use decides which reference guards the store: a live descriptor page must
 * stay one.
 */
static int write_descriptor(struct page_info *pg, u64 maddr, u64 desc)
{
	u64 type = READ_ONCE(pg->type_info) & PGT_type_mask;

	if (page_type_get(pg, type == PGT_seg_desc ? PGT_seg_desc : PGT_writable))
		return -EINVAL;
	WRITE_ONCE(*(u64 *)((char *)window_ptr(page_mfn(pg)) + (maddr & ~PAGE_MASK)), desc);
	page_type_put_leaf(pg);
	return 0;
}

long hc_update_descriptor(u64 maddr, u64 desc)
{
	struct page_info *pg;
	int rc = page_type_finish_parked();

	if (rc)
		return hypercall_continue(update_descriptor, maddr, desc);
	if (!IS_ALIGNED(maddr, DESC_BYTES) || !seg_desc_check(&desc))
		return -EINVAL;
	pg = page_get_from_mfn(maddr_to_mfn(maddr), current->domain);
	if (!pg)
		return -EINVAL;
	rc = write_descriptor(pg, maddr, desc);
	page_put(pg);
	return rc;
}
