/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables of the hypervisor: one GDT page (page 14 of every GDT window), one IDT, one TSS
 * per CPU. All three stand at constant addresses, so LGDT, LIDT and LTR are executed once per CPU.
 */
#pragma once

#include <isola/types.h>
#include <asm/layout.h>

/* SDM vol. 3 §8.7, figure 8-11. */
struct tss {
	u32 rsvd0;
	u64 rsp[3];
	u64 rsvd1;
	u64 ist[7];             /* IST_x is 1-based: ist[IST_x - 1] */
	u64 rsvd2;
	u16 rsvd3, iomap_base;
} __packed;

/*
 * Where LTR finds its descriptor: a private copy of the GDT page, because LTR writes the busy bit.
 */
#define TSS_PAGE_GDT_COPY 0x800

#define GDT_INDEX(sel) (((sel) - GDT_HV_FIRST_BYTE) >> 3)       /* in the hypervisor's page */

extern u64 hv_gdt_page[PAGE_SIZE / 8];          /* public, read-only where a window shows it */
/* public: what an unset GDT page, or the L4 of a root that has none, reads as */
extern u8 hv_zero_page[PAGE_SIZE];

/* Fill the IDT, once, before any CPU loads it. */
void desc_init_idt(void);
/*
 * This CPU: TSS contents, LGDT at VA_GDT, LIDT, LTR, segment registers, SYSCALL MSRs. Its area and
 * a vCPU area are mapped.
 */
void desc_init_cpu(void);
/*
 * This CPU: what an exit from a VMX guest has not brought back, the limits of GDT and IDT (SDM
 * vol. 3 §27.5.2), and the MSRs of SYSCALL, which were the guest's. Interrupts off.
 */
void desc_reload(void);
u64 desc_idt_base(void);
