/* SPDX-License-Identifier: MIT */
/* Hosted CPUs: one thread each; this_cpu is the thread's own. */
#pragma once
#define this_cpu	product_this_cpu
#define smp_cpu_id	product_smp_cpu_id
#include_next <asm/percpu.h>
#undef this_cpu
#undef smp_cpu_id

extern __thread struct cpu_private *thread_cpu;
#define this_cpu	(*thread_cpu)
static inline unsigned smp_cpu_id(void) { return this_cpu.id; }
