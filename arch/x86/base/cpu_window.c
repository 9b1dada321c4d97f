/* SPDX-License-Identifier: MIT */
/*
 * CPU windows: this CPU's own mappings of single frames.
 */
#include <isola/lib/string.h>
#include <isola/printk.h>
#include <asm/cpu_window.h>
#include <asm/insn.h>
#include <asm/percpu.h>
#include <asm/window.h>

void *cpu_window_map(enum cpu_window w, mfn_t m, u64 flags)
{
	pte_t *pe = &this_cpu.window_l1[w];

	ASSERT(w < CPU_NR_WINDOWS);
	if (pte_present(*pe)) {
		pte_write(pe, pte_make(m, flags));
		/* This CPU may still hold the window's last use; no other CPU has this area. */
		invlpg((u64)cpu_window_ptr(w));
	} else {
		pte_write(pe, pte_make(m, flags));
	}
	return cpu_window_ptr(w);
}

void cpu_window_unmap(enum cpu_window w)
{
	pte_write(&this_cpu.window_l1[w], 0);
	invlpg((u64)cpu_window_ptr(w));
}

#define LINE_BYTES 64u		/* CLFLUSH's, on every part of 64 bits */

/* CLFLUSH is ordered by MFENCE alone (APM vol. 3; XSA-402 on older parts). */
static void flush_lines(const u8 *page)
{
	asm volatile ("mfence" ::: "memory");
	for (unsigned i = 0; i < PAGE_SIZE; i += LINE_BYTES)
		asm volatile ("clflush %0" :: "m"(page[i]));
	asm volatile ("mfence" ::: "memory");
}

void flush_frame_lines(mfn_t m)
{
	if (boot_root_loaded()) {
		flush_lines(window_ptr(m));
		return;
	}
	flush_lines(cpu_window_map(WINDOW_SCRUB, m, PAGE_HV_RO));
	cpu_window_unmap(WINDOW_SCRUB);
}

void scrub_frame(mfn_t m)
{
	if (boot_root_loaded()) {
		memset(window_ptr(m), 0, PAGE_SIZE);
		return;
	}
	memset(cpu_window_map(WINDOW_SCRUB, m, PAGE_HV_RW), 0, PAGE_SIZE);
	cpu_window_unmap(WINDOW_SCRUB);
}
