/* SPDX-License-Identifier: MIT */
/*
 * What belongs to one CPU.
 *
 * struct cpu_private  at one constant address on every CPU, mapped nowhere else (class "cpu"):
 *                     this_cpu.x. No pointer to it, nor to a stack, may leave the CPU.
 * struct cpu_public   cpu_public[cpu], readable and writable by every CPU (class "public"): no
 *                     guest secret.
 */
#pragma once

#include <isola/types.h>
#include <isola/frame_num.h>
#include <generated/autoconf.h>

struct domain;
struct vcpu;

struct cpu_private {
	/* whose root is loaded; the idle vcpu's when idle. Written next to CR3 (SWI-1) */
	struct vcpu *curr;
	bool shadowed;              /* curr's shadow.on: it does not change while it is loaded */
	struct cpu_public *pub;     /* &cpu_public[id] */
	u32 id;                     /* 0 = boot CPU */
	u64 cr3;                    /* the CR3 value now loaded: written next to the MOV, IF=0 */
	mfn_t area_l3;              /* L3 of this CPU area */
	/* the 16 window entries' place in the area's L1, by public heap address */
	u64 *window_l1;
	u64 cr4;                    /* the CR4 value now loaded */
	u64 ist_used;               /* bit n: IST stack n ran since the last zeroing */
	/* of the last guest domain that ran here (idle does not count); 0: none */
	u64 last_serial;
	u64 domain_changes;         /* how often that changed: spec_ctrl_domain_change() */
	u32 orphans;                /* frames whose last put came here (asi/orphan.c); 0: none */
	/* whose window the visit root shows, which is loaded; NULL: no visit (asm/visit.h) */
	struct domain *visited;
	u64 tsc_deadline;           /* what the timer hardware is armed for, ns; 0 = not armed */
};

/*
 * Which root a CPU runs on, for updaters of guest L4s (design: generations). Written by the CPU
 * itself with interrupts off, read by anyone.
 */
struct cpu_loaded {
	struct vcpu *vcpu;
	/* the guest L4s its two roots were copied from; INVALID_MFN if none */
	mfn_t kernel_l4, user_l4;
	/*
	 * The same three as they were before, from when they change until CR3 has followed and
	 * nothing of them is loaded; otherwise NULL and INVALID_MFN. Written before the new ones:
	 * whoever looks reads the new ones first, so one of the two names it.
	 */
	struct vcpu *leaving_vcpu;
	mfn_t leaving_kernel_l4, leaving_user_l4;
	/* this_cpu.visited, from before the visit root is loaded until another has been */
	struct domain *visited;
};

struct cpu_public {
	u32 softirq_pending;        /* bits of enum softirq; set by anyone, atomically */
	u32 apic_id;
	bool online;
	struct cpu_loaded loaded;
	mfn_t area_l3;              /* what slot 257 of a root must hold while it runs here */
	mfn_t idle_root, visit_root;
	struct vcpu *idle_vcpu;
	struct vcpu *running;       /* what the scheduler put here */
	u64 flush_clock;            /* tlb.h */
	u64 send_mark;              /* odd: sending without a lock (evtchn_deliver.h) */
} __aligned(64);

extern struct cpu_private this_cpu;                 /* at VA_CPU_PRIVATE, by the linker script */
extern struct cpu_public cpu_public[CONFIG_NR_CPUS];
extern unsigned nr_cpus;                            /* CPUs online; ids are 0 .. nr_cpus-1 */

#define current (this_cpu.curr)

static inline unsigned smp_cpu_id(void) { return this_cpu.id; }

/*
 * The CR3 of the boot root, the one that shows all RAM in its window when isolation is on; and: is
 * it loaded here? Set by paging_init().
 */
extern u64 boot_root_cr3;
static inline bool boot_root_loaded(void) { return this_cpu.cr3 == boot_root_cr3; }
