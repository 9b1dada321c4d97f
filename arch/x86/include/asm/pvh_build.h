/* SPDX-License-Identifier: MIT */
/*
 * A static domain of type=pvh, from its line to its first instruction: the ABI's
 * <xen/arch-x86/hvm/start_info.h>. Boot root. Of the plan what is wanted is given, and elf,
 * initrd_pfn, initrd_bytes, start_info_pfn and d come of it; pfns are of guest-physical memory.
 */
#pragma once

#include <asm/build_plan.h>

/* Read the kernel of what is wanted, and give everything its place. What cannot be: fatal(). */
void pvh_plan_make(struct build_plan *p);
/*
 * Build it, whole but hidden. What there is no memory for: fatal(). Its modules are not needed any
 * more.
 */
void pvh_build(struct build_plan *p);
