/* SPDX-License-Identifier: MIT */
/*
 * Segment descriptors of guests: which may stand in a live GDT or LDT (SEG-1). Pure functions.
 */
#pragma once

#include <isola/types.h>

/*
 * Check one descriptor. Code, data and not-present ones are allowed, with the DPL raised to 3 in
 * *@desc, because guest kernels run in ring 3; the null type too. Gates, TSS, LDT and other system
 * descriptors are refused. Source: SDM vol. 3 §3.4.5, §3.5.
 * Returns false when refused; *@desc is unchanged then.
 */
bool __must_check seg_desc_check(u64 *desc);

/*
 * Check and adjust the 512 descriptors at @page. 0 or -EINVAL. The frame is typed seg_desc: the
 * guest cannot write it.
 */
int __must_check seg_desc_check_page(u64 *page);
