/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: xAPIC by memory at one fixed mapping in the CPU area's window 0 (uncached), or
 * x2APIC by MSR when CPUID offers it. SDM vol. 3 ch. 11.
 */
#pragma once

#include <isola/types.h>

#define APIC_ID       0x20
#define APIC_VERSION  0x30
#define APIC_TPR      0x80
#define APIC_EOI      0xb0
#define APIC_LDR      0xd0
#define APIC_DFR      0xe0
#define APIC_SVR      0xf0
#define APIC_ESR      0x280
#define APIC_ICR      0x300
#define APIC_ICR_HI   0x310
#define APIC_LVTT     0x320
#define APIC_LVTTHMR  0x330
#define APIC_LVTPC    0x340
#define APIC_LVT0     0x350
#define APIC_LVT1     0x360
#define APIC_LVTERR   0x370
#define APIC_TMICT    0x380
#define APIC_TMCCT    0x390
#define APIC_TDCR     0x3e0

#define APIC_SVR_ENABLED (1u << 8)
#define APIC_LVT_MASKED  (1u << 16)

#define CPU_WINDOW_APIC 0       /* slot of VA_CPU_WINDOW that holds the xAPIC page on every CPU */

/* Choose xAPIC or x2APIC; the boot CPU, before any other call. @base: from the MADT. */
void apic_init_boot(u64 base);
/*
 * Enable this CPU's APIC: spurious vector, error vector, LINT0 masked, LINT1 NMI; masks the 8259s
 * on the boot CPU.
 */
void apic_init_cpu(void);
u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 val);
void apic_eoi(void);
u32 apic_id(void);
/* The greatest id that a command can be sent to: 254 for xAPIC, whose ids have eight bits. */
u32 apic_max_id(void);
/* Fixed-delivery IPI. Any context. */
void apic_send_ipi(u32 dest_apic_id, u8 vector);
/* For waking APs (SDM vol. 3 §9.4.4) and stopping CPUs in panic. */
void apic_send_init(u32 dest_apic_id);
void apic_send_startup(u32 dest_apic_id, u8 page);
void apic_send_nmi(u32 dest_apic_id);
void apic_send_nmi_all_others(void);
