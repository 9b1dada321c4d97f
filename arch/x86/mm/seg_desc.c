/* SPDX-License-Identifier: MIT */
/*
 * Segment descriptors: the allow-list. Invariant: a descriptor that the CPU can load from a guest
 * frame gives ring 3 at most and names no gate, TSS or LDT.
 */
#include <isola/errno.h>
#include <isola/frame_num.h>
#include <asm/seg_desc.h>

#define DESC_TYPE	(0xfull << 40)
#define DESC_S		(1ull << 44)		/* 1: code or data, 0: system */
#define DESC_DPL	(3ull << 45)
#define DESC_P		(1ull << 47)

bool seg_desc_check(u64 *desc)
{
	u64 d = *desc;

	/* Not present: always faults, whatever it says. The all-zero entry is the common case. */
	if (!(d & DESC_P))
		return true;
	if (!(d & DESC_S) && (d & DESC_TYPE))
		return false;
	*desc = d | DESC_DPL;
	return true;
}

int seg_desc_check_page(u64 *page)
{
	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*page); i++) {
		u64 d = READ_ONCE(page[i]), checked = d;

		if (!seg_desc_check(&checked))
			return -EINVAL;
		if (checked != d)
			WRITE_ONCE(page[i], checked);
	}
	return 0;
}
