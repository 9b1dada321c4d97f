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

/*
 * pvh_acpi.c: its ACPI tables, made to lie at PVH_ACPI_GPA, where the RSDP comes first. Valid until
 * the next call.
 */
#define PVH_ACPI_GPA 0xf0000ul
const void *pvh_acpi_make(unsigned nr_vcpus, u64 *bytes);
