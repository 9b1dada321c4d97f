/* SPDX-License-Identifier: MIT */
/*
 * The guest's LDT, mapped page by page when the processor first reads it. All for the current vcpu,
 * on its kernel root, interrupts on unless said otherwise.
 */
#pragma once

#include <isola/types.h>
#include <asm/vcpu_private.h>

/*
 * The processor touched byte @offset of the current vcpu's LDT window and no page is there. True:
 * it is now, try again. False: the guest's LDT does not reach so far, or its page there cannot be a
 * descriptor page. Either root of the vcpu may be loaded.
 */
bool ldt_map_page_fault(u64 offset);

/*
 * MMUEXT_SET_LDT: @base guest virtual, page aligned. Drops the pages of the old one, loads LDTR.
 * -EINVAL: nothing has changed.
 */
int __must_check ldt_set(u64 base, u32 nr_ents);

/* May a vcpu have such an LDT? Values alone. */
bool ldt_setting_ok(u64 base, u64 nr_ents);

/* Forget the mapped pages, not the setting: the guest's tables have changed under them. */
void ldt_unmap_pages(void);
static inline void ldt_unmap(void)
{
	/* Pages are mapped below ldt_ents only, and unmapped before it changes. */
	if (unlikely(this_vcpu.ldt_ents))
		ldt_unmap_pages();
}

/* LDTR for the current vcpu, at switch-in. Interrupts on or off. */
void ldt_load(void);
