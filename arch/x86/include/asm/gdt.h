/* SPDX-License-Identifier: MIT */
/*
 * The guest's GDT: up to 14 frames of typed descriptors, shown in the current vcpu's descriptor
 * window.
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>

/*
 * Show @nr_ents descriptors in @frames (DIV_ROUND_UP(nr_ents, 512) of them) as the current vcpu's
 * GDT; the rest reads as zero.
 * Returns 0, or -EINVAL: nothing has changed. On the kernel root, interrupts on.
 */
int __must_check gdt_set(const mfn_t *frames, unsigned nr_ents);

/*
 * A frame in a descriptor window, GDT's or LDT's, holds one general and one seg_desc type
 * reference: both, or -EINVAL. The loaded domain's (loaded.h).
 */
int __must_check desc_frame_get(mfn_t m);
void desc_frame_put(mfn_t m);
