/* SPDX-License-Identifier: MIT */
/*
 * Single instructions as C functions: control registers, MSRs, ports, CPUID, flags. Nothing here
 * has state.
 */
#pragma once

#include <isola/types.h>
#include <asm/regs.h>

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile ("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (u64)hi << 32;
}

static inline void wrmsr(u32 msr, u64 val)
{
	asm volatile ("wrmsr" :: "c"(msr), "a"((u32)val), "d"((u32)(val >> 32)) : "memory");
}

/* The forms that survive a #GP (SEG-3): 0, or -EFAULT and *val = 0. */
int __must_check rdmsr_safe(u32 msr, u64 *val);
int __must_check wrmsr_safe(u32 msr, u64 val);

struct cpuid_regs { u32 eax, ebx, ecx, edx; };

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	asm volatile ("cpuid"
		      : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		      : "a"(leaf), "c"(subleaf));
	return r;
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile ("rdtsc" : "=a"(lo), "=d"(hi));
	return lo | (u64)hi << 32;
}

static inline u64 rdtsc_ordered(void)
{
	asm volatile ("lfence" ::: "memory");
	return rdtsc();
}

#define DEFINE_CR(n) \
static inline u64 read_cr##n(void) \
{ u64 v; asm volatile ("mov %%cr" #n ", %0" : "=r"(v) :: "memory"); return v; } \
static inline void write_cr##n(u64 v) { asm volatile ("mov %0, %%cr" #n :: "r"(v) : "memory"); }
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
#undef DEFINE_CR

#define CR4_TSD        (1ul << 2)
#define CR4_DE         (1ul << 3)
#define CR4_PSE        (1ul << 4)
#define CR4_PAE        (1ul << 5)
#define CR4_MCE        (1ul << 6)
#define CR4_PGE        (1ul << 7)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_UMIP       (1ul << 11)
#define CR4_VMXE       (1ul << 13)
#define CR4_FSGSBASE   (1ul << 16)
#define CR4_PCIDE      (1ul << 17)
#define CR4_OSXSAVE    (1ul << 18)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)

#define MSR_APIC_BASE      0x1b
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103
#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_PAT            0x277
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_X2APIC_BASE    0x800
#define CPUID_FAULTING (1ul << 0)       /* of MSR_MISC_FEATURES_ENABLES */

#define EFER_SCE (1ul << 0)
#define EFER_LME (1ul << 8)
#define EFER_LMA (1ul << 10)
#define EFER_NXE (1ul << 11)

static inline void irq_enable(void) { asm volatile ("sti" ::: "memory"); }
static inline void irq_disable(void) { asm volatile ("cli" ::: "memory"); }
/* Interrupts that wait come now; off before and after. STI holds them for one instruction more. */
static inline void irq_window(void) { asm volatile ("sti; nop; cli" ::: "memory"); }
static inline u64 read_flags(void)
{
	u64 f;

	asm volatile ("pushf; pop %0" : "=r"(f) :: "memory");
	return f;
}

static inline bool irq_is_enabled(void) { return read_flags() & EFLAGS_IF; }

static inline u64 irq_save(void)
{
	u64 f = read_flags();

	irq_disable();
	return f;
}

static inline void irq_restore(u64 flags)
{
	if (flags & EFLAGS_IF)
		irq_enable();
}

/* One page's translation on this CPU, and its paging-structure caches. SDM vol. 3 §4.10.4.1. */
static inline void invlpg(u64 va) { asm volatile ("invlpg (%0)" :: "r"(va) : "memory"); }

static inline void cpu_relax(void) { asm volatile ("pause" ::: "memory"); }
/* Enable interrupts and sleep until one: atomically, by STI's shadow. */
static inline void irq_enable_and_halt(void) { asm volatile ("sti; hlt" ::: "memory"); }
static inline void smp_mb(void) { asm volatile ("lock addl $0, -4(%%rsp)" ::: "memory", "cc"); }

#define DEFINE_IO(suffix, type, reg) \
static inline type in##suffix(u16 port) \
{ type v; asm volatile ("in" #suffix " %1, %" reg "0" : "=a"(v) : "Nd"(port)); return v; } \
static inline void out##suffix(type v, u16 port) \
{ asm volatile ("out" #suffix " %" reg "0, %1" :: "a"(v), "Nd"(port)); }
DEFINE_IO(b, u8, "b")
DEFINE_IO(w, u16, "w")
DEFINE_IO(l, u32, "k")
#undef DEFINE_IO

/* An access of 1, 2 or 4 bytes. */
static inline u32 port_read(u16 port, unsigned bytes)
{
	return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static inline void port_write(u16 port, unsigned bytes, u32 val)
{
	if (bytes == 1)
		outb(val, port);
	else if (bytes == 2)
		outw(val, port);
	else
		outl(val, port);
}
