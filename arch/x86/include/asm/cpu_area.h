/* SPDX-License-Identifier: MIT */
/*
 * The CPU area (slot 257): the image, shared by all, and below it one CPU's own pages: private
 * data, TSS, stacks, windows. Its L3 belongs to the CPU; a root shows it by one 8-byte store into
 * slot 257.
 */
#pragma once

#include <isola/frame_num.h>
#include <asm/percpu.h>

/*
 * Make the area of CPU @cpu: tables (public pages), its ten pages (class cpu), and its cpu_private
 * filled in. Boot only: on the boot root or the one before it. Sets cpu_public[cpu].area_l3.
 * -ENOMEM leaves what was taken (boot fails anyway).
 */
int __must_check cpu_area_create(unsigned cpu);

/*
 * L3 that shows the CPU GiB of every CPU, CPU n at n GiB: what slot 261 holds where cpu-stack is
 * off.
 */
extern mfn_t cpu_areas_l3;

/* Where frame number @page (CPU_PAGE_*) of CPU @cpu's area lies. */
mfn_t cpu_area_frame(unsigned cpu, unsigned page);
