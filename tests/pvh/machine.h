/* SPDX-License-Identifier: MIT */
/*
 * The processor and the hypervisor as the PVH selftest guest uses them: its start, traps, ports of
 * events, user mode.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "hypercall.h"
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

/* As head.S found it. */
struct boot_state {
	uint64_t eax, ebx, esp, eflags, cr0, cr4, efer;
};
extern struct boot_state boot_state;
extern const struct hvm_start_info *start_info;
extern bool is_dom0;			/* console_io takes our text */

/* What the stub stores, lowest address first. */
struct trap_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* The last exception; vector -1: none since it was reset. */
struct trap_record {
	int vector;
	unsigned count;
	uint64_t error, rip, cr2, dr6, rflags;
};
extern volatile struct trap_record trap_last;
extern volatile uint64_t trap_resume;	/* where TRY() goes on; 0: nobody tries anything */

/* Execute @insn; true: it trapped, and trap_last says how. No operand is left half written. */
#define TRY(insn, ...)							\
	({								\
		trap_last.vector = -1;					\
		trap_last.count = 0;					\
		asm volatile("movq $771f, trap_resume(%%rip)\n\t" insn	\
			     "\n771:\tmovq $0, trap_resume(%%rip)\n\t" __VA_ARGS__); \
		trap_last.count != 0;					\
	})

/* A vector of ours for upcalls, how often it came, and what it does to the flag. */
#define UPCALL_VECTOR 0x60
extern volatile unsigned upcalls;

/*
 * Interrupts by vectors above that: how often each came to any vcpu, and what else is done before
 * its EOI.
 */
extern volatile unsigned interrupts[256];
extern void (*volatile interrupt_hook)(unsigned vector);
/* The local APIC's registers, in xAPIC mode. */
static inline uint32_t apic_read(uint32_t reg)
{
	uint32_t val;

	asm volatile("movl (%1), %0" : "=r"(val) : "r"(0xfee00000ul + reg) : "memory");
	return val;
}

static inline void apic_write(uint32_t reg, uint32_t val)
{
	asm volatile("movl %0, (%1)" : : "r"(val), "r"(0xfee00000ul + reg) : "memory");
}

void machine_init(void);
/* Map shared_info, and have upcalls come by their vector. 0, or the call's error. */
long events_init(void);
extern volatile struct shared_info *shared;

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t val)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((uint32_t)val), "d"((uint32_t)(val >> 32))
		     : "memory");
}

#define CHECK_RDMSR_GP(msr) \
	CHECK_TRAP(13, "rdmsr", : : "c"(msr) : "rax", "rdx", "memory")
#define CHECK_WRMSR_GP(msr, val) \
	CHECK_TRAP(13, "wrmsr", : : "c"(msr), "a"((uint32_t)(val)), \
		   "d"((uint32_t)((uint64_t)(val) >> 32)) : "memory")

struct cpuid { uint32_t a, b, c, d; };
static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
		     : "a"(leaf), "c"(subleaf));
	return r;
}

#define DEFINE_CR(n)							\
static inline uint64_t read_cr##n(void)					\
{ uint64_t v; asm volatile("mov %%cr" #n ", %0" : "=r"(v)); return v; }	\
static inline void write_cr##n(uint64_t v)				\
{ asm volatile("mov %0, %%cr" #n : : "r"(v) : "memory"); }
DEFINE_CR(0)
DEFINE_CR(3)
DEFINE_CR(4)

/* Its RAX; or, if it traps, this less the vector. */
#define USER_TRAPPED (-1000ul)
long user_call(const void *code, void *stack_top);
extern const char user_vmmcall[], user_cpuid[];
void leave_long_mode(unsigned what);
extern uint64_t answer_32;
/* AMD's instruction, until machine_init() has found what this processor's is. */
#define HYPERCALL_INSN "771: vmmcall\n\t.pushsection .hypercall_sites, \"a\"\n\t"		\
		       ".quad 771b\n\t.popsection"
extern char trap_stubs[], page_directories[];

/* A page of RAM of its own for each caller. */
void *page_alloc(void);
/* The 2 MiB at @address are mapped, or not. Flushed. */
void set_present(uint64_t address, bool present);
