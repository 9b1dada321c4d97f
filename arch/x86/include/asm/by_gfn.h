/* SPDX-License-Identifier: MIT */
/*
 * Calls about an HVM domain's memory, which name it by gfn, where a PV domain's is named by frame.
 */
#pragma once

#include <isola/domain.h>

/*
 * ABI: a request of mmu_update that names @owner's pages, which is an HVM domain, has a gfn in its
 * entry: @request is carried out with the frame behind it, on which the caller's entry takes its
 * own reference; but for MMU_PT_UPDATE_NO_TRANSLATE, where it is a frame as of old. Its answer; or
 * -EINVAL: a hole, or MMU_MACHPHYS_UPDATE.
 */
int __must_check hvm_request_by_gfn(struct domain *owner, u64 ptr, u64 val, void *state,
				    int (*request)(void *state, u64 ptr, u64 val));
/*
 * The 2^@order frames from @first on, new ones of @d's, are behind @gfn and what follows it.
 * -EINVAL: not aligned, beyond the end, or @d dies; -EEXIST: something is there; -ENOMEM. Then
 * they are released, and wait for domain_release_flush().
 */
int __must_check hvm_show_extent(struct domain *d, u64 gfn, mfn_t first, unsigned order);
/*
 * The @nr (a power of two) frames behind @gfn and what follows it leave @d, as by
 * domain_release_page(). -EINVAL: not aligned, a hole, or a page of the ABI's among them: nothing
 * has happened then. -EBUSY, as there, -ENOMEM: what lay before it has left.
 */
int __must_check hvm_release_extent(struct domain *d, u64 gfn, u32 nr);
