/* SPDX-License-Identifier: MIT */
/*
 * From head.S's root to the first of ours. Boot only.
 */
#pragma once

/*
 * Build the shared tables, the frame table, the all-RAM window, the boot CPU's area and the boot
 * root; load it; open the page allocator. bootmem_init() has run. Afterwards the boot CPU stands on
 * its own stack at the same address, low memory is no longer mapped at VA_PUBLIC, and the window
 * shows all RAM.
 */
void paging_init(void);

/* SMAP instructions into their sites; the text is written through the window. Boot root. */
void smap_patch(void);
/* Where spec-ctrl= leaves VERW off, NOPs in its place. Boot CPU, after spec_ctrl_init(). */
void verw_patch(void);
